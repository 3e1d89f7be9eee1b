import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  correctedTime,
  timeAnchors,
  type ClockStepBody,
  type JournalEntry,
} from '../../../src/journal/index.ts';

const NTP = Date.UTC(2027, 0, 1);
const entry = (
  index: number,
  clock: 'U' | 'I' | 'S',
  timeMs: number,
  sinceBootMs: number,
  step?: ClockStepBody,
  bootCount = 1,
): JournalEntry => ({
  ...{ station: 's', index, timeMs, clock, bootCount, sinceBootMs },
  ...(step ? { kind: 'clock-step', body: step } : { kind: 'fault', body: { code: 'test', message: '' } }),
});

/** Boots in 1970, is set by NTP after a minute, and sleeps for an hour later. */
const BOOT: readonly JournalEntry[] = [
  entry(0, 'U', 5_000, 5_000),
  entry(1, 'U', 30_000, 30_000),
  entry(2, 'U', NTP, 60_000, { stepMs: NTP - 60_000, before: 'U', after: 'U', reason: 'set' }),
  entry(3, 'S', NTP + 1_000, 61_000, {
    ...{ stepMs: 0, before: 'U', after: 'S' },
    reason: 'status',
    maxErrorMs: 40,
  }),
  entry(4, 'S', NTP + 2_000, 62_000),
  entry(5, 'S', NTP + 3_000, 63_000),
  entry(6, 'I', NTP + 4_000, 64_000),
  entry(7, 'I', NTP + 3_605_000, 65_000, { stepMs: 3_600_000, before: 'I', after: 'I', reason: 'suspend' }),
  entry(8, 'I', NTP + 3_606_000, 66_000),
  entry(9, 'U', 5_000, 5_000, undefined, 2),
];

describe('the true time of entries', () => {
  const known = timeAnchors(BOOT);
  const of = (index: number) => correctedTime(BOOT[index]!, known);

  it('follows from a synchronised entry of the same boot, by the time since boot', () => {
    expect(of(0)).toEqual({ timeMs: NTP - 55_000, basis: 'later', maxErrorMs: 40 + 28 });
    expect(of(1)).toEqual({ timeMs: NTP - 30_000, basis: 'later', maxErrorMs: 40 + 16 });
    expect(of(2)).toEqual({ timeMs: NTP, basis: 'later', maxErrorMs: 41 });
  });

  it('is their own where that was synchronised', () => {
    expect(of(4)).toEqual({ timeMs: NTP + 2_000, basis: 'own', maxErrorMs: 40 });
  });

  it('goes on while the machine sleeps', () => {
    expect(of(6)).toEqual({ timeMs: NTP + 4_000, basis: 'earlier', maxErrorMs: 41 });
    expect(of(8)).toEqual({ timeMs: NTP + 3_606_000, basis: 'earlier', maxErrorMs: 42 });
  });

  it('is not known in a boot that was never synchronised', () => {
    expect(of(9)).toEqual({ timeMs: 5_000, basis: 'none', maxErrorMs: null });
  });

  it('keeps of a long stretch of synchronised entries only where it begins and ends', () => {
    const long = Array.from({ length: 10_000 }, (_, i) => entry(i, 'S', NTP + i, i));
    expect(
      timeAnchors(long)
        .get(1)
        ?.anchors.map(({ index }) => index),
    ).toEqual([0, 9_999]);
  });

  it('is found for every entry of a boot that is synchronised at any moment, however often the clock is set', () => {
    const happening = fc.record({
      elapsedMs: fc.integer({ min: 1, max: 100_000 }),
      setByMs: fc.oneof(fc.constant(0), fc.integer({ min: -1_000_000, max: 1_000_000 })),
      sleptMs: fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 1_000_000 })),
      synchronise: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 30 }), (happenings) => {
        let [trueMs, monoMs, wrongByMs] = [NTP, 10_000, -NTP];
        const entries: JournalEntry[] = [];
        const truth: number[] = [];
        const push = (clock: 'U' | 'S', step?: ClockStepBody): void => {
          entries.push(entry(entries.length, clock, trueMs + wrongByMs, monoMs, step));
          truth.push(trueMs);
        };
        const step = (stepMs: number, reason: 'set' | 'suspend'): ClockStepBody => ({
          ...{ stepMs, before: 'U', after: 'U', reason },
        });
        for (const { elapsedMs, setByMs, sleptMs, synchronise } of happenings) {
          trueMs += elapsedMs;
          monoMs += elapsedMs;
          if (sleptMs > 0) {
            trueMs += sleptMs;
            push('U', step(sleptMs, 'suspend'));
          }
          const set = synchronise ? -wrongByMs : setByMs;
          wrongByMs += set;
          if (set !== 0) push('U', step(set, 'set'));
          push(synchronise ? 'S' : 'U');
        }
        const found = entries.map((one) => correctedTime(one, timeAnchors(entries)));
        if (happenings.some(({ synchronise }) => synchronise)) {
          expect(found.map(({ timeMs }) => timeMs)).toEqual(truth);
        } else expect(found.every(({ basis }) => basis === 'none')).toBe(true);
      }),
    );
  });
});
