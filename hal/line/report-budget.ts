/** Changes of state that are reported at once, and how long it takes until one more may be. */
const BURST = 6;
const REFILL_MS = 600_000;

/**
 * Which changes of a state are worth a line in the log: all of them as long as they are few. What comes and goes all day (a
 * loose terminal, a gateway that reboots) is reported six times an hour, and must not wear out the flash. Pure: time is given.
 */
export class ReportBudget<State> {
  #reported: State;
  #tokens = BURST;
  #refilledAt: number | undefined;

  constructor(initial: State) {
    this.#reported = initial;
  }

  /** Whether to report `state` now. What was held back is reported by a later call, if it is still so. */
  shouldReport(state: State, now: number): boolean {
    if (state === this.#reported) return false;
    this.#refilledAt ??= now;
    const refilled = Math.floor((now - this.#refilledAt) / REFILL_MS);
    this.#tokens = Math.min(BURST, this.#tokens + refilled);
    this.#refilledAt += refilled * REFILL_MS;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    this.#reported = state;
    return true;
  }
}
