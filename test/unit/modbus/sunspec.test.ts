import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal, type ProfilePoint } from '../../../hal/contract/index.ts';
import { decodePoint } from '../../../hal/driver/modbus/register-codec.ts';
import { sunSpecProfile } from '../../../hal/driver/modbus/sunspec-profile.ts';
import { walkSunSpec, type SunSpecLayout } from '../../../hal/driver/modbus/sunspec-walk.ts';
import { loadProfile } from '../../../hal/profile/index.ts';
import {
  commonModel,
  floatMeter,
  integerMeter,
  readRegisters,
  sunSpecRegisters,
  type Registers,
  type SunSpecModelContent,
} from '../../support/meters/sunspec-device.ts';

const COMMON = commonModel({ maker: 'Fronius', model: 'Smart Meter', version: '1.3', serial: '00A1234567' });
const INVERTER: SunSpecModelContent = { id: 103, content: Array.from({ length: 50 }, () => 7) };
const METER = integerMeter(
  203,
  { 6: -2, 8: 2302, 15: -1, 16: 4998, 17: -2, 18: -12_305, 22: -1, 54: 1 },
  { 46: 1_234_567, 38: 4_321 },
);

/** Walks a device and counts its reads; a walk that reads too much or elsewhere than in the registers fails. */
function walk(registers: Registers) {
  const seen = new Map<number, Uint8Array | undefined>();
  for (let reads = 0; reads < 300; reads++) {
    const step = walkSunSpec(seen);
    if (step.kind !== 'read') return { ...step, reads };
    const { table, registerAddress, registerCount } = step.span;
    expect(table).toBe('holding');
    expect(registerCount).toBeLessThanOrEqual(125);
    expect(registerAddress + registerCount).toBeLessThanOrEqual(0x10000);
    expect(seen.has(registerAddress)).toBe(false);
    seen.set(registerAddress, readRegisters(registers, registerAddress, registerCount));
  }
  throw new Error('the walk does not end');
}

function found(registers: Registers): SunSpecLayout {
  const result = walk(registers);
  if (result.kind !== 'found') throw new Error(JSON.stringify(result));
  return result.layout;
}

const unknownModel = fc.record({
  id: fc.integer({ min: 2, max: 0xfffe }).filter((id) => id < 201 || id > 214),
  content: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 }),
});

