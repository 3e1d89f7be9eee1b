// From where on something is told. Each has two values, so that what stands at the edge does not come and go: raised at the
// first, cleared at the second.

export interface Threshold {
  readonly raiseAt: number;
  readonly clearAt: number;
}

const MIB = 2 ** 20;
const YEAR_DAYS = 365;

/** Lateness of the event loop's timers, in ms. A metering interval is a second; the watchdog's time is some ten of them. */
export const LOOP_LATE: Threshold = { raiseAt: 1_000, clearAt: 500 };
export const LOOP_BLOCKED: Threshold = { raiseAt: 5_000, clearAt: 2_500 };
/** Parts of the memory limit, in percent. Above it the kernel ends the process. */
export const MEMORY_NEAR_LIMIT: Threshold = { raiseAt: 85, clearAt: 75 };
export const MEMORY_AT_LIMIT: Threshold = { raiseAt: 95, clearAt: 90 };
/** What the whole machine has left, in percent of its memory. */
export const MEMORY_SYSTEM_LOW: Threshold = { raiseAt: 5, clearAt: 8 };
/** SQLite's write-ahead log, a recovery and the reserve need some megabytes each. */
export const DISK_NEARLY_FULL: Threshold = { raiseAt: 16 * MIB, clearAt: 24 * MIB };
/** Bytes that journal.maxSize may still need beyond what is free; a page of retention is more than this. */
export const DISK_LOW: Threshold = { raiseAt: 1, clearAt: -8 * MIB };
/** Percent of its life that an eMMC says is used; it tells them in tens. */
export const FLASH_WORN: Threshold = { raiseAt: 80, clearAt: 70 };
export const FLASH_WORN_OUT: Threshold = { raiseAt: 100, clearAt: 90 };
/** Projected life in days; a station is built for ten years. */
export const FLASH_WEARING_FAST: Threshold = { raiseAt: 5 * YEAR_DAYS, clearAt: 6 * YEAR_DAYS };

/** What is handed over is on disk with its group; past that and this, storing hangs. */
export const COMMIT_LATE_MS = 30_000;
/** A read ends within its time-outs, whatever the meter does; past this and ten intervals its loop hangs. */
export const READ_HANGS_MS = 60_000;
export const READ_HANGS_INTERVALS = 10;
/** The watchdog waits for five minutes (src/service/notify/watchdog.ts). */
export const READ_HANGS_AT_LAST_MS = 240_000;
/** So much longer for each other meter of the line, as the watchdog has it: all of them may be silent, and asked first. */
export const NEIGHBOUR_MS = 20_000;

/** Whether a value that is bad when high is bad, given that it was. */
export function isAbove(value: number, { raiseAt, clearAt }: Threshold, wasRaised: boolean): boolean {
  return value >= raiseAt || (wasRaised && value > clearAt);
}

/** Whether a value that is bad when low is bad, given that it was. */
export function isBelow(value: number, { raiseAt, clearAt }: Threshold, wasRaised: boolean): boolean {
  return value < raiseAt || (wasRaised && value < clearAt);
}
