import { uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { MonotonicClock } from '../../hal/contract/index.ts';

/** OCMF time status: unknown, informative, synchronised, relative. */
export type ClockStatus = 'U' | 'I' | 'S' | 'R';

/** A timer of Node set for longer than this fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** CLOCK_MONOTONIC as Node shows it: milliseconds since the machine was booted. */
export const systemMonotonicClock: MonotonicClock = {
  nowMonoMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  sleep: async (durationMs, signal) => {
    let left = Math.max(0, durationMs);
    for (; left > LONGEST_TIMER_MS; left -= LONGEST_TIMER_MS) {
      await delay(LONGEST_TIMER_MS, undefined, signal && { signal });
    }
    await delay(left, undefined, signal && { signal });
  },
};

export interface WallClock {
  /** Milliseconds since 1970 UTC, as the system believes. Never used for durations or order. */
  nowWallMs(): number;
  status(): ClockStatus;
}

/** What the system's wall clock shows; what that is worth, `openTimeStatus` says. */
export function systemWallClock(): Pick<WallClock, 'nowWallMs'> {
  return { nowWallMs: () => Date.now() };
}

/**
 * CLOCK_BOOTTIME, which goes on while the machine is asleep and the monotonic clock stands still, in ms and whole hundredths of
 * a second (proc(5), /proc/uptime).
 */
export function systemUptimeMs(): number {
  return uptime() * 1_000;
}
