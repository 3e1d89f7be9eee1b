import { beforeEach, describe, expect, it } from 'vitest';
import { addDecimal, decimal, formatDecimal, type Decimal } from '../../../hal/contract/index.ts';
import { DEMO_PACE, SimulatedSite, type StationTruth } from '../../../hal/simulator/index.ts';
import { checkReading, type JournaledReading, type MismatchReason } from '../../support/meters/truth.ts';

const SERIAL = '24130001';
const SHOW_MS = 500;
/** All registers are renewed at multiples of this; the window of the reading lies between two renewals. */
const BEGIN = 40_100;
const END = 40_300;

let site: SimulatedSite;
let truth: StationTruth;
let right: JournaledReading;

beforeEach(() => {
  site = new SimulatedSite(
    {
      meters: [{ id: 'evse1', model: 'eastron-sdm630', serial: SERIAL, startWh: 1_000_000 }],
      seed: 3,
      pace: DEMO_PACE / 4,
      stepMs: 100,
      showEveryMs: SHOW_MS,
      historyStates: 200,
      solarPeakW: 0,
    },
    0,
  );
  for (let now = 0; now <= 60_000; now += 100) site.advanceTo(now);
  const meter = site.branches[0]?.meter;
  if (meter === undefined) throw new Error('the site has no meter');
  truth = {
    meter: (serial) =>
      serial === SERIAL ? { serial, modelId: meter.model.id, history: meter.history } : undefined,
  };
  right = readingAt(BEGIN, END);
});

/** What a faultless reader would have journaled in that window. */
function readingAt(begin: number, end: number): JournaledReading {
  const states = truth.meter(SERIAL)?.history.between(begin, end) ?? [];
  return {
    meterSerial: SERIAL,
    profileId: 'eastron-sdm630',
    readBeginMonoMs: begin,
    readEndMonoMs: end,
    values: [...(states[0]?.values ?? [])].map(([obis, { value, unit }]) => ({
      obis,
      value: formatDecimal(value),
      unit,
      quality: 'G',
    })),
  };
}

function withValue(obis: string, change: (value: Decimal) => Decimal): JournaledReading {
  const shown = truth.meter(SERIAL)?.history.between(BEGIN, END)[0]?.values;
  return {
    ...right,
    values: right.values.map((each) => {
      if (each.obis !== obis) return each;
      const value = [...(shown ?? [])].find(([code]) => code === obis)?.[1].value;
      return { ...each, value: change(value ?? decimal(0)) };
    }),
  };
}

const reasons = (reading: JournaledReading): MismatchReason[] =>
  checkReading(truth, reading).mismatches.map(({ reason }) => reason);

describe('the truth', () => {
  it('finds a faultless reading right, and says how much it compared', () => {
    expect(checkReading(truth, right)).toEqual({ checked: right.values.length, notGood: 0, mismatches: [] });
    expect(right.values.length).toBeGreaterThan(30);
  });

  it('accepts the same number in another notation', () => {
    const trailing = withValue('1-0:1.8.0*255', ({ mantissa, exponent }) =>
      decimal(mantissa * 100n, exponent - 2),
    );
    expect(reasons(trailing)).toEqual([]);
  });

  it('accepts values of before and after a renewal when both were shown in the window', () => {
    expect(reasons({ ...readingAt(40_100, 40_100), readEndMonoMs: 40_900 })).toEqual([]);
    expect(reasons({ ...readingAt(40_900, 40_900), readBeginMonoMs: 40_100 })).toEqual([]);
  });

  it.each(['1-0:1.8.0*255', '1-0:32.7.0*255', '1-0:51.7.0*255', '1-0:16.7.0*255', '1-0:14.7.0*255'])(
    'finds %s wrong by one in its last digit, up or down',
    (obis) => {
      for (const off of [1n, -1n]) {
        const wrong = withValue(obis, (value) => addDecimal(value, decimal(off, value.exponent)));
        expect(checkReading(truth, wrong).mismatches.map((mismatch) => mismatch.obis)).toEqual([obis]);
      }
    },
  );

  it('finds an energy of before the window wrong, though the meter did show it', () => {
    const old = readingAt(BEGIN - 5_000, BEGIN - 4_900);
    const found = checkReading(truth, { ...old, readBeginMonoMs: BEGIN, readEndMonoMs: END });
    const energy = found.mismatches.find(({ obis }) => obis === '1-0:1.8.0*255');
    expect(energy?.reason).toBe('shown-before');
  });

  it('finds an energy of after the window wrong', () => {
    const later = readingAt(END + 5_000, END + 5_100);
    const found = checkReading(truth, { ...later, readBeginMonoMs: BEGIN, readEndMonoMs: END });
    expect(found.mismatches.find(({ obis }) => obis === '1-0:1.8.0*255')?.reason).toBe('shown-after');
  });

  it('finds a value that was over 2 ms before the window wrong, and forgives 1 ms of rounding', () => {
    const boundary = truth.meter(SERIAL)?.history.between(BEGIN, END)[0]?.untilMonoMs ?? 0;
    expect(boundary).toBeGreaterThan(END);
    const late = (byMs: number): JournaledReading => ({
      ...right,
      readBeginMonoMs: boundary + byMs,
      readEndMonoMs: boundary + byMs + 100,
    });
    expect(reasons(late(1))).toEqual([]);
    expect(reasons(late(2)).length).toBeGreaterThan(0);
  });

  it('finds two swapped OBIS codes', () => {
    const swap: Record<string, string> = {
      '1-0:32.7.0*255': '1-0:52.7.0*255',
      '1-0:52.7.0*255': '1-0:32.7.0*255',
    };
    const swapped = {
      ...right,
      values: right.values.map((each) => ({ ...each, obis: swap[each.obis] ?? each.obis })),
    };
    expect(reasons(swapped)).toEqual(['other-quantity', 'other-quantity']);
  });

  it('finds a value that no meter of this model has, a wrong unit, a repeated code and no number', () => {
    const [first] = right.values;
    if (first === undefined) throw new Error('the reading is empty');
    const only = (...values: JournaledReading['values']) => reasons({ ...right, values });
    expect(only({ ...first, obis: '1-0:1.8.1*255' })).toEqual(['unknown-quantity']);
    expect(only({ ...first, obis: 'energy' })).toEqual(['unknown-quantity']);
    expect(only({ ...first, unit: 'A' })).toEqual(['wrong-unit']);
    expect(only(first, first)).toEqual(['repeated']);
    expect(only({ ...first, value: 'NaN' })).toEqual(['not-a-number']);
    expect(only()).toEqual(['empty']);
  });

  it('finds a reading under another serial number, with another profile, or with an impossible window', () => {
    expect(reasons({ ...right, meterSerial: '1' })).toEqual(['unknown-meter']);
    expect(reasons({ ...right, profileId: 'abb-b23' })).toEqual(['wrong-profile']);
    expect(reasons({ ...right, readEndMonoMs: BEGIN - 1 })).toEqual(['bad-window']);
    expect(reasons({ ...right, readBeginMonoMs: Number.NaN })).toEqual(['bad-window']);
  });

  it('says that it has forgotten, rather than that a value is right or wrong', () => {
    for (let now = 60_000; now <= 300_000; now += 100) site.advanceTo(now);
    expect(reasons(right)).toEqual(['forgotten']);
  });

  it('does not count values that claim nothing', () => {
    const lost = { ...right, values: right.values.map((each) => ({ ...each, value: '0', quality: 'T' })) };
    expect(checkReading(truth, lost)).toEqual({ checked: 0, notGood: right.values.length, mismatches: [] });
  });
});
