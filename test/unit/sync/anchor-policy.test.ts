import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnchorFacts,
  type AnchorRules,
  decideAnchor,
  firstDelayMs,
  nextIntervalMs,
  OVERDUE_FACTOR,
  untilOpenMs,
} from '../../../src/sync/planning/anchor-policy.ts';
import {
  addTraffic,
  dayLeftMs,
  newTrafficDay,
  parseStoredDay,
  resumeTrafficDay,
  storedForm,
  TRAFFIC_DAY_MS,
  usedBytes,
} from '../../../src/sync/planning/traffic-day.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NIGHT = { fromMinute: 60, toMinute: 300 };
const OVER_MIDNIGHT = { fromMinute: 22 * 60, toMinute: 6 * 60 };
const RULES: AnchorRules = { anchorEveryMs: HOUR, maxAgeMs: 24 * HOUR, minBacklog: 1 };
const FACTS: AnchorFacts = {
  ...{ backlog: 100, waitedMs: HOUR, intervalLeftMs: 0, unanchoredMs: HOUR },
  ...{ timeOfDayMs: 12 * HOUR, windowSpread: 0, usedBytes: 0, dayLeftMs: TRAFFIC_DAY_MS },
  ...{ isInFlight: false, isAsked: false },
};
const decide = (rules: Partial<AnchorRules>, facts: Partial<AnchorFacts> = {}) =>
  decideAnchor({ ...RULES, ...rules }, { ...FACTS, ...facts });

