/** Delays between failed attempts to reach the chain, in milliseconds. */
export interface RetrySchedule {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** A network that is away for minutes costs a try every few seconds at first, then six an hour. */
export const DEFAULT_RETRY: RetrySchedule = { firstMs: 2_000, maxMs: 600_000 };

/**
 * How long to wait after the n-th failure in a row (n from 1). Doubles up to the maximum; `random` in [0, 1) spreads it
 * over half to one and a half times that, because a fleet that regains power together must not arrive together.
 */
export function retryDelayMs(
  failures: number,
  random: number,
  schedule: RetrySchedule = DEFAULT_RETRY,
): number {
  const doublings = Math.min(Math.max(failures, 1) - 1, 30);
  const nominal = Math.min(schedule.firstMs * 2 ** doublings, schedule.maxMs);
  return Math.round(nominal * (0.5 + random));
}
