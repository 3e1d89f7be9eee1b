import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DailyBudget, type Purpose } from '../../../../src/telemetry/outgoing/daily-budget.ts';

const DAY_MS = 86_400_000;
const DAY_BYTES = 1_000_000;
const WAITING: readonly Purpose[] = ['figure', 'log', 'sample', 'backfill'];

interface Spent {
  readonly atMonoMs: number;
  readonly bytes: number;
  readonly purpose: Purpose;
}

const MESSAGES = fc.array(
  fc.record({
    purpose: fc.constantFrom(...WAITING),
    bytes: fc.integer({ min: 200, max: 16_000 }),
    /** Often none, sometimes hours: a day passes in a run of some hundred. */
    pauseMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 600_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 * 3_600_000 }) },
    ),
  }),
  { minLength: 200, maxLength: 600 },
);

function spendAll(budget: DailyBudget, messages: readonly (Omit<Spent, 'atMonoMs'> & { pauseMs: number })[]) {
  const spent: Spent[] = [];
  let atMonoMs = 0;
  for (const { purpose, bytes, pauseMs } of messages) {
    atMonoMs += pauseMs;
    if (!budget.allows(purpose, bytes, atMonoMs)) continue;
    budget.spend(purpose, bytes, atMonoMs);
    spent.push({ atMonoMs, bytes, purpose });
  }
  return spent;
}

/** The most that was spent in any stretch of that length. */
function mostWithin(spent: readonly Spent[], lengthMs: number): number {
  let [most, sum, from] = [0, 0, 0];
  for (const one of spent) {
    sum += one.bytes;
    for (let first = spent[from]; first !== undefined && first.atMonoMs <= one.atMonoMs - lengthMs;) {
      sum -= first.bytes;
      first = spent[++from];
    }
    most = Math.max(most, sum);
  }
  return most;
}

describe('the budget of a day', () => {
  it('is not exceeded in any 24 hours, whatever wants to be sent and when', () => {
    fc.assert(
      fc.property(MESSAGES, (messages) => {
        const spent = spendAll(new DailyBudget(DAY_BYTES, 0), messages);
        expect(mostWithin(spent, DAY_MS)).toBeLessThanOrEqual(DAY_BYTES);
      }),
      { numRuns: 60 },
    );
  });

  it('lets through no more in any stretch of time than comes in and its purses hold', () => {
    fc.assert(
      fc.property(MESSAGES, fc.integer({ min: 1_000, max: DAY_MS }), (messages, lengthMs) => {
        const spent = spendAll(new DailyBudget(DAY_BYTES, 0), messages);
        const held = DAY_BYTES * (1 / 24 + 1 / 48 + 1 / 48 + 1 / 8);
        const income = (DAY_BYTES - held) * (lengthMs / DAY_MS);
        expect(mostWithin(spent, lengthMs)).toBeLessThanOrEqual(held + income + 1e-6);
      }),
      { numRuns: 60 },
    );
  });

  it('is used up by a live view that always has something to say, to the share that is for operators and lines', () => {
    const budget = new DailyBudget(DAY_BYTES, 0);
    let sent = 0;
    for (let atMonoMs = 0; atMonoMs < 2 * DAY_MS; atMonoMs += 1_000) {
      if (!budget.allows('sample', 2_000, atMonoMs)) continue;
      budget.spend('sample', 2_000, atMonoMs);
      if (atMonoMs >= DAY_MS) sent += 2_000;
    }
    expect(sent / DAY_BYTES).toBeGreaterThan(0.78);
    expect(sent / DAY_BYTES).toBeLessThan(0.8);
    expect(budget.bytesOfLastDay(2 * DAY_MS - 1)).toBe(sent);
  });

  it.each(WAITING)('does not let %s starve what else there is', (greedy) => {
    const budget = new DailyBudget(DAY_BYTES, 0);
    const others = WAITING.filter((purpose) => purpose !== greedy);
    const sent = new Map<Purpose, number>();
    for (let atMonoMs = 0; atMonoMs < 2 * DAY_MS; atMonoMs += 1_000) {
      const isTurn = atMonoMs % 3_600_000 === 0;
      for (const purpose of [...(isTurn ? others : []), greedy]) {
        const bytes = purpose === greedy ? 500 : 300;
        if (!budget.allows(purpose, bytes, atMonoMs)) continue;
        budget.spend(purpose, bytes, atMonoMs);
        sent.set(purpose, (sent.get(purpose) ?? 0) + 1);
      }
    }
    for (const other of others) expect([other, sent.get(other)]).toEqual([other, 48]);
  });

  it('sends answers and the status whatever they cost, and lets the rest pay for it', () => {
    const budget = new DailyBudget(DAY_BYTES, 0);
    for (let n = 0; n < 100; n++) {
      for (const purpose of ['answer', 'status'] as const) {
        expect(budget.allows(purpose, 16_000, 0)).toBe(true);
        budget.spend(purpose, 16_000, 0);
      }
    }
    expect(WAITING.filter((purpose) => budget.allows(purpose, 200, 0))).toEqual(['figure', 'log']);
    expect(budget.allows('vital', 200, 0)).toBe(false);
    // The deepest debt is that of a day, however much more was spent.
    expect(budget.debtMs(0)).toBeCloseTo(DAY_MS, 0);
    expect(budget.allows('sample', 200, 6 * 3_600_000)).toBe(false);
    expect(budget.debtMs(1.01 * DAY_MS)).toBe(0);
    expect(WAITING.every((purpose) => budget.allows(purpose, 200, 2 * DAY_MS))).toBe(true);
  });

  it('holds nothing back when it is unlimited, and counts all the same', () => {
    const budget = new DailyBudget(null, 0);
    for (let n = 0; n < 1_000; n++) {
      expect(budget.allows('sample', 16_000, n)).toBe(true);
      budget.spend('sample', 16_000, n);
    }
    expect(budget.bytesOfLastDay(DAY_MS / 2)).toBe(16_000_000);
    expect(budget.bytesOfLastDay(DAY_MS + 1)).toBe(0);
    expect(budget.debtMs(0)).toBe(0);
  });

  it('lets a message that is larger than a purse go when the purse is full', () => {
    const budget = new DailyBudget(100_000, 0);
    expect(budget.allows('figure', 16_000, 0)).toBe(true);
    budget.spend('figure', 16_000, 0);
    expect(budget.allows('figure', 16_000, 1_000)).toBe(false);
    expect(budget.allows('figure', 16_000, DAY_MS)).toBe(true);
  });
});
