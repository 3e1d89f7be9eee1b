import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareDecimal,
  decimal,
  obis,
  registerCountOf,
  shiftDecimal,
  spanOf,
  type ByteOrder,
  type ClockField,
  type ProfilePoint,
  type RegisterField,
  type RegisterPart,
  type RegisterType,
} from '../../../hal/contract/index.ts';
import { decodeClock } from '../../../hal/driver/modbus/clock-codec.ts';
import { decodeField, decodePoint } from '../../../hal/driver/modbus/register-codec.ts';
import { encodeField } from '../../support/meters/register-encoder.ts';

// Values made of more than one run of registers, or of less: bit fields, split values, exponent registers, clocks.

const order = fc.constantFrom<ByteOrder>('ABCD', 'CDAB', 'BADC', 'DCBA');
const WIDTHS = [16, 32, 48, 64];

const at = (registerAddress: number, type: RegisterType, byteOrder: ByteOrder): RegisterField => ({
  table: 'input',
  registerAddress,
  documentRef: 'x',
  type,
  byteOrder,
});

/** Registers of the field's span as a meter has them, with noise where nothing is said. */
function image(field: RegisterField, parts: readonly (readonly [RegisterPart, bigint])[]): Uint8Array {
  const span = spanOf(field);
  const bytes = new Uint8Array(2 * span.registerCount).fill(0xa5);
  for (const [part, raw] of parts) {
    const content = encodeField({ ...part, table: 'input' }, raw);
    bytes.set(content, 2 * (part.registerAddress - span.registerAddress));
  }
  return bytes;
}

describe('a bit field', () => {
  const cases = fc.constantFrom(...WIDTHS).chain((width) =>
    fc.integer({ min: 1, max: Math.min(63, width) }).chain((bitCount) =>
      fc.record({
        width: fc.constant(width),
        bitCount: fc.constant(bitCount),
        firstBit: fc.integer({ min: 0, max: Math.min(63, width - bitCount) }),
        value: fc.bigInt({ min: 0n, max: (1n << BigInt(bitCount)) - 1n }),
        others: fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n }),
        byteOrder: order,
      }),
    ),
  );

  it('is its own bits and nothing of the others, unsigned and signed, in every width and byte order', () => {
    fc.assert(
      fc.property(cases, ({ width, bitCount, firstBit, value, others, byteOrder }) => {
        const mask = ((1n << BigInt(bitCount)) - 1n) << BigInt(firstBit);
        const raw = (others & ~mask) | (value << BigInt(firstBit));
        for (const sign of ['u', 's']) {
          const field = {
            ...at(0, `${sign}${width}` as RegisterType, byteOrder),
            bitField: { firstBit, bitCount },
          };
          const negative = sign === 's' && value >= 1n << BigInt(bitCount - 1);
          expect(decodeField(field, image(field, [[field, raw]]))).toEqual({
            kind: 'number',
            value: decimal(negative ? value - (1n << BigInt(bitCount)) : value),
          });
        }
      }),
    );
  });
});

describe('a split value', () => {
  const half = (lowAt: number, type: RegisterType, highTimes: number) => ({
    ...at(10, 's16', 'ABCD'),
    lowPart: { registerAddress: lowAt, documentRef: 'y', type, byteOrder: 'ABCD', highTimes } as const,
  });

  it('is one binary number, wherever its halves are', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n }),
        fc.integer({ min: 0, max: 30 }).filter((address) => address !== 10),
        (value, lowAt) => {
          const field = half(lowAt, 'u16', 65_536);
          const registers = image(field, [
            [field, BigInt.asUintN(16, value >> 16n)],
            [field.lowPart, BigInt.asUintN(16, value)],
          ]);
          expect(decodeField(field, registers)).toEqual({ kind: 'number', value: decimal(value) });
        },
      ),
    );
  });

  it('is MWh and kWh, and a low part of a whole MWh is invalid, not a value', () => {
    const field = half(11, 'u16', 1_000);
    const of = (high: bigint, low: bigint) =>
      decodeField(
        field,
        image(field, [
          [field, BigInt.asUintN(16, high)],
          [field.lowPart, low],
        ]),
      );
    expect(of(12n, 345n)).toEqual({ kind: 'number', value: decimal(12_345) });
    expect(of(12n, 1_000n)).toMatchObject({ kind: 'invalid' });
    expect(of(-12n, 345n)).toMatchObject({ kind: 'invalid' });
  });

  it('is absent when either half is', () => {
    const field = { ...half(11, 'u16', 65_536), absent: ['0x8000'] };
    const both = { ...field, lowPart: { ...field.lowPart, absent: ['0xFFFF'] } };
    const of = (high: bigint, low: bigint) =>
      decodeField(
        both,
        image(both, [
          [both, high],
          [both.lowPart, low],
        ]),
      ).kind;
    expect([of(0x8000n, 1n), of(1n, 0xffffn), of(1n, 1n)]).toEqual(['absent', 'absent', 'number']);
  });
});

