import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import {
  activePower,
  decimalOf,
  NO_POWER,
  SLOTS,
  trailOf,
  withReading,
  type PowerHistory,
} from '../../../src/fleet/view/model/power.ts';

const value = (
  obis: string,
  text: string,
  mean: string | null = null,
): Parameters<typeof activePower>[0][number] => ({
  ...{ obis, value: text, mean },
});
const watt = (values: Parameters<typeof activePower>[0]): string | null => {
  const power = activePower(values);
  return power === null ? null : formatDecimal(power);
};
const read = (
  history: PowerHistory,
  endMs: number,
  text: string,
  beginMs = endMs,
  boot = 1,
): PowerHistory => {
  const power = decimalOf(text);
  if (power === null) throw new Error(`${text} is no number`);
  return withReading(history, { boot, beginMs, endMs, watt: power });
};

describe('the power of a meter', () => {
  it('is what it says itself, or else import less export, exact', () => {
    expect(watt([value('1-0:16.7.0*255', '-12.50'), value('1-0:1.7.0*255', '1')])).toBe('-12.50');
    expect(watt([value('1-0:1.7.0*255', '0.10'), value('1-0:2.7.0*255', '0.3')])).toBe('-0.20');
    expect(watt([value('1-0:1.7.0*255', '7')])).toBe('7');
    expect(watt([value('1-0:2.7.0*255', '7')])).toBeNull();
    expect(watt([value('1-0:16.7.0*1', '7'), value('1-0:36.7.0*255', '7')])).toBeNull();
  });

  it('is the mean where a message stands for several readings', () => {
    expect(watt([value('1-0:16.7.0*255', '9000', '11040.5')])).toBe('11040.5');
  });

  it('is no number that no meter has', () => {
    for (const text of ['', 'NaN', '1'.repeat(41), '1e999', '0x10']) expect(decimalOf(text)).toBeNull();
  });
});

describe('the power of five minutes', () => {
  it('has the newest reading of each five seconds, and a gap where nothing was said', () => {
    let history = NO_POWER;
    for (const [endMs, text] of [
      [1_000, '1'],
      [4_000, '2'],
      [3_000, '9'],
      [16_000, '5'],
    ] as const)
      history = read(history, endMs, text);
    expect(trailOf(history, null, 4)).toEqual([2, null, null, 5]);
    expect(trailOf(history, 26_000, 4)).toEqual([null, 5, null, null]);
  });

  it('spreads the mean of a window over the time that it is of', () => {
    expect(trailOf(read(NO_POWER, 20_000, '7', 6_000), null, 5)).toEqual([null, 7, 7, 7, 7]);
  });

  it('forgets what is older, and what was before the boot', () => {
    const long = read(read(NO_POWER, 1_000, '1'), 10 ** 9, '2');
    expect(long.slots.size).toBe(1);
    expect(read(NO_POWER, 10 ** 9, '3', 0).slots.size).toBe(SLOTS);
    const rebooted = read(long, 1_000, '4', 1_000, 2);
    expect([...rebooted.slots.values()].map(({ watt: one }) => formatDecimal(one))).toEqual(['4']);
    expect(read(rebooted, 2_000, '9', 2_000, 1)).toBe(rebooted);
  });
});