describe('the walk through a SunSpec map', () => {
  it('finds the meter wherever it is in the chain', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(40_000, 0, 50_000),
        fc.array(unknownModel, { maxLength: 12 }),
        fc.constantFrom(METER, floatMeter(213, { 28: 1230.5, 68: 12_345.5 })),
        fc.array(unknownModel, { maxLength: 3 }),
        (base, before, meter, behind) => {
          const layout = found(sunSpecRegisters(base, [COMMON, ...before, meter, ...behind]));
          const skipped = [COMMON, ...before].reduce((sum, { content }) => sum + content.length + 2, 2);
          expect(layout.base).toBe(base);
          expect(layout.common.address).toBe(base + 2);
          expect(layout.meter).toMatchObject({
            modelId: meter.id,
            address: base + skipped,
            length: meter.content.length,
          });
        },
      ),
    );
  });

  it('ends after a bounded number of reads within the registers there are, whatever the device says', () => {
    const chaos = fc.array(fc.tuple(fc.constantFrom(1, 1, 203, 213, 0, 0xffff, 160), fc.nat(70)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.constantFrom(40_000, 0, 50_000, 65_000), chaos, fc.boolean(), (base, headers, end) => {
        const models = headers.map(([id, length]) => ({ id, content: Array.from({ length }, () => id) }));
        const registers = sunSpecRegisters(base, models, { end });
        for (const address of registers.keys()) if (address > 0xffff) registers.delete(address);
        expect(['found', 'none']).toContain(walk(registers).kind);
      }),
    );
  });

  it('takes the common model that stands before the meter, where several do', () => {
    const own = commonModel({ maker: 'WattNode', model: 'WNC', version: '25', serial: '606150' }, 66);
    const layout = found(sunSpecRegisters(40_000, [COMMON, INVERTER, own, METER]));
    expect(layout.common.address).toBe(40_000 + 2 + 67 + 52);
    expect(sunSpecProfile(layout, generic)).toMatchObject({ maker: 'WattNode', model: 'WNC' });
  });

  it('takes four reads for a device that is nothing but a meter: marker, header, two contents', () => {
    expect(walk(sunSpecRegisters(40_000, [COMMON, METER])).reads).toBe(4);
  });

  it.each<[string, Registers]>([
    ['no marker anywhere', new Map([[40_000, 1]])],
    ['no registers at all', new Map()],
    ['no meter', sunSpecRegisters(40_000, [COMMON, INVERTER])],
    ['a meter before any common model', sunSpecRegisters(40_000, [METER])],
    ['a common model that is too short', sunSpecRegisters(40_000, [{ id: 1, content: [0] }, METER])],
    ['a meter without counters', sunSpecRegisters(40_000, [COMMON, integerMeter(203, {}, {}, 52)])],
    ['a chain that breaks off', sunSpecRegisters(40_000, [COMMON, INVERTER], { end: false })],
    [
      'a model beyond the last register',
      new Map([...sunSpecRegisters(50_000, [COMMON], { end: false }), [50_069, 160], [50_070, 20_000]]),
    ],
    [
      'models without content, on and on',
      new Map([
        ...sunSpecRegisters(0, [COMMON], { end: false }),
        ...Array.from({ length: 2_000 }, (_, i): [number, number] => [69 + i, i % 2 === 0 ? 160 : 0]),
      ]),
    ],
  ])('finds none in a map with %s', (_name, registers) => {
    expect(walk(registers)).toMatchObject({ kind: 'none', why: expect.any(String) as string });
  });

  it('does without the content of a meter that refuses so many registers at once', () => {
    const seen = new Map<number, Uint8Array | undefined>();
    const registers = sunSpecRegisters(40_000, [COMMON, METER]);
    for (;;) {
      const step = walkSunSpec(seen);
      if (step.kind !== 'read') {
        expect(step).toMatchObject({ kind: 'found', layout: { meter: { modelId: 203 } } });
        if (step.kind !== 'found') return;
        expect(sunSpecProfile(step.layout, generic).points.length).toBeGreaterThan(30);
        return;
      }
      const { registerAddress, registerCount } = step.span;
      const content =
        registerCount > 70 ? undefined : readRegisters(registers, registerAddress, registerCount);
      seen.set(registerAddress, content);
    }
  });
});

const generic = await loadProfile('sunspec');
const codes = (points: readonly ProfilePoint[]) => points.map(({ obis }) => obis).sort();

/** What a profile made for the device reads in it. */
function valuesOf(registers: Registers): Record<string, string> {
  const { points } = sunSpecProfile(found(registers), generic);
  const shown = points.map((point): [string, string] => {
    const { registerAddress, registerCount } = spanOfPoint(point);
    const content = readRegisters(registers, registerAddress, registerCount);
    const reading = content === undefined ? undefined : decodePoint(point, content);
    return [
      point.obis,
      reading?.kind === 'number' ? formatDecimal(reading.value) : (reading?.kind ?? 'none'),
    ];
  });
  return Object.fromEntries(shown);
}

function spanOfPoint({ registerAddress: from, type, decimalExponentFrom }: ProfilePoint) {
  const end = Math.max(from + (type === 's16' ? 1 : 2), (decimalExponentFrom?.registerAddress ?? 0) + 1);
  return { registerAddress: from, registerCount: end - from };
}

