import { describe, expect, it } from 'vitest';
import { METER_MODELS } from '../../../hal/simulator/index.ts';
import { occupiedRegisters } from '../../../hal/simulator/register-image.ts';
import { showField, wordsOf, type QuantityField } from '../../../hal/simulator/register-map.ts';
import { SimulatedMeter } from '../../../hal/simulator/simulated-meter.ts';

const meter = (options: Partial<ConstructorParameters<typeof SimulatedMeter>[0]> = {}) =>
  new SimulatedMeter({
    id: 'm',
    model: 'eastron-sdm630',
    serial: '24130001',
    startWh: 1_234_567,
    historyStates: 8,
    ...options,
  });

const kilowattHours: QuantityField = {
  address: 0,
  layout: 'f32',
  quantity: 'energyImport',
  resolution: 0,
  unitExponent: 3,
};

describe.each([...METER_MODELS.values()])('the register map of $id', (model) => {
  it('has no register that two fields share', () => {
    const registers = occupiedRegisters(model);
    expect(new Set(registers).size).toBe(registers.length);
  });

  it('shows each quantity once', () => {
    const quantities = model.fields.map(({ quantity }) => quantity);
    expect(new Set(quantities).size).toBe(quantities.length);
  });

  it('has each field within one request, at an even address where the meter gives pairs only', () => {
    for (const { address, layout } of model.fields) {
      expect(wordsOf(layout)).toBeLessThanOrEqual(model.maxRegisters);
      if (model.pairsOnly === true) expect(address % 2).toBe(0);
    }
  });
});

describe('a field', () => {
  const bytes = (words: readonly number[]) =>
    words.map((word) => word.toString(16).padStart(4, '0')).join(' ');

  // Register contents worked out by hand from the documents' number formats.
  it.each([
    ['u64', 'energyImport', 1, 1_234_560_000n, '0000 0000 0001 e240', 123_456n],
    ['s64', 'energyNet', 0, -1_000n, 'ffff ffff ffff ffff', -1n],
    ['s32', 'power', -2, -12_345_670n, 'ffed 2979', -1_234_567n],
    ['s32low', 'power', -1, -1_234_567n, 'cfc7 ffff', -12_345n],
    ['u32', 'voltageL1', -1, 229_970n, '0000 08fb', 2_299n],
    ['s16', 'powerFactor', -3, -987n, 'fc25', -987n],
    ['u16', 'frequency', -2, 49_987n, '1386', 4_998n],
  ] as const)('%s of %s shows its value', (layout, quantity, resolution, milli, words, mantissa) => {
    const shown = showField({ address: 0, layout, quantity, resolution }, milli, 1);
    expect({ words: bytes(shown.words), mantissa: shown.mantissa }).toEqual({ words, mantissa });
  });

  it('of float32 in kWh shows every watt-hour up to 16,384 kWh, each in its own register value', () => {
    const seen = new Set<string>();
    for (let wh = 16_383_000n; wh <= 16_384_000n; wh++) {
      const shown = showField(kilowattHours, wh * 1_000n, 1);
      expect(shown.mantissa).toBe(wh);
      seen.add(bytes(shown.words));
    }
    expect(seen.size).toBe(1_001);
  });

  it('of float32 in kWh shows above that what the register says, not what the meter knows', () => {
    const lost = Array.from({ length: 100 }, (_, index) => 20_000_000n + BigInt(index)).filter(
      (wh) => showField(kilowattHours, wh * 1_000n, 1).mantissa !== wh,
    );
    expect(lost.length).toBeGreaterThan(20);
  });

  it.each([
    [1, 0.95],
    [2, -0.95],
    [3, -1.05],
    [4, 1.05],
  ] as const)('of a Schneider power factor tells quadrant %i', (quadrant, register) => {
    const field: QuantityField = {
      address: 0,
      layout: 'f32',
      quantity: 'powerFactor',
      resolution: -3,
      encoding: 'fourQuadrantPowerFactor',
    };
    const sign = quadrant === 1 || quadrant === 4 ? 1n : -1n;
    const { words } = showField(field, 950n * sign, quadrant);
    const float = Buffer.from([...words].flatMap((word) => [word >>> 8, word & 0xff])).readFloatBE(0);
    expect(float).toBe(Math.fround(register));
  });
});

describe('a meter', () => {
  it('refuses half a float and odd addresses where the maker does', () => {
    expect(meter().read('input', 0x49, 2)).toBe('illegalAddress');
    expect(meter().read('input', 0x48, 1)).toBe('illegalAddress');
    expect(meter().read('input', 0x48, 4)).toHaveLength(4);
  });

  it('refuses a block that reaches into registers it does not have', () => {
    expect(meter().read('input', 0x56, 4)).toBe('illegalAddress');
    expect(meter({ model: 'eastron-sdm72d-m' }).read('input', 0x34, 22)).toBe('illegalAddress');
  });

  it('fills gaps between its registers as its maker does', () => {
    expect(meter({ model: 'abb-b23', serial: '10543311' }).read('holding', 0x5014, 4)).toEqual([
      0xffff, 0xffff, 0xffff, 0xffff,
    ]);
  });

  it('answers its identification code only to a request for nothing else (EM340, 000Bh)', () => {
    const em340 = meter({ model: 'carlo-gavazzi-em340', serial: 'KS0340123456A' });
    expect(em340.read('input', 0x0b, 1)).toEqual([340]);
    expect(em340.read('input', 0x0a, 2)).toEqual([0, 0]);
  });

  it.each([
    { model: 'eastron-sdm999' },
    { serial: 'KS0340123456A' },
    { serial: '012' },
    { startWh: 16_400_000 },
    { startWh: 0.5 },
  ])('cannot be made with %o', (options) => {
    expect(() => meter(options)).toThrow(expect.objectContaining({ code: 'simulator.bad_option' }));
  });
});
