const HOUR_MS = 3_600_000;
export const HOURS = 24;

/** Sums of the last 24 hours, each at its hour since boot modulo 24; `hour` is the last one. */
export interface DayRecord {
  readonly hour: number;
  readonly sums: readonly number[];
}

/** A sum over the last 24 hours, known to the hour. In memory only. */
export class LastDay {
  readonly #hours: number[];
  #hour: number;

  /** @param before of the same boot: is gone on with */
  constructor(nowMonoMs: number, before?: DayRecord) {
    this.#hour = before?.hour ?? Math.floor(nowMonoMs / HOUR_MS);
    this.#hours = before === undefined ? new Array<number>(HOURS).fill(0) : [...before.sums];
  }

  record(): DayRecord {
    return { hour: this.#hour, sums: this.#hours.map(Math.round) };
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
