const HOUR_MS = 3_600_000;
const HOURS = 24;

/** A sum over the last 24 hours, known to the hour. In memory only: it begins anew with the service. */
export class LastDay {
  readonly #hours: number[] = new Array<number>(HOURS).fill(0);
  #hour: number;

  constructor(nowMonoMs: number) {
    this.#hour = Math.floor(nowMonoMs / HOUR_MS);
  }

  add(amount: number, nowMonoMs: number): void {
    this.#moveTo(nowMonoMs);
    const at = this.#hour % HOURS;
    this.#hours[at] = (this.#hours[at] ?? 0) + amount;
  }

  total(nowMonoMs: number): number {
    this.#moveTo(nowMonoMs);
    return Math.max(0, Math.round(this.#hours.reduce((sum, hour) => sum + hour, 0)));
  }

  #moveTo(nowMonoMs: number): void {
    const hour = Math.floor(nowMonoMs / HOUR_MS);
    // A day without a byte empties all of them.
    for (let passed = 0; this.#hour < hour && passed < HOURS; passed++) this.#hours[++this.#hour % HOURS] = 0;
    this.#hour = Math.max(hour, this.#hour);
  }
}
