import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareDecimal,
  decimal,
  formatDecimal,
  obis,
  type Decimal,
  type MeasuredValue,
  type MeterSample,
} from '../../../../hal/contract/index.ts';
import { windowDocument } from '../../../../src/telemetry/index.ts';
import { meanOf, SampleWindow } from '../../../../src/telemetry/outgoing/sample-window.ts';
import { SampleWindows } from '../../../../src/telemetry/outgoing/sample-windows.ts';

const ENERGY = obis('1-0:1.8.0*255');
const POWER = obis('1-0:16.7.0*255');
const VOLTAGE = obis('1-0:32.7.0*255');

const of = (code: MeasuredValue['obis'], unit: MeasuredValue['unit'], value: Decimal): MeasuredValue => ({
  ...{ obis: code, unit, value },
  quality: 'G',
});

function reading(atMs: number, values: readonly MeasuredValue[], serial = '1'): MeterSample {
  return {
    ...{ meterSerial: serial, profileId: 'p', readBeginMonoMs: atMs, readEndMonoMs: atMs + 50 },
    values,
  };
}

const power = (atMs: number, watts: number, serial = '1'): MeterSample =>
  reading(atMs, [of(POWER, 'W', decimal(watts, -1))], serial);

function windowOf([first, ...rest]: readonly MeterSample[]): SampleWindow {
  if (first === undefined) throw new RangeError('a window holds a reading');
  const window = new SampleWindow(first, {});
  for (const sample of rest) window.add(sample, { index: 7 });
  return window;
}

