import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How often the loop's lateness is sampled: two wake-ups a second and 0.16 ms of a core, where Node's default of 10 ms takes a
 * hundred and 3.7 ms. Whatever blocks the loop for longer than this is seen, less up to this; shorter ones by chance.
 */
const RESOLUTION_MS = 500;
const WINDOW_MS = 60_000;
const NS_PER_MS = 1e6;

export interface LoopDelay {
  /** The latest that a timer came. */
  readonly maxMs: number;
  /** 99 of 100 came no later. */
  readonly p99Ms: number;
}

export interface LoopDelayWatch {
  /** Of the last minute or two; undefined before the first sample. */
  read(nowMonoMs: number): LoopDelay | undefined;
  stop(): void;
}

/** Watches how late the event loop turns, by timers of the runtime itself. */
export function watchLoopDelay(nowMonoMs: number): LoopDelayWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let previous: LoopDelay | undefined;
  let windowMonoMs = nowMonoMs;
  const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  const current = (): LoopDelay | undefined =>
    histogram.count === 0 ? undefined : { maxMs: late(histogram.max), p99Ms: late(histogram.percentile(99)) };
  return {
    read: (now) => {
      const seen = current();
      const delay = {
        maxMs: Math.max(previous?.maxMs ?? 0, seen?.maxMs ?? 0),
        p99Ms: Math.max(previous?.p99Ms ?? 0, seen?.p99Ms ?? 0),
      };
      if (seen === undefined && previous === undefined) return undefined;
      if (now - windowMonoMs >= WINDOW_MS) {
        previous = seen;
        windowMonoMs = now;
        histogram.reset();
      }
      return delay;
    },
    stop: () => void histogram.disable(),
  };
}
