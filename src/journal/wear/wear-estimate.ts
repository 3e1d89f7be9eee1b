import type { LogPace } from './log-pace.ts';

const DAY_MS = 86_400_000;

/**
 * Bytes that reach the flash for one reading of nine values when so many are committed together: measured on ext4, its journal
 * included (test/scenario/journal/flash-wear.test.ts). A commit has a cost of its own, and each entry a share.
 */
export function bytesPerEntry(entriesInGroup: number): number {
  return BYTES_OF_AN_ENTRY + BYTES_OF_A_COMMIT / Math.max(1, entriesInGroup);
}
const BYTES_OF_AN_ENTRY = 1_290;
const BYTES_OF_A_COMMIT = 14_000;

/** How much is written to flash, and where that is known from. */
export interface WriteRate {
  readonly bytesPerDay: number;
  /** `writer`: the running service's own count. `log`: entries a day, times what one is known to cost. */
  readonly from: 'writer' | 'log';
  /** Over how long a time it was looked at. */
  readonly overMs: number;
}

/** Less says nothing: a start alone writes more than an hour of readings. */
const MIN_WRITER_MS = 600_000;
const MIN_LOG_MS = 60_000;

export interface WearFacts {
  /** What the running writer has written since it started; undefined when none runs or it cannot be read. */
  readonly writer: { readonly bytes: number; readonly sinceMs: number } | undefined;
  /** Of some of the newest entries. */
  readonly log: LogPace;
  readonly groupCommitMs: number;
}

/** Undefined when neither a writer nor the log was looked at for long enough. */
export function writeRate({ writer, log, groupCommitMs }: WearFacts): WriteRate | undefined {
  if (writer !== undefined && writer.sinceMs >= MIN_WRITER_MS) {
    return { bytesPerDay: (writer.bytes / writer.sinceMs) * DAY_MS, from: 'writer', overMs: writer.sinceMs };
  }
  if (log.overMs < MIN_LOG_MS || log.entries < 1) return undefined;
  const entriesPerMs = log.entries / log.overMs;
  const cost = bytesPerEntry(entriesPerMs * groupCommitMs);
  return { bytesPerDay: entriesPerMs * cost * DAY_MS, from: 'log', overMs: log.overMs };
}

/** How long flash of that endurance lasts when nothing else writes to it, in days. */
export function projectedLifeDays({ bytesPerDay }: WriteRate, enduranceBytes: number): number {
  return enduranceBytes / bytesPerDay;
}