describe('the profile of a SunSpec device', () => {
  it('has the totals always, and of the rest only what the device fills', () => {
    expect(valuesOf(sunSpecRegisters(40_000, [COMMON, METER]))).toEqual({
      '1-0:1.8.0*255': '12345670',
      '1-0:2.8.0*255': '43210',
      '1-0:16.7.0*255': '-1230.5',
      '1-0:14.7.0*255': '49.98',
      '1-0:32.7.0*255': '230.2',
      '1-0:31.7.0*255': 'absent',
      '1-0:51.7.0*255': 'absent',
      '1-0:71.7.0*255': 'absent',
    });
  });

  it('takes a counter at zero for a value where the model demands it, and for none elsewhere', () => {
    const meter = integerMeter(203, { 54: 0, 104: 0, 22: 0, 17: 0 }, { 46: 0, 38: 0, 72: 5 });
    const values = valuesOf(sunSpecRegisters(40_000, [COMMON, meter]));
    expect(values).toMatchObject({ '1-0:1.8.0*255': '0', '1-0:2.8.0*255': '0', '1-0:5.8.0*255': '5' });
    expect(values).not.toHaveProperty('1-0:6.8.0*255');
    expect(values).not.toHaveProperty('1-0:21.8.0*255');
  });

  it('has no value without its scale factor', () => {
    const meter = integerMeter(203, { 16: 4998, 18: 500, 54: 0 }, { 46: 1, 38: 1 });
    expect(valuesOf(sunSpecRegisters(40_000, [COMMON, meter]))).toMatchObject({
      '1-0:14.7.0*255': 'absent',
      '1-0:16.7.0*255': 'absent',
    });
  });

  it.each([
    [0, '4294967296'],
    [-2, '42949672.96'],
    [3, '4294967296000'],
    [-11, undefined],
    [11, undefined],
  ])('with the scale factor %i begins again at %s Wh', (power, rolloverAt) => {
    const meter = integerMeter(203, { 54: power }, { 46: 7, 38: 7 });
    const { points } = sunSpecProfile(found(sunSpecRegisters(0, [COMMON, meter])), generic);
    const energy = points.find(({ obis }) => obis === '1-0:1.8.0*255');
    expect(energy?.rolloverAt).toBe(rolloverAt);
  });

  it('reads the float models without scale factors', () => {
    const meter = floatMeter(213, {
      26: 49.98,
      28: -1230.5,
      30: -410.25,
      60: 43_210,
      68: 12_345_670,
      12: 230.2,
    });
    expect(valuesOf(sunSpecRegisters(50_000, [COMMON, meter]))).toEqual({
      '1-0:1.8.0*255': '12345670',
      '1-0:2.8.0*255': '43210',
      '1-0:16.7.0*255': '-1230.5',
      '1-0:36.7.0*255': '-410.25',
      '1-0:14.7.0*255': '49.98',
      '1-0:32.7.0*255': '230.2',
      '1-0:31.7.0*255': 'absent',
      '1-0:51.7.0*255': 'absent',
      '1-0:71.7.0*255': 'absent',
    });
  });

  it('of one phase has that phase in the registers of the sum', () => {
    const meter = integerMeter(201, { 2: 532, 6: -2, 7: 2302, 15: -1, 54: 0 }, { 46: 1, 38: 1 });
    expect(valuesOf(sunSpecRegisters(40_000, [COMMON, meter]))).toMatchObject({
      '1-0:32.7.0*255': '230.2',
      '1-0:31.7.0*255': '5.32',
    });
  });

  it('ends where a shorter model ends', () => {
    const meter = integerMeter(203, { 54: 0, 71: 0, 104: 0 }, { 46: 1, 38: 1, 63: 9, 72: 9 }, 53);
    expect(
      codes(sunSpecProfile(found(sunSpecRegisters(40_000, [COMMON, meter])), generic).points),
    ).not.toContain('1-0:9.8.0*255');
  });

  it('is the one of the file for a device as most are, but for what it says of its counters', () => {
    const everything = Object.fromEntries(Array.from({ length: 36 }, (_, i) => [i + 2, 1]));
    const counters = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [38 + 2 * i, 65_537]));
    const full = integerMeter(203, { ...everything, 54: 0, 71: 0, 104: 0 }, counters);
    full.content.forEach((_, i) => {
      if ([54, 71, 104].includes(i + 2)) (full.content as number[])[i] = 0;
    });
    const layout = found(sunSpecRegisters(40_000, [COMMON, full]));
    const { points, identity } = sunSpecProfile(layout, generic);
    const comparable = (list: readonly ProfilePoint[]) =>
      list
        .map(({ rolloverAt: _, documentRef: __, decimalExponentFrom, absent, ...point }) => ({
          ...point,
          absent,
          exponentAt: decimalExponentFrom?.registerAddress,
          exponentAbsent: decimalExponentFrom?.absent,
        }))
        .sort((a, b) => a.registerAddress - b.registerAddress);
    expect(comparable(points)).toEqual(comparable(generic.points));
    expect(identity.serial?.registerAddress).toBe(generic.identity.serial?.registerAddress);
    expect(identity.firmware?.registerAddress).toBe(generic.identity.firmware?.registerAddress);
  });
});
