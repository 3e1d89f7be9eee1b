/** Time that never jumps. Milliseconds since boot, with a fraction; the wall clock is never used for durations. */
export interface MonotonicClock {
  nowMonoMs(): number;
  /** Resolves after at least `durationMs`; rejects with the signal's reason when it is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
