import type { MonotonicClock } from '../../../hal/contract/index.ts';

/**
 * For how long entries have waited, without reading them: what is remembered is when the log was first seen to be longer
 * than a tree. True to how often it is looked, by a clock that never jumps.
 */
export class EntryAges {
  readonly #clock: MonotonicClock;
  readonly #sizeNow: () => number;
  readonly #grownMonoMs = new Map<number, number>();

  /** `waitedMs`: for how long the first entry after `anchoredSize` has waited already. */
  constructor(clock: MonotonicClock, sizeNow: () => number, anchoredSize: number, waitedMs: number) {
    this.#clock = clock;
    this.#sizeNow = sizeNow;
    if (sizeNow() > anchoredSize) this.#grownMonoMs.set(anchoredSize, clock.nowMonoMs() - waitedMs);
  }

  /** Looks whether there are entries behind trees of these sizes; what is known of others is forgotten. */
  look(sizes: readonly number[]): void {
    for (const size of this.#grownMonoMs.keys()) if (!sizes.includes(size)) this.#grownMonoMs.delete(size);
    for (const size of sizes) {
      if (this.#sizeNow() > size && !this.#grownMonoMs.has(size))
        this.#grownMonoMs.set(size, this.#clock.nowMonoMs());
    }
  }

  /** For how long the first entry behind a tree has waited; 0: there is none. */
  ageMs(size: number): number {
    const since = this.#grownMonoMs.get(size);
    return since === undefined || this.#sizeNow() <= size ? 0 : Math.max(0, this.#clock.nowMonoMs() - since);
  }
}
