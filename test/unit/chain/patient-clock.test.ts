import { afterEach, expect, it } from 'vitest';
import { PatientClock, type WatchedLink } from '../../../src/chain/gateway/transport/patient-clock.ts';

const NEAR = { isLoading: () => true, greetingMs: () => 40 };
const clocks: PatientClock[] = [];
afterEach(() => clocks.splice(0).forEach((clock) => clock.stop()));

/** A clock over a link that carries `bytesPerSecond(second)`, and what it told after each second. */
function run(
  seconds: number,
  bytesPerSecond: (second: number) => number,
  more: Partial<WatchedLink> = {},
): number[] {
  let realMs = 0;
  let bytesIn = 0;
  const clock = new PatientClock({ ...NEAR, bytesIn: () => bytesIn, ...more }, () => realMs);
  clocks.push(clock);
  const told: number[] = [];
  for (let second = 0; second < seconds; second++) {
    realMs += 1_000;
    bytesIn += bytesPerSecond(second);
    clock.look();
    told.push(clock.now());
  }
  return told;
}

const BOOTSTRAP_TIMEOUT_MS = 60_000;

it('is the real clock on a link that is fast', () => {
  expect(run(60, (second) => (second < 3 ? 300_000 : 200)).at(-1)).toBe(60_000);
});

it('is the real clock on a link that is silent, so that what does not answer is given up', () => {
  expect(run(120, () => 0).at(-1)).toBe(120_000);
});

it('leaves time for 650 KB at 20 kbit/s', () => {
  const seconds = Math.ceil(650_000 / 2_000);
  expect(run(seconds, () => 2_000).at(-1)).toBeLessThan(BOOTSTRAP_TIMEOUT_MS);
});

it('is the real clock again ten seconds after the last data', () => {
  const told = run(100, (second) => (second < 60 ? 2_500 : 0));
  expect((told[99] ?? 0) - (told[70] ?? 0)).toBeGreaterThan(28_000);
});

it('is the real clock while there is nothing to load, whatever else comes', () => {
  expect(run(120, () => 5_000, { isLoading: () => false }).at(-1)).toBe(120_000);
});

it('leaves four times as long for everything on a link where an answer takes a second, if anything comes', () => {
  const far = { isLoading: () => false, greetingMs: () => 1_200 };
  expect(run(40, () => 60, far).at(-1)).toBeLessThan(11_000);
  expect(run(40, () => 0, far).at(-1)).toBe(40_000);
  expect(run(40, () => 60, { ...far, greetingMs: () => undefined }).at(-1)).toBe(40_000);
});

it('never goes back', () => {
  const told = run(200, (second) => (second % 30 < 15 ? 4_000 : 0));
  expect(told).toEqual([...told].sort((a, b) => a - b));
});

it('goes on from where it was when it is stopped, and is patient no more', () => {
  let realMs = 0;
  let bytesIn = 0;
  const clock = new PatientClock({ ...NEAR, bytesIn: () => bytesIn }, () => realMs);
  for (let second = 0; second < 30; second++) {
    realMs += 1_000;
    bytesIn += 2_500;
    clock.look();
  }
  expect(clock.isPatient).toBe(true);
  const before = clock.now();
  clock.stop();
  realMs += 5_000;
  expect(clock.now()).toBe(before + 5_000);
  expect(clock.isPatient).toBe(false);
});
