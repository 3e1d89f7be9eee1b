import { HOURS, type DayRecord } from './last-day.ts';

export const PURSES = ['live', 'figures', 'log', 'asked'] as const;
export type PurseName = (typeof PURSES)[number];

/** What a budget had left at a moment: enough for the next service of the same boot to go on with it. */
export interface BudgetRecord {
  /** Boot of the machine that `atMonoMs` is of. */
  readonly boot: number;
  readonly atMonoMs: number;
  /** How full each purse was, of its size; less than 0 is debt. */
  readonly filled: Readonly<Record<PurseName, number>>;
  readonly day: DayRecord;
}

/** What was kept, unless it is of another boot, of the future, or no such record. Pure. */
export function readBudgetRecord(
  text: string | undefined,
  now: { readonly boot: number; readonly monoMs: number },
): BudgetRecord | undefined {
  if (text === undefined) return undefined;
  let found: Partial<BudgetRecord> | null;
  try {
    found = JSON.parse(text) as Partial<BudgetRecord> | null;
  } catch {
    return undefined;
  }
  const { boot, atMonoMs, filled, day } = found ?? {};
  if (boot !== now.boot || !isFinite(atMonoMs) || atMonoMs > now.monoMs) return undefined;
  if (!PURSES.every((name) => isFinite(filled?.[name])) || !isFinite(day?.hour)) return undefined;
  if (!Array.isArray(day.sums) || day.sums.length !== HOURS || !day.sums.every(isFinite)) return undefined;
  return found as BudgetRecord;
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}
