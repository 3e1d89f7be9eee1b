import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareDecimal,
  decimal,
  ENERGY_EXPORT,
  ENERGY_IMPORT,
  obis,
  parseDecimal,
  POWER_ACTIVE,
  type MeasuredValue,
  type MeterSample,
  type ObisCode,
  type Quality,
  type Unit,
  type ValueRule,
} from '../../hal/contract/index.ts';
import { judgeSample, type EnergyHistory, type ValueRules } from '../../src/metering/plausibility.ts';

const VOLTAGE = obis('1-0:32.7.0*255');

function value(code: ObisCode, text: string, unit: Unit, quality: Quality = 'G'): MeasuredValue {
  return { obis: code, value: parseDecimal(text), unit, quality };
}
const energy = (wh: string, quality?: Quality): MeasuredValue => value(ENERGY_IMPORT, wh, 'Wh', quality);
const power = (watts: string, quality?: Quality): MeasuredValue => value(POWER_ACTIVE, watts, 'W', quality);

function at(endMonoMs: number, ...values: MeasuredValue[]): MeterSample {
  return {
    meterSerial: 'A1',
    profileId: 'test',
    readBeginMonoMs: endMonoMs - 20,
    readEndMonoMs: endMonoMs,
    values,
  };
}

const rules = (rule: ValueRule, code: ObisCode = ENERGY_IMPORT): ValueRules => new Map([[code, rule]]);

/** Qualities of the first value of each sample, and the rules that were broken. */
function judgeAll(samples: readonly MeterSample[], known?: ValueRules) {
  let history: EnergyHistory | undefined;
  const qualities: (Quality | undefined)[] = [];
  const broken: string[] = [];
  for (const sample of samples) {
    const judged = judgeSample(sample, history, known);
    history = judged.history;
    qualities.push(judged.sample.values[0]?.quality);
    broken.push(...judged.findings.map(({ rule }) => rule));
  }
  return { qualities: qualities.join(''), broken };
}
const seconds = (...values: MeasuredValue[]): MeterSample[] => values.map((each, i) => at(i * 1000, each));

