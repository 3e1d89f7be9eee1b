import { readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { decimal, formatDecimal } from '../../../hal/contract/index.ts';
import type { MemoryFacts } from '../../health/index.ts';
import type { LoopDelay } from '../../service/index.ts';
import type { StationStateDocument } from '../../telemetry/index.ts';
import { RecentRate } from './recent-rate.ts';

/** What the process and its machine use, as far as it can be seen at once. */
export interface OwnResources {
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** CPU time since the start of the process, in ms. */
  readonly cpuMs: number;
  /** Null where the kernel does not say. */
  readonly openFiles: number | null;
  /** Mean of the last minute. */
  readonly load: number;
}

export function readOwnResources(): OwnResources {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    uptimeMs: Math.floor(process.uptime() * 1_000),
    rssBytes: rss,
    heapBytes: heapUsed,
    cpuMs: (user + system) / 1_000,
    openFiles: openFiles(),
    load: loadavg()[0] ?? 0,
  };
}

/** The one that lists them is among them for that moment. */
function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}

/** What is not read of the process itself. */
export interface StateFacts extends Pick<
  StationStateDocument,
  'time' | 'clock' | 'configHash' | 'configuration' | 'boot' | 'telemetry'
> {
  readonly nowMonoMs: number;
  readonly loopDelay: LoopDelay | null;
  readonly memory: MemoryFacts | undefined;
}

/** Makes the `state` documents of one station; remembers what the share of the CPU is reckoned from. */
export class StateDocumentMaker {
  readonly #cpu: RecentRate;

  /** @param startedMonoMs when the process began, and its CPU time with it */
  constructor(startedMonoMs: number) {
    this.#cpu = new RecentRate(0, startedMonoMs);
  }

  make(facts: StateFacts, own: OwnResources): StationStateDocument {
    const { nowMonoMs, loopDelay, memory, ...said } = facts;
    const cpuRate = this.#cpu.perMs(own.cpuMs, nowMonoMs);
    const limit = memory?.core.limit ?? null;
    return {
      ...{ uptimeMs: own.uptimeMs, atMs: Math.floor(nowMonoMs) },
      ...said,
      ...{ rssBytes: own.rssBytes, heapBytes: own.heapBytes },
      memoryLimit: limit === null || limit === 'no limit' ? null : limit,
      cpuMsPerSecond: cpuRate === undefined ? null : Math.round(cpuRate * 1_000),
      openFiles: own.openFiles,
      loopDelayMs: loopDelay && { p99: Math.round(loopDelay.p99Ms), max: Math.round(loopDelay.maxMs) },
      machine: {
        load: formatDecimal(decimal(Math.round(own.load * 100), -2)),
        memory: memory?.system ?? null,
      },
      gateway: memory?.gateway ? { rssBytes: memory.gateway.rssBytes } : null,
    };
  }
}

/**
 * What is told at once: not what always moves. Also each session with the broker, so that whoever sees a station come back sees how it
 * is, and not how it was before. Pure.
 */
export function stateNews({
  clock,
  configHash,
  configuration,
  telemetry,
}: Pick<StationStateDocument, 'clock' | 'configHash' | 'configuration' | 'telemetry'>): string {
  return JSON.stringify([clock, configHash, configuration, telemetry.connected, telemetry.sessions]);
}
