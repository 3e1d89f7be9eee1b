import type { BudgetRecord } from './outgoing/budget-record.ts';
import type { BudgetKeeper } from './telemetry.ts';

/** At most so often, whatever is sent: it is a file in memory. */
const KEEP_EVERY_MS = 1_000;

/** Hands over what is left of the day's budget, so that a service which starts again and again has one budget, not many. */
export class KeptBudget {
  readonly #keeper: BudgetKeeper;
  #keptMonoMs = -Infinity;

  constructor(keeper: BudgetKeeper) {
    this.#keeper = keeper;
  }

  keep(record: BudgetRecord): void {
    if (record.atMonoMs - this.#keptMonoMs < KEEP_EVERY_MS) return;
    this.keepNow(record);
  }

  keepNow(record: BudgetRecord): void {
    this.#keptMonoMs = record.atMonoMs;
    this.#keeper.write(JSON.stringify(record));
  }
}
