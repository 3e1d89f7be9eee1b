import { freemem, totalmem } from 'node:os';
import type { StationConfig } from '../../config/index.ts';
import type { DiskFacts, FlashFacts, MemoryFacts, ProcessMemory } from '../../health/index.ts';
import {
  diskRoom,
  emmcHealth,
  journalDiskBytes,
  projectedLifeDays,
  writeRate,
  writtenBytes,
} from '../../journal/index.ts';
import { groupMemoryOf } from '../../service/index.ts';

// What the machine says of itself: a few small files of the kernel each. Nothing here rejects, waits, or starts a process.

/** @param isServed whether a service runs, which keeps the reserve */
export function diskFacts(directory: string, { journal }: StationConfig, isServed: boolean): DiskFacts {
  const { freeBytes, isReserveKept } = diskRoom(directory, journal.reserveBytes);
  return {
    ...{ freeBytes, isReserveKept: isServed ? isReserveKept : null },
    journalBytes: journalDiskBytes(directory),
    maxJournalBytes: journal.maxSizeBytes,
    reserveBytes: journal.reserveBytes,
  };
}

/** @param writer the process that writes; undefined: none runs */
export function flashFacts({ journal }: StationConfig, writer: number | 'self' | undefined): FlashFacts {
  const { groupCommitMs, flashEnduranceBytes } = journal;
  const rate = writeRate({
    ...{ writer: writer === undefined ? undefined : writtenBytes(writer), groupCommitMs },
    log: { entries: 0, overMs: 0 },
  });
  const lifeDays =
    rate === undefined || flashEnduranceBytes === undefined
      ? null
      : projectedLifeDays(rate, flashEnduranceBytes);
  return { devices: emmcHealth(), bytesPerDay: rate?.bytesPerDay ?? null, lifeDays };
}

/** @param gateway the process of the chain gateway, while there is one; without a pid it is not of this machine's /proc */
export function memoryFacts(
  gateway: { readonly pid: number | null; readonly rssBytes: number } | null,
): MemoryFacts {
  const ofGateway: ProcessMemory | null = gateway && {
    rssBytes: gateway.rssBytes,
    limit: (gateway.pid === null ? undefined : groupMemoryOf(gateway.pid)) ?? null,
  };
  return {
    core: { rssBytes: process.memoryUsage.rss(), limit: groupMemoryOf('self') ?? null },
    gateway: ofGateway,
    system: { availableBytes: freemem(), totalBytes: totalmem() },
  };
}
