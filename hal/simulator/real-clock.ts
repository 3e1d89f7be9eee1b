import { setTimeout as delay } from 'node:timers/promises';
import type { MonotonicClock } from '../contract/index.ts';

/**
 * CLOCK_MONOTONIC: process.hrtime counts from the machine's start, so that its times compare between processes
 * (performance.now does not: it counts from the start of the process).
 */
export const REAL_CLOCK: MonotonicClock = {
  nowMonoMs: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: async (durationMs, signal) => {
    await delay(durationMs, undefined, signal === undefined ? undefined : { signal });
  },
};