describe('when an anchor is made', () => {
  it('is due when the interval is over and an entry waits', () => {
    expect(decide({})).toEqual({ isDue: true, held: null, dueInMs: 0 });
    expect(decide({}, { intervalLeftMs: MINUTE })).toEqual({ isDue: false, held: null, dueInMs: MINUTE });
    expect(decide({}, { backlog: 0 })).toEqual({ isDue: false, held: null, dueInMs: null });
  });

  it('waits for a backlog, and no longer than the maximum age', () => {
    const held = { by: 'backlog', backlog: 100, minBacklog: 1_000, atMostMs: 23 * HOUR };
    expect(decide({ minBacklog: 1_000 })).toEqual({ isDue: false, held, dueInMs: 23 * HOUR });
    expect(decide({ minBacklog: 100 }).isDue).toBe(true);
    expect(decide({ minBacklog: 1_000 }, { waitedMs: 24 * HOUR }).isDue).toBe(true);
    expect(decide({}, { intervalLeftMs: MINUTE, waitedMs: 24 * HOUR }).isDue).toBe(true);
  });

  it('waits for its window, also with the maximum age reached, until that is exceeded twice', () => {
    const held = { by: 'window', opensInMs: 13 * HOUR };
    expect(decide({ windows: [NIGHT] })).toEqual({ isDue: false, held, dueInMs: 13 * HOUR });
    expect(decide({ windows: [NIGHT] }, { waitedMs: 25 * HOUR, unanchoredMs: 25 * HOUR }).held).toEqual(held);
    expect(decide({ windows: [NIGHT] }, { waitedMs: 47 * HOUR, unanchoredMs: 47 * HOUR }).dueInMs).toBe(HOUR);
    const overdue = OVERDUE_FACTOR * 24 * HOUR;
    expect(decide({ windows: [NIGHT] }, { waitedMs: overdue, unanchoredMs: overdue }).isDue).toBe(true);
    expect(decide({ windows: [NIGHT] }, { timeOfDayMs: 2 * HOUR }).isDue).toBe(true);
  });

  it('heeds no window while nobody vouches for the clock, nor for what is on its way', () => {
    expect(decide({ windows: [NIGHT] }, { timeOfDayMs: null }).isDue).toBe(true);
    expect(decide({ windows: [NIGHT] }, { isInFlight: true }).isDue).toBe(true);
  });

  it('waits for the end of the day when its bytes are used up, also for what is on its way', () => {
    const used = { usedBytes: 5_000, dayLeftMs: 3 * HOUR, isInFlight: true, timeOfDayMs: null };
    const held = { by: 'bytes', usedBytes: 5_000, bytesPerDay: 5_000, freeInMs: 3 * HOUR };
    expect(decide({ bytesPerDay: 5_000 }, used)).toEqual({ isDue: false, held, dueInMs: 3 * HOUR });
    expect(decide({ bytesPerDay: 5_001 }, used).isDue).toBe(true);
  });

  it('lets nothing hold the link while a round that was asked for lasts, and plans nothing more for it', () => {
    const all = { minBacklog: 1, windows: [NIGHT], bytesPerDay: 1 };
    const facts = { isAsked: true, usedBytes: 10, intervalLeftMs: HOUR, waitedMs: 0, unanchoredMs: 0 };
    expect(decide(all, { ...facts, intervalLeftMs: 0 }).isDue).toBe(true);
    expect(decide(all, facts)).toEqual({ isDue: false, held: null, dueInMs: HOUR });
    expect(decide(all, { ...facts, backlog: 0 }).isDue).toBe(false);
  });

  it('never waits for ever: in the time that it names, and at the latest in twice the maximum age, it is due', () => {
    const window = fc.record({ fromMinute: fc.nat(1_439), length: fc.integer({ min: 1, max: 1_439 }) });
    fc.assert(
      fc.property(
        fc.record({
          minBacklog: fc.nat(1_000),
          windows: fc.option(fc.array(window, { minLength: 1, maxLength: 3 }), { nil: undefined }),
          bytesPerDay: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
        }),
        fc.record({
          backlog: fc.integer({ min: 1, max: 1_000 }),
          waitedMs: fc.nat(50 * HOUR),
          intervalLeftMs: fc.nat(HOUR),
          timeOfDayMs: fc.option(fc.nat(24 * HOUR - 1), { nil: null }),
          windowSpread: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          usedBytes: fc.nat(1_000),
          dayLeftMs: fc.nat(TRAFFIC_DAY_MS),
        }),
        ({ windows, ...rules }, start) => {
          const dial = windows?.map(({ fromMinute, length }) => ({
            fromMinute,
            toMinute: (fromMinute + length) % 1_440,
          }));
          const after = (ms: number): AnchorFacts => ({
            ...{ ...FACTS, ...start, unanchoredMs: start.waitedMs + ms, waitedMs: start.waitedMs + ms },
            intervalLeftMs: start.intervalLeftMs - ms,
            timeOfDayMs: start.timeOfDayMs === null ? null : (start.timeOfDayMs + ms) % (24 * HOUR),
            usedBytes: ms >= start.dayLeftMs ? 0 : start.usedBytes,
            dayLeftMs: Math.max(0, start.dayLeftMs - ms),
          });
          let passed = 0;
          for (let looks = 0; looks < 20; looks++) {
            const { isDue, dueInMs } = decideAnchor({ ...RULES, ...rules, windows: dial }, after(passed));
            if (isDue) break;
            expect(dueInMs).toBeGreaterThan(0);
            passed += dueInMs ?? 0;
          }
          expect(decideAnchor({ ...RULES, ...rules, windows: dial }, after(passed)).isDue).toBe(true);
          expect(passed).toBeLessThanOrEqual(OVERDUE_FACTOR * RULES.maxAgeMs + 1);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a window', () => {
  it.each([
    [NIGHT, 0, 0, HOUR],
    [NIGHT, HOUR, 0, 0],
    [NIGHT, 5 * HOUR - 1, 0, 0],
    [NIGHT, 5 * HOUR, 0, 20 * HOUR],
    [OVER_MIDNIGHT, 23 * HOUR, 0, 0],
    [OVER_MIDNIGHT, HOUR, 0, 0],
    [OVER_MIDNIGHT, 6 * HOUR, 0, 16 * HOUR],
    [NIGHT, HOUR, 0.5, HOUR],
    [NIGHT, 5 * HOUR - 1, 0.5, 0],
  ])('%j at %i ms with a spread of %d opens in %i ms', (window, timeOfDay, spread, opensIn) => {
    expect(untilOpenMs([window], timeOfDay, spread)).toBe(opensIn);
  });

  it('is never opened by all stations of a fleet together: no minute has more than a fortieth of them', () => {
    const openings = Array.from({ length: 10_000 }, (_, i) => untilOpenMs([NIGHT], 0, i / 10_000));
    const minutes = new Map<number, number>();
    for (const at of openings)
      minutes.set(Math.floor(at / MINUTE), (minutes.get(Math.floor(at / MINUTE)) ?? 0) + 1);
    expect(Math.max(...minutes.values())).toBeLessThanOrEqual(250);
    expect(Math.min(...openings)).toBe(HOUR);
    expect(Math.max(...openings)).toBeLessThan(3 * HOUR);
  });
});

describe('a fleet', () => {
  it('that regains power together anchors over minutes, and drifts apart from then on', () => {
    const fleet = Array.from({ length: 1_000 }, (_, i) => i / 1_000);
    const first = fleet.map((random) => firstDelayMs(HOUR, 2 * HOUR, random));
    expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(4.9 * MINUTE);
    expect(Math.max(...first)).toBeLessThan(5 * MINUTE);
    const next = fleet.map((random) => nextIntervalMs(HOUR, random));
    expect(Math.min(...next)).toBe(57 * MINUTE);
    expect(Math.max(...next)).toBeLessThan(63 * MINUTE);
    expect(next.reduce((sum, ms) => sum + ms, 0) / 1_000).toBeCloseTo(HOUR, -5);
  });

  it('waits out its interval after a restart, as far as the clock can tell', () => {
    expect(firstDelayMs(HOUR, 20 * MINUTE, 0)).toBe(40 * MINUTE);
    expect(firstDelayMs(HOUR, -5, 0)).toBe(0);
    expect(firstDelayMs(HOUR, undefined, 0)).toBe(0);
  });
});

describe('the bytes of a day', () => {
  const at = (monoMs: number, wallMs: number | null = null) => ({ monoMs, wallMs });

  it('are counted from the first one for 24 hours, whatever the wall clock does', () => {
    const first = addTraffic(newTrafficDay(at(0)), { bytesIn: 100, bytesOut: 50 }, at(5 * HOUR, 1e12));
    expect(usedBytes(first, at(28 * HOUR))).toBe(150);
    const more = addTraffic(first, { bytesIn: 1, bytesOut: 1 }, at(20 * HOUR, 0));
    expect([usedBytes(more, at(20 * HOUR)), dayLeftMs(more, at(20 * HOUR))]).toEqual([152, 9 * HOUR]);
    expect(usedBytes(more, at(29 * HOUR))).toBe(0);
    const next = addTraffic(more, { bytesIn: 7, bytesOut: 0 }, at(40 * HOUR));
    expect([usedBytes(next, at(40 * HOUR)), dayLeftMs(next, at(40 * HOUR))]).toEqual([7, 24 * HOUR]);
  });

  it('go on after a restart: for the time that the wall clock tells, or for none when nobody vouches for it', () => {
    const day = addTraffic(newTrafficDay(at(0)), { bytesIn: 100, bytesOut: 50 }, at(HOUR, 1e12));
    const stored = parseStoredDay(JSON.stringify(storedForm(day, at(3 * HOUR))));
    if (stored === undefined) throw new Error('it was stored');
    expect(dayLeftMs(resumeTrafficDay(stored, at(0, 1e12 + 10 * HOUR)), at(0))).toBe(14 * HOUR);
    expect(usedBytes(resumeTrafficDay(stored, at(0, 1e12 + 25 * HOUR)), at(0))).toBe(0);
    expect(dayLeftMs(resumeTrafficDay(stored, at(0)), at(0))).toBe(22 * HOUR);
    expect(dayLeftMs(resumeTrafficDay(stored, at(0, 5)), at(0))).toBe(22 * HOUR);
  });

  it.each([undefined, '', '{', '{"bytesIn":-1,"bytesOut":0,"lastedMs":0}', '[]', 'null'])(
    'count for nothing when what was stored reads %j',
    (text) => {
      expect(parseStoredDay(text)).toBeUndefined();
    },
  );
});
