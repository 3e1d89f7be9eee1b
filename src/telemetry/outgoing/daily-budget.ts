import { type BudgetRecord, type PurseName } from './budget-record.ts';
import { LastDay } from './last-day.ts';
import { Purse } from './purse.ts';

/**
 * What bytes are spent on. `status`: birth and goodbye. `vital`: what is wrong, what became of a configuration. `figure`: the other retained
 * documents. `answer`: to a command, and `watch`: each sample of a meter for a while, because an operator asked for it. `backfill`: journal
 * entries that were asked for.
 */
export type Purpose = 'status' | 'vital' | 'answer' | 'figure' | 'log' | 'sample' | 'watch' | 'backfill';

const DAY_MS = 86_400_000;

/**
 * Sizes of the purses, as shares of the day's budget. All start full and are filled at a pace that leaves their sizes out of the day:
 * whatever was saved up, no 24 hours cost more than the budget. `asked` is saved up for hours, because operators ask rarely and then for
 * much.
 */
const CAPACITY: Readonly<Record<PurseName, number>> = {
  ...{ live: 1 / 24, figures: 1 / 48, log: 1 / 48, asked: 1 / 8 },
};
export const FILLED_PER_DAY = 1 - CAPACITY.live - CAPACITY.figures - CAPACITY.log - CAPACITY.asked;

/** Of what comes in; what has no room in the other three is for samples and what is vital, too. */
export const SHARE: Readonly<Record<PurseName, number>> = {
  ...{ live: 3 / 8, figures: 1 / 4, log: 1 / 8, asked: 1 / 4 },
};
/** Samples leave this much of their purse to what is vital. */
const SAMPLE_RESERVE = 1 / 4;

const PURSE: Readonly<Record<Purpose, PurseName>> = {
  ...{ status: 'live', vital: 'live', sample: 'live' },
  ...{ figure: 'figures', log: 'log' },
  ...{ answer: 'asked', watch: 'asked', backfill: 'asked' },
};

/**
 * What telemetry may cost, in bytes on the wire: four purses, so that none of them starves another: samples with what is vital, figures, lines
 * of the log, and what operators ask for.
 *
 * The status and answers are never held back: they put their purse in debt, and what may wait then waits. Vital messages and watched
 * samples may put it in debt by its size. No clock and no I/O: the caller says what time it is.
 */
export class DailyBudget {
  /** null: unlimited. Bytes are counted all the same. */
  readonly bytesPerDay: number | null;
  readonly #perMs: number;
  readonly #purses: Readonly<Record<PurseName, Purse>>;
  readonly #lastDay: LastDay;
  #atMonoMs: number;

  /** @param before what an earlier service of this boot had left, whatever its budget was */
  constructor(bytesPerDay: number | null, nowMonoMs: number, before?: Omit<BudgetRecord, 'boot'>) {
    this.bytesPerDay = bytesPerDay;
    const day = bytesPerDay ?? 0;
    this.#perMs = (day * FILLED_PER_DAY) / DAY_MS;
    // A day later nobody asks any more what was spent: not even a broker that floods the station silences it for longer.
    const purse = (name: PurseName): Purse =>
      new Purse(day * CAPACITY[name], day * FILLED_PER_DAY * SHARE[name], before?.filled[name]);
    this.#purses = {
      live: purse('live'),
      figures: purse('figures'),
      log: purse('log'),
      asked: purse('asked'),
    };
    this.#atMonoMs = before?.atMonoMs ?? nowMonoMs;
    this.#lastDay = new LastDay(nowMonoMs, before?.day);
  }

  /** Whether a message of that size may go now. */
  allows(purpose: Purpose, bytes: number, nowMonoMs: number): boolean {
    if (this.bytesPerDay === null) return true;
    this.#fill(nowMonoMs);
    const purse = this.#purses[PURSE[purpose]];
    switch (purpose) {
      case 'status':
      case 'answer':
        return true;
      case 'vital':
      case 'watch':
        return purse.balance > -purse.capacity;
      case 'sample':
        return purse.affords(bytes, purse.capacity * SAMPLE_RESERVE);
      case 'figure':
      case 'log':
      case 'backfill':
        return purse.affords(bytes);
    }
  }

  /** Bytes that were spent, or were counted too high before (less than none). */
  spend(purpose: Purpose, bytes: number, nowMonoMs: number): void {
    this.#lastDay.add(bytes, nowMonoMs);
    if (this.bytesPerDay === null) return;
    this.#fill(nowMonoMs);
    this.#purses[PURSE[purpose]].spend(bytes);
  }

  /** How long a new attempt to connect should wait: a broker that drops every session must not cost the day's budget. */
  debtMs(nowMonoMs: number): number {
    if (this.bytesPerDay === null) return 0;
    this.#fill(nowMonoMs);
    return Math.max(0, -this.#purses.live.balance) / (this.#perMs * SHARE.live);
  }

  /** Of the last 24 hours, or since the service started. */
  bytesOfLastDay(nowMonoMs: number): number {
    return this.#lastDay.total(nowMonoMs);
  }

  /** What the next service goes on with. */
  record(nowMonoMs: number): Omit<BudgetRecord, 'boot'> {
    this.#fill(nowMonoMs);
    const { live, figures, log, asked } = this.#purses;
    return {
      atMonoMs: nowMonoMs,
      filled: { live: live.filled, figures: figures.filled, log: log.filled, asked: asked.filled },
      day: this.#lastDay.record(),
    };
  }

  #fill(nowMonoMs: number): void {
    const bytes = this.#perMs * Math.max(0, nowMonoMs - this.#atMonoMs);
    this.#atMonoMs = Math.max(nowMonoMs, this.#atMonoMs);
    const { live, figures, log, asked } = this.#purses;
    const over =
      figures.pour(bytes * SHARE.figures) + log.pour(bytes * SHARE.log) + asked.pour(bytes * SHARE.asked);
    live.pour(bytes * SHARE.live + over);
  }
}