describe('readings that are put together', () => {
  it('are told by the newest one, and least, greatest and mean of what is no energy', () => {
    const samples = [1, 2, 4].map((n) =>
      reading(1_000 * n, [
        of(ENERGY, 'Wh', decimal(100 + n)),
        of(POWER, 'W', decimal(10 * n, -1)),
        of(VOLTAGE, 'V', decimal(2300 - n, -1)),
      ]),
    );
    expect(windowDocument('m', 3, windowOf(samples))).toEqual({
      meter: { id: 'm', serial: '1', profile: 'p' },
      ...{ index: 7, boot: 3, readBeginMs: 4_000, readEndMs: 4_050 },
      values: [
        { obis: ENERGY, value: '104', unit: 'Wh', quality: 'G' },
        { obis: POWER, value: '4.0', unit: 'W', quality: 'G', min: '1.0', max: '4.0', mean: '2.33' },
        {
          obis: VOLTAGE,
          value: '229.6',
          unit: 'V',
          quality: 'G',
          min: '229.6',
          max: '229.9',
          mean: '229.77',
        },
      ],
      window: { samples: 3, beginMs: 1_000, endMs: 4_050 },
    });
  });

  it('count only good values, and say how many', () => {
    const samples = [5, 7, 9_999].map((watts, n) => {
      const [value] = power(0, watts).values;
      if (value === undefined) throw new RangeError('no value');
      return reading(1_000 * n, [{ ...value, quality: n === 2 ? 'O' : 'G' }]);
    });
    const { values } = windowDocument('m', 3, windowOf(samples)) as { values: object[] };
    const figures = { min: '0.5', max: '0.7', mean: '0.60', count: 2 };
    expect(values).toEqual([{ obis: POWER, value: '999.9', unit: 'W', quality: 'O', ...figures }]);
  });

  it('keep a quantity that the newest one does not hold, with its own times', () => {
    const samples = [
      reading(1_000, [of(ENERGY, 'Wh', decimal(5)), of(POWER, 'W', decimal(1))]),
      reading(2_000, [of(POWER, 'W', decimal(2))]),
    ];
    const { values } = windowDocument('m', 3, windowOf(samples)) as { values: object[] };
    expect(values[0]).toEqual({
      ...{ obis: ENERGY, value: '5', unit: 'Wh', quality: 'G' },
      ...{ readBeginMs: 1_000, readEndMs: 1_050 },
    });
  });

  it('are a sample as any other when there is one', () => {
    const document = windowDocument('m', 3, new SampleWindow(power(1_000, 15), {}));
    expect(document).not.toHaveProperty('window');
    expect(document).toMatchObject({ values: [{ obis: POWER, value: '1.5', unit: 'W', quality: 'G' }] });
  });

  it('have a mean that is rounded half to even, and lies between least and greatest', () => {
    const mean = (total: number, count: number): string => formatDecimal(meanOf(decimal(total), count));
    expect([mean(1, 4), mean(3, 4), mean(-1, 4), mean(1, 3), mean(5, 2)]).toEqual([
      '0.2',
      '0.8',
      '-0.2',
      '0.3',
      '2.5',
    ]);
    const VALUE = fc.record({
      mantissa: fc.bigInt(-(10n ** 20n), 10n ** 20n),
      exponent: fc.integer({ min: -6, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(VALUE, { minLength: 1, maxLength: 40 }), fc.nat(39), (amounts, cut) => {
        const samples = amounts.map((value, n) => reading(n * 1_000, [of(POWER, 'W', value)]));
        const whole = windowOf(samples);
        const [value] = whole.values();
        const {
          min,
          max,
          mean: middle,
        } = value?.figures ?? { min: decimal(1), max: decimal(0), mean: decimal(0) };
        expect(compareDecimal(min, middle)).toBeLessThanOrEqual(0);
        expect(compareDecimal(middle, max)).toBeLessThanOrEqual(0);
        expect(amounts.some((one) => compareDecimal(one, min) === 0)).toBe(true);
        expect(amounts.some((one) => compareDecimal(one, max) === 0)).toBe(true);
        // Of two windows that become one it is the same.
        const at = cut % samples.length;
        if (at === 0) return;
        const joined = windowOf(samples.slice(0, at));
        joined.append(windowOf(samples.slice(at)));
        expect(joined.values()).toEqual(whole.values());
        expect(joined.samples).toBe(whole.samples);
      }),
      { numRuns: 100 },
    );
  });
});

const BOUNDS = { windowMs: 10_000, maxHistoryValues: 12 };

describe('windows of several meters', () => {
  it('hold each reading once, in memory that is bounded, whatever happens', () => {
    const STEP = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('add' as const), meter: fc.nat(3), serial: fc.nat(20) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('link' as const), up: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(60_000) }) },
    );
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 300 }), (steps) => {
        const windows = new SampleWindows(BOUNDS);
        let [now, up, offered, taken] = [0, false, 0, 0];
        const told = new Map<string, number>();
        const take = (): boolean => {
          const due = windows.next();
          if (due === undefined) return false;
          windows.remove(due, now);
          taken += due.window.samples;
          // Of one meter no two windows overlap, and only those that are late are told out of turn.
          expect(due.window.endMonoMs).toBeGreaterThan(due.window.beginMonoMs);
          const newest = told.get(due.meterId) ?? -1;
          expect(due.late || due.window.beginMonoMs > newest).toBe(true);
          if (!due.late) told.set(due.meterId, due.window.endMonoMs);
          return true;
        };
        for (const step of steps) {
          now += 1_000;
          if (step.do === 'add') {
            offered++;
            windows.add(`m${step.meter}`, power(now, 1, step.serial === 0 ? 'other' : '1'), {}, up);
          } else if (step.do === 'take') take();
          else if (step.do === 'link') up = step.up;
          else now += step.ms;
          expect(windows.historyValues).toBeLessThanOrEqual(BOUNDS.maxHistoryValues);
          expect(windows.waiting).toBeLessThanOrEqual(BOUNDS.maxHistoryValues + 4);
          expect(windows.samples + windows.dropped + taken).toBe(offered);
        }
        while (take());
        expect(windows.samples).toBe(0);
        expect(taken + windows.dropped).toBe(offered);
      }),
      { numRuns: 100 },
    );
  });

  it('tell an outage of a day evenly, from its beginning to its end, and lose no reading of it', () => {
    const windows = new SampleWindows({ windowMs: 300_000, maxHistoryValues: 48 });
    const DAY_S = 86_400;
    for (let s = 0; s < DAY_S; s += 10)
      for (const meter of ['a', 'b']) windows.add(meter, power(s * 1_000, s), {}, false);
    const spans: number[] = [];
    const begins: number[] = [];
    for (let due = windows.next(); due !== undefined; due = windows.next()) {
      windows.remove(due, 0);
      if (!due.late || due.meterId !== 'a') continue;
      begins.push(due.window.beginMonoMs);
      spans.push(due.window.endMonoMs - due.window.beginMonoMs);
    }
    expect(begins[0]).toBe(0);
    expect(begins).toEqual([...begins].sort((x, y) => x - y));
    expect(spans.length).toBeGreaterThanOrEqual(20);
    const wholeMs = (DAY_S * 1_000) / spans.length;
    // The last ones may still be short.
    expect(Math.max(...spans)).toBeLessThan(3 * wholeMs);
    expect(windows.dropped).toBe(0);
  });

  it('are told in turn: each meter as often as any other, and what is late every second time', () => {
    const windows = new SampleWindows(BOUNDS);
    for (let s = 0; s < 25; s++)
      for (const meter of ['a', 'b', 'c']) windows.add(meter, power(s * 1_000, 1), {}, s > 22);
    const turns: string[] = [];
    for (let n = 0; n < 8; n++) {
      const due = windows.next();
      if (due === undefined) break;
      windows.remove(due, n);
      turns.push(`${due.meterId}${due.late ? ' late' : ''}`);
      windows.add(due.meterId, power((30 + n) * 1_000, 1), {}, true);
    }
    expect(turns).toEqual(['a', 'a late', 'b', 'b late', 'c', 'c late', 'a', 'a late']);
  });

  it('never put readings of two meters together, and lose the oldest where two take turns under one name', () => {
    const windows = new SampleWindows(BOUNDS);
    for (let n = 0; n < 50; n++) windows.add('m', power(n * 1_000, n, `${n % 2}`), {}, true);
    expect(windows.historyValues).toBe(BOUNDS.maxHistoryValues);
    expect(windows.dropped).toBe(50 - 12 - 1);
    expect(windows.samples).toBe(13);
  });

  it('give up what is left at the end, and count it', () => {
    const windows = new SampleWindows(BOUNDS);
    for (let n = 0; n < 50; n++) windows.add('m', power(n * 1_000, n), {}, false);
    windows.discard();
    expect([windows.dropped, windows.samples, windows.waiting]).toEqual([50, 0, 0]);
  });
});
