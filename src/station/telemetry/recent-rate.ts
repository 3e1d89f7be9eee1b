/** Over less, a single burst would pass for the rule. */
const LEAST_MS = 10_000;
/** Over less, nothing can be said. */
const LEAST_TOLD_MS = 1_000;

/** How fast a sum grows from one document to the next. Whoever asks says when: it has no clock of its own. */
export class RecentRate {
  #before: { readonly total: number; readonly atMonoMs: number };

  constructor(total: number, atMonoMs: number) {
    this.#before = { total, atMonoMs };
  }

  /** Growth for each millisecond since it was asked before, ten seconds ago at least; undefined before a second has passed. */
  perMs(total: number, nowMonoMs: number): number | undefined {
    const forMs = nowMonoMs - this.#before.atMonoMs;
    if (forMs < LEAST_TOLD_MS) return undefined;
    const rate = Math.max(0, total - this.#before.total) / forMs;
    if (forMs >= LEAST_MS) this.#before = { total, atMonoMs: nowMonoMs };
    return rate;
  }
}
