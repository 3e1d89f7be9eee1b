import { expect, it } from 'vitest';
import { firstDelayMs, startDelayMs } from '../../../src/sync/planning/anchor-policy.ts';
import { retryDelayMs } from '../../../src/sync/planning/retry-schedule.ts';

const HOUR = 3_600_000;
const STATIONS = 10_000;

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The most that arrive within one second. */
function peakPerSecond(arrivalsMs: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const at of arrivalsMs)
    counts.set(Math.floor(at / 1000), (counts.get(Math.floor(at / 1000)) ?? 0) + 1);
  return Math.max(...counts.values());
}

it('10,000 stations that regain power together first ask for the chain over a minute: at most 250 in a second', () => {
  const random = numbers(7);
  const arrivals = Array.from({ length: STATIONS }, () => firstDelayMs(HOUR, 2 * HOUR, random()));
  expect(peakPerSecond(arrivals)).toBeLessThan(250);
  expect(Math.max(...arrivals)).toBeGreaterThan(50_000);
});

it('10,000 stations that lost power in the middle of an anchor go on with it over a minute as well', () => {
  const random = numbers(5);
  const arrivals = Array.from({ length: STATIONS }, () => startDelayMs(HOUR / 6, random()));
  expect(peakPerSecond(arrivals)).toBeLessThan(250);
  expect(Math.max(...arrivals)).toBeGreaterThan(50_000);
  expect(startDelayMs(1_000 * HOUR, 0.999), 'five minutes at most, however rarely it anchors').toBeLessThan(
    300_000,
  );
});

it('10,000 stations whose node is away for long come back over ten minutes: at most 50 in a second', () => {
  const random = numbers(11);
  const arrivals = Array.from({ length: STATIONS }, () => retryDelayMs(20, random()));
  expect(peakPerSecond(arrivals)).toBeLessThan(50);
  expect(Math.max(...arrivals) - Math.min(...arrivals)).toBeGreaterThan(550_000);
});
