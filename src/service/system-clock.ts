import { existsSync } from 'node:fs';
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

/** systemd-timesyncd touches this file once the clock is synchronised, systemd-timesyncd.service(8). */
const TIMESYNC_MARKER = '/run/systemd/timesync/synchronized';
/** How long an answer about synchronisation is kept, so that a sample costs no system call. */
const STATUS_CACHE_MS = 10_000;

/** The system's wall clock: synchronised when systemd-timesyncd says so, otherwise unknown. */
export function systemWallClock(
  monotonic: Pick<MonotonicClock, 'nowMonoMs'> = systemMonotonicClock,
): WallClock {
  let cached: { readonly status: ClockStatus; readonly untilMonoMs: number } | undefined;
  return {
    nowWallMs: () => Date.now(),
    status: () => {
      const now = monotonic.nowMonoMs();
      if (cached === undefined || now >= cached.untilMonoMs) {
        cached = { status: existsSync(TIMESYNC_MARKER) ? 'S' : 'U', untilMonoMs: now + STATUS_CACHE_MS };
      }
      return cached.status;
    },
  };
}
