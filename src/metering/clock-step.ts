/** A look at both clocks at one moment. */
export interface ClockPair {
  readonly wallMs: number;
  readonly monoMs: number;
}

/** Below this a difference is slewing or the two calls' own distance, not a step. */
export const SMALLEST_STEP_MS = 1_000;

/**
 * How far the wall clock was set between two looks, in ms (positive: forward), or undefined when it only ran on.
 * The monotonic clock is the measure.
 */
export function clockStepMs(before: ClockPair, after: ClockPair): number | undefined {
  const step = Math.round(after.wallMs - before.wallMs - (after.monoMs - before.monoMs));
  return Math.abs(step) >= SMALLEST_STEP_MS ? step : undefined;
}
