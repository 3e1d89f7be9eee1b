import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBudgetRecord } from '../../../../src/telemetry/outgoing/budget-record.ts';
import { DailyBudget, type Purpose } from '../../../../src/telemetry/outgoing/daily-budget.ts';
import { budgetFile } from '../../../../src/station/telemetry/budget-file.ts';

const MINUTE = 60_000;
const DAY_BYTES = 1_000_000;
const BOOT = 7;

/** As text, by the way that a restart takes. */
function handedOver(budget: DailyBudget, monoMs: number): string {
  return JSON.stringify({ boot: BOOT, ...budget.record(monoMs) });
}

function begun(text: string | undefined, monoMs: number, bytesPerDay: number | null = DAY_BYTES) {
  return new DailyBudget(bytesPerDay, monoMs, readBudgetRecord(text, { boot: BOOT, monoMs }));
}

describe('what a service leaves of the budget to the next', () => {
  it('is all that one has which starts anew every minute of a day', () => {
    let text: string | undefined;
    let spent = 0;
    for (let monoMs = 0; monoMs < 1_440 * MINUTE; monoMs += MINUTE) {
      const budget = begun(text, monoMs);
      for (const purpose of ['figure', 'log', 'sample', 'backfill'] as const satisfies Purpose[]) {
        for (; budget.allows(purpose, 1_000, monoMs); spent += 1_000) budget.spend(purpose, 1_000, monoMs);
      }
      text = handedOver(budget, monoMs);
    }
    expect(spent).toBeGreaterThan(0.7 * DAY_BYTES);
    expect(spent).toBeLessThanOrEqual(DAY_BYTES);
    expect(begun(text, 1_440 * MINUTE).bytesOfLastDay(1_440 * MINUTE)).toBeGreaterThan(0.7 * DAY_BYTES);
  });

  it('is its debt, too, and is worth as much under a budget of another size', () => {
    const budget = begun(undefined, 0);
    budget.spend('vital', DAY_BYTES / 12, 0); // twice what is saved up
    const text = handedOver(budget, 0);
    expect(begun(text, 0).debtMs(0)).toBeCloseTo(budget.debtMs(0), 0);
    expect(begun(text, 0, 2 * DAY_BYTES).debtMs(0)).toBeCloseTo(budget.debtMs(0), 0);
  });

  it('is a full one after an unlimited one', () => {
    expect(begun(handedOver(begun(undefined, 0, null), 0), 0).allows('backfill', 100_000, 0)).toBe(true);
  });

  it.each([
    ['of another boot', (text: string) => text.replace('"boot":7', '"boot":8')],
    ['of the future', (text: string) => text.replace('"atMonoMs":0', '"atMonoMs":60001')],
    ['cut off', (text: string) => text.slice(0, -2)],
    ['without a purse', (text: string) => text.replace('"log"', '"wood"')],
    ['with a figure that is none', (text: string) => text.replace('"sums":[0', '"sums":[null')],
    ['nothing', () => 'null'],
  ])('is nothing where the record is %s', (_what, spoil) => {
    const text = handedOver(begun(undefined, 0), 0);
    expect(readBudgetRecord(text, { boot: BOOT, monoMs: MINUTE })).toBeDefined();
    const spoilt = spoil(text);
    expect(spoilt).not.toBe(text);
    expect(readBudgetRecord(spoilt, { boot: BOOT, monoMs: MINUTE })).toBeUndefined();
  });
});

describe('the file that it is kept in', () => {
  it('is written as a whole, and read again', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'delmonicos-budget-'));
    try {
      const keeper = budgetFile(directory, () => {});
      expect(keeper?.read()).toBeUndefined();
      keeper?.write('{}');
      expect(keeper?.read()).toBe('{}');
      expect(readFileSync(path.join(directory, 'telemetry-budget.json'), 'utf8')).toBe('{}');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('is done without where it cannot be written, and that is said once', () => {
    const events: string[] = [];
    const keeper = budgetFile('/nonexistent/delmonicos', (_level, event) => void events.push(event));
    keeper?.write('{}');
    keeper?.write('{}');
    expect(events).toEqual(['telemetry.budget_not_kept']);
    expect(budgetFile(undefined, () => {})).toBeUndefined();
  });
});