describe('a total', () => {
  it('that shows zero after it has counted is never energy, and the next one is judged by the last that was', () => {
    expect(judgeAll(seconds(energy('5000'), energy('0'), energy('0'), energy('5001')))).toEqual({
      qualities: 'GOOG',
      broken: ['zero_after_total', 'zero_after_total'],
    });
  });

  it('may be zero on a new meter', () => {
    expect(judgeAll(seconds(energy('0'), energy('0'), energy('1'))).qualities).toBe('GGG');
  });

  it('that begins again where its profile says it does has rolled over, and counts on', () => {
    const around = rules({ rolloverAt: decimal(1_000_000), step: decimal(10), maxRate: decimal(50_000) });
    expect(judgeAll(seconds(energy('999980'), energy('999990'), energy('10'), energy('20')), around)).toEqual(
      { qualities: 'GGGG', broken: ['rolled_over'] },
    );
  });

  it('that rolls over to exactly zero is believed from the next count on', () => {
    const around = rules({ rolloverAt: decimal(1_000_000), step: decimal(10), maxRate: decimal(50_000) });
    expect(judgeAll(seconds(energy('999990'), energy('0'), energy('10')), around)).toEqual({
      qualities: 'GOG',
      broken: ['zero_after_total', 'rolled_over'],
    });
  });

  it('that falls without a rollover, or by more than one explains, has not rolled over', () => {
    const around = rules({ rolloverAt: decimal(1_000_000), step: decimal(10), maxRate: decimal(50_000) });
    expect(judgeAll(seconds(energy('500000'), energy('10')), around).broken).toEqual(['decreased']);
    const unknownRate = rules({ rolloverAt: decimal(1_000_000), step: decimal(10) });
    expect(judgeAll(seconds(energy('999990'), energy('10')), unknownRate).broken).toEqual(['decreased']);
    expect(judgeAll(seconds(energy('999990'), energy('999980')), around).broken).toEqual(['decreased']);
  });

  it('is limited by what the meter can measure: 80 A on three phases make 15 Wh in a second, not 100', () => {
    const sdm = rules({ maxRate: decimal(55_200), step: decimal(10) });
    const rises = (to: string, known?: ValueRules) =>
      judgeAll([at(0, energy('5000')), at(1_000, energy(to))], known).qualities;
    expect([rises('5030', sdm), rises('5100', sdm), rises('5100')]).toEqual(['GG', 'GO', 'GG']);
    // The same rise is possible in a minute.
    expect(judgeAll([at(0, energy('5000')), at(60_000, energy('5100'))], sdm).qualities).toBe('GG');
  });

  it('is judged over its own time when it is read less often than others', () => {
    const known = rules({ maxRate: decimal(36_000), step: decimal(1) });
    const samples = [at(0, energy('1000'), power('0'))];
    for (let s = 1; s < 10; s++) samples.push(at(s * 1_000, power('0')));
    samples.push(at(10_000, energy('1100'), power('0')));
    expect(judgeAll(samples, known).broken).toEqual([]);
  });

  it('may fall where its profile says so, though no faster than energy flows', () => {
    const net = rules({ monotonic: false, step: decimal(1), maxRate: decimal(50_000) });
    expect(judgeAll(seconds(energy('10'), energy('0'), energy('-10')), net).qualities).toBe('GGG');
    expect(judgeAll(seconds(energy('100000'), energy('-10')), net).broken).toEqual(['rose_too_fast']);
  });

  it('of bad quality is no measure for the next', () => {
    expect(judgeAll(seconds(energy('5000'), energy('9', 'F'), energy('5001'))).qualities).toBe('GFG');
  });

  it('of a meter with another profile starts anew, though the serial number is the same', () => {
    const first = judgeSample(at(0, energy('5000')), undefined);
    const other = { ...at(1000, energy('7')), profileId: 'other' };
    expect(judgeSample(other, first.history).findings).toEqual([]);
  });

  it('never gives, between two believed values, more energy than the meter can measure, nor less than none', () => {
    const maxRate = 40_000n;
    const step = fc.record({
      wh: fc.oneof(fc.bigInt(0n, 3_000n), fc.bigInt(0n, 10n ** 13n), fc.constant(0n)),
      ms: fc.integer({ min: 30, max: 100_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), (steps) => {
        let history: EnergyHistory | undefined;
        let nowMs = 0;
        let last: { readonly wh: bigint; readonly ms: number } | undefined;
        for (const { wh, ms } of steps) {
          nowMs += ms;
          const known = rules({ maxRate: decimal(maxRate), step: decimal(1) });
          const judged = judgeSample(at(nowMs, energy(String(wh))), history, known);
          history = judged.history;
          if (judged.sample.values[0]?.quality !== 'G') continue;
          if (last !== undefined) {
            const mostWh = (maxRate * BigInt(nowMs - last.ms + 20 + 1_000)) / 3_600_000n + 2n;
            expect(wh - last.wh).toBeGreaterThanOrEqual(0n);
            expect(wh - last.wh).toBeLessThanOrEqual(mostWh);
            if (last.wh > 0n) expect(wh).toBeGreaterThan(0n);
          }
          last = { wh, ms: nowMs };
        }
      }),
    );
  });
});

describe('a total that stands still', () => {
  const charging = (count: number, watts: string, wh: (second: number) => string): MeterSample[] =>
    Array.from({ length: count }, (_, i) => at(i * 1_000, energy(wh(i)), power(watts)));
  const fine = rules({ step: decimal(10) });

  it('while power flows is marked, and good again when it moves', () => {
    // 11 kW are 3.06 Wh a second: 130 Wh, three counts and the slack, have flowed after 43 s.
    const stuck = charging(60, '11000', () => '5000');
    const { qualities, broken } = judgeAll([...stuck, at(60_000, energy('5190'), power('11000'))], fine);
    expect(qualities).toMatch(/^G{43,45}E+G$/);
    expect(new Set(broken)).toEqual(new Set(['frozen']));
  });

  it('is nothing to wonder at without power, with little power, or with a coarse register', () => {
    expect(
      judgeAll(
        charging(3_000, '0', () => '5000'),
        fine,
      ).broken,
    ).toEqual([]);
    expect(
      judgeAll(
        charging(3_000, '40', () => '5000'),
        fine,
      ).broken,
    ).toEqual([]);
    const coarse = rules({ step: decimal(1, 3) });
    const counts = (i: number): string => `${Math.floor((i * 11_000) / 3_600_000)}000`;
    expect(judgeAll(charging(3_000, '11000', counts), coarse).broken).toEqual([]);
  });

  it('is the other total when power flows the other way', () => {
    const solar = Array.from({ length: 100 }, (_, i) =>
      at(
        i * 1_000,
        energy('5000'),
        value(ENERGY_EXPORT, String(Math.floor((i * 9_000) / 3_600)), 'Wh'),
        power('-9000'),
      ),
    );
    const both: ValueRules = new Map([
      [ENERGY_IMPORT, { step: decimal(1) }],
      [ENERGY_EXPORT, { step: decimal(1) }],
    ]);
    expect(judgeAll(solar, both).broken).toEqual([]);
  });

  it('says nothing over a gap, in which power may have been away', () => {
    const samples = [at(0, energy('5000'), power('11000')), at(3_600_000, energy('5000'), power('11000'))];
    expect(judgeAll(samples, fine).broken).toEqual([]);
  });
});

describe('a momentary value', () => {
  it('outside of the range of its profile is out of range', () => {
    const known = rules({ range: { min: decimal(80), max: decimal(300) } }, VOLTAGE);
    const volts = (text: string): MeasuredValue => value(VOLTAGE, text, 'V');
    expect(judgeAll(seconds(volts('230.1'), volts('300.1'), volts('79.9'), volts('80')), known)).toEqual({
      qualities: 'GOOG',
      broken: ['out_of_range', 'out_of_range'],
    });
  });

  it.each([
    ['1-0:32.7.0*255', 'V', '230.2', '65535.0'],
    ['1-0:14.7.0*255', 'Hz', '49.98', '5001'],
    ['1-0:13.7.0*255', '1', '-0.998', '1.2'],
    ['1-0:16.7.0*255', 'W', '-350000', '21474836.47'],
    ['1-0:31.7.0*255', 'A', '-16.01', '2147483.647'],
  ] as const)('%s that no station has is out of range even without a rule: %s', (code, unit, good, bad) => {
    const judge = (text: string) => judgeSample(at(0, value(obis(code), text, unit)), undefined);
    expect(judge(good).findings).toEqual([]);
    expect(judge(bad).sample.values[0]?.quality).toBe('O');
  });

  it('throws for no number and no time whatever', () => {
    const number = fc
      .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.integer({ min: -64, max: 64 }))
      .map(([mantissa, exponent]) => decimal(mantissa, exponent));
    const samples = fc.array(fc.tuple(number, number, fc.nat(1e9)), { maxLength: 8 });
    fc.assert(
      fc.property(samples, (given) => {
        let history: EnergyHistory | undefined;
        for (const [wh, watts, ms] of given) {
          const sample = at(ms, { ...energy('0'), value: wh }, { ...power('0'), value: watts });
          const judged = judgeSample(sample, history);
          history = judged.history;
          // The number itself is never touched.
          expect(compareDecimal(judged.sample.values[0]?.value ?? decimal(1), wh)).toBe(0);
        }
      }),
    );
  });
});