describe('an exponent register', () => {
  const point: ProfilePoint = {
    ...at(3, 'u32', 'ABCD'),
    obis: obis('1-0:1.8.0*255'),
    unit: 'Wh',
    decimalExponent: 0,
    direction: 'import',
    decimalExponentFrom: { ...at(40, 's16', 'ABCD'), absent: ['0x8000'] },
  };
  const of = (raw: bigint, exponent: bigint, decimalExponent = 0) => {
    const scaled = { ...point, decimalExponent };
    return decodePoint(
      scaled,
      image(scaled, [
        [scaled, raw],
        [scaled.decimalExponentFrom as RegisterPart, BigInt.asUintN(16, exponent)],
      ]),
    );
  };

  it('scales by any power of ten that a meter has, beside the one of the profile', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
        fc.integer({ min: -18, max: 18 }),
        fc.integer({ min: -12, max: 12 }),
        (raw, exponent, decimalExponent) => {
          const reading = of(raw, BigInt(exponent), decimalExponent);
          if (reading.kind !== 'number') throw new Error(reading.kind);
          expect(compareDecimal(reading.value, shiftDecimal(decimal(raw), exponent + decimalExponent))).toBe(
            0,
          );
        },
      ),
    );
  });

  it('that says "not implemented" leaves no value, and one that cannot be makes the value invalid', () => {
    expect(of(5n, -32_768n)).toEqual({ kind: 'absent' });
    expect(of(5n, 19n)).toMatchObject({ kind: 'invalid' });
  });

  it('may share the register of its value: sign, exponent and 24 bits in one', () => {
    const packed: ProfilePoint = {
      ...point,
      type: 's32',
      bitField: { firstBit: 0, bitCount: 24 },
      decimalExponentFrom: { ...at(3, 's32', 'ABCD'), bitField: { firstBit: 24, bitCount: 8 } },
    };
    expect(decodePoint(packed, Uint8Array.of(0xfe, 0xff, 0xff, 0x85))).toEqual({
      kind: 'number',
      value: decimal(-123, -2),
    });
  });
});

describe('the codec', () => {
  it('throws for no field and no content whatever: split, cut, scaled by garbage or of the wrong length', () => {
    const type = fc.constantFrom<RegisterType>(
      'u16',
      's32',
      'u48',
      's64',
      'float32',
      'float64',
      'bcd',
      'string',
    );
    const part = fc.record({
      registerAddress: fc.integer({ min: 0, max: 8 }),
      documentRef: fc.constant('x'),
      type,
      registerCount: fc.constant(2),
      byteOrder: order,
      bitField: fc.option(fc.record({ firstBit: fc.nat(63), bitCount: fc.integer({ min: 1, max: 63 }) }), {
        nil: undefined,
      }),
    });
    fc.assert(
      fc.property(
        part,
        fc.option(fc.tuple(part, fc.constantFrom(10, 65_536, 2 ** 48)), { nil: undefined }),
        fc.option(part, { nil: undefined }),
        fc.uint8Array({ minLength: 26, maxLength: 26 }),
        fc.integer({ min: 0, max: 26 }),
        (own, low, exponent, bytes, wrong) => {
          const point: ProfilePoint = {
            ...own,
            table: 'input',
            obis: obis('1-0:1.8.0*255'),
            unit: 'Wh',
            decimalExponent: 3,
            lowPart: low && { ...low[0], highTimes: low[1] },
            decimalExponentFrom: exponent,
          };
          const length = 2 * spanOf(point).registerCount;
          for (const registers of [bytes.subarray(0, length), bytes.subarray(0, wrong)]) {
            expect(['number', 'absent', 'invalid']).toContain(decodePoint(point, registers).kind);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('counts the registers of every type as the encoder does', () => {
    expect(
      ['u16', 'u32', 'u48', 'u64', 'float64'].map((type) => registerCountOf({ type: type as RegisterType })),
    ).toEqual([1, 2, 3, 4, 4]);
  });
});

describe("a meter's clock", () => {
  const clock = (format: ClockField['format']): ClockField => ({
    table: 'holding',
    registerAddress: 0,
    documentRef: 'x',
    format,
    byteOrder: 'ABCD',
  });
  const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'));

  it.each([
    ['unixSeconds', '65 92 00 80', '2024-01-01T00:00:00'],
    ['bytesYmdhms', '1a 05 1f 17 3b 3b', '2026-05-31T23:59:59'],
    ['registersYmdhms', '07 ea 00 02 00 1c 00 00 00 01 00 02', '2026-02-28T00:01:02'],
    ['registersYmdhms', '00 1a 00 02 00 1c 00 00 00 01 00 02', '2026-02-28T00:01:02'],
    // Summer time and day of the week are set beside hour and day; 30,500 ms are 30 s.
    ['iec870-5-4', '00 1a 0b b7 92 2a 77 24', '2026-11-23T18:42:30'],
  ] as const)('of format %s says %s is %s', (format, bytes, expected) => {
    expect(decodeClock(clock(format), hex(bytes))).toBe(expected);
  });

  it('says nothing where there is no date, and throws for nothing', () => {
    expect(decodeClock(clock('bytesYmdhms'), hex('1a 02 1e 00 00 00'))).toBeUndefined();
    expect(decodeClock(clock('bytesYmdhms'), hex('1a 05 01 18 00 00'))).toBeUndefined();
    expect(decodeClock(clock('bytesYmdhms'), hex('00 00 00 00 00 00'))).toBeUndefined();
    const formats = fc.constantFrom<ClockField['format']>(
      'unixSeconds',
      'bytesYmdhms',
      'registersYmdhms',
      'iec870-5-4',
    );
    fc.assert(
      fc.property(formats, order, fc.uint8Array({ maxLength: 12 }), (format, byteOrder, bytes) => {
        const text = decodeClock({ ...clock(format), byteOrder }, bytes);
        if (text !== undefined) expect(text).toMatch(/^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
      }),
    );
  });
});
