import type { MonotonicClock } from '../contract/index.ts';

/** Lets one waiter sleep until something happens or a time is reached, whichever is first. */
export class WakeUp {
  readonly #clock: MonotonicClock;
  #waiter: (() => void) | undefined;
  #rung = false;

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  /** Ends the wait that is going on, or the next one at once. */
  ring(): void {
    this.#rung = true;
    this.#waiter?.();
  }

  /** Forgets a ring that nobody has waited for. */
  reset(): void {
    this.#rung = false;
  }

  /** Resolves when rung or at `deadline`; says which. Only one wait at a time. */
  async until(deadline: number): Promise<'rung' | 'late'> {
    const durationMs = deadline - this.#clock.nowMonoMs();
    if (!this.#rung && durationMs > 0) {
      const alarm = new AbortController();
      const rung = new Promise<void>((resolve) => (this.#waiter = resolve));
      const late = Number.isFinite(durationMs)
        ? this.#clock.sleep(durationMs, alarm.signal).catch(() => {})
        : new Promise<void>(() => {});
      await Promise.race([rung, late]);
      this.#waiter = undefined;
      alarm.abort();
    }
    if (!this.#rung) return 'late';
    this.#rung = false;
    return 'rung';
  }
}
