import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareDecimal,
  decimal,
  formatDecimal,
  obis,
  parseDecimal,
  type ByteOrder,
  type ProfilePoint,
  type RegisterField,
  type RegisterType,
} from '../../../hal/contract/index.ts';
import { decodeField, decodePoint, decodeText } from '../../../hal/driver/modbus/register-codec.ts';
import { encodeField } from '../../support/meters/register-encoder.ts';

const ORDERS: readonly ByteOrder[] = ['ABCD', 'CDAB', 'BADC', 'DCBA'];
const INTEGERS: Readonly<Record<string, number>> = {
  u16: 16,
  s16: 16,
  u32: 32,
  s32: 32,
  u48: 48,
  s48: 48,
  u64: 64,
  s64: 64,
};

function field(type: RegisterType, byteOrder: ByteOrder, registerCount?: number): RegisterField {
  const base = { table: 'input', registerAddress: 0, documentRef: '1', type, byteOrder } as const;
  return registerCount === undefined ? base : { ...base, registerCount };
}

const order = fc.constantFrom(...ORDERS);

describe('the register codec', () => {
  it.each(Object.entries(INTEGERS))('reads back every %s in every byte order', (type, bits) => {
    const signed = type.startsWith('s');
    const min = signed ? -(2n ** BigInt(bits - 1)) : 0n;
    const max = signed ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min, max }), order, (value, byteOrder) => {
        const of = field(type as RegisterType, byteOrder);
        const reading = decodeField(of, encodeField(of, BigInt.asUintN(bits, value)));
        expect(reading).toEqual({ kind: 'number', value: decimal(value) });
      }),
      {
        examples: [
          [min, 'ABCD'],
          [max, 'CDAB'],
        ],
      },
    );
  });

  it('reads a float32 as a decimal that is the same float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), order, (value, byteOrder) => {
        const of = field('float32', byteOrder);
        const reading = decodeField(of, encodeField(of, value));
        if (reading.kind !== 'number') throw new Error(reading.kind);
        expect(Math.fround(Number(formatDecimal(reading.value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('reads back what a meter counted in its own decimal steps: 12.3 is 12.3, not 12.300000190734863', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999, max: 999_999 }),
        fc.integer({ min: -4, max: 3 }),
        (mantissa, exponent) => {
          const of = field('float32', 'ABCD');
          const counted = decimal(mantissa, exponent);
          const reading = decodeField(of, encodeField(of, Number(formatDecimal(counted))));
          if (reading.kind !== 'number') throw new Error(reading.kind);
          expect(compareDecimal(reading.value, counted)).toBe(0);
        },
      ),
    );
  });

  it('reads a float64 exactly as ECMAScript prints it', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), order, (value, byteOrder) => {
        const of = field('float64', byteOrder);
        const reading = decodeField(of, encodeField(of, value));
        // Numbers smaller than any measurement have exponents that a Decimal refuses.
        if (reading.kind === 'invalid') {
          expect(Math.abs(value)).toBeLessThan(1e-40);
          return;
        }
        if (reading.kind !== 'number') throw new Error(reading.kind);
        expect(Number(formatDecimal(reading.value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('reads binary-coded decimals, and says when a digit is none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.bigInt({ min: 0n, max: 9_999n }),
        order,
        (count, value, byteOrder) => {
          const of = field('bcd', byteOrder, count);
          expect(decodeField(of, encodeField(of, value))).toEqual({ kind: 'number', value: decimal(value) });
        },
      ),
    );
    expect(decodeField(field('bcd', 'ABCD', 1), Uint8Array.of(0x12, 0x3a))).toMatchObject({
      kind: 'invalid',
    });
  });

  it('reads text without its padding', () => {
    expect(decodeText(field('string', 'ABCD', 4), encodeField(field('string', 'ABCD', 4), 'KZ12800'))).toBe(
      'KZ12800',
    );
    expect(decodeText(field('string', 'BADC', 3), encodeField(field('string', 'BADC', 3), 'B23  '))).toBe(
      'B23',
    );
    expect(decodeText(field('string', 'ABCD', 3), Uint8Array.of(0, 0x4b, 0, 0x5a, 0, 0x31))).toBe('KZ1');
    expect(decodeText(field('string', 'ABCD', 3), Uint8Array.of(0, 0x4b, 0, 0x5a, 0, 0))).toBe('KZ');
    expect(decodeField(field('string', 'ABCD', 2), Uint8Array.of(0, 0x4b, 0x5a, 0))).toEqual({
      kind: 'absent',
    });
    expect(decodeField(field('string', 'ABCD', 2), new Uint8Array(4))).toEqual({ kind: 'absent' });
    expect(decodeField(field('string', 'ABCD', 1), Uint8Array.of(0xff, 0x01))).toMatchObject({
      kind: 'invalid',
    });
  });

  it('knows not-a-number and listed contents as absent, in every byte order, and nothing else', () => {
    for (const byteOrder of ORDERS) {
      expect(
        decodeField(field('float32', byteOrder), encodeField(field('float32', byteOrder), NaN)).kind,
      ).toBe('absent');
      const of = { ...field('s32', byteOrder), absent: ['0x7FFFFFFF'] };
      expect(decodeField(of, encodeField(of, 0x7fffffffn)).kind).toBe('absent');
      expect(decodeField(of, encodeField(of, 0x7ffffffen)).kind).toBe('number');
      expect(decodeField(of, encodeField(of, 0n))).toEqual({ kind: 'number', value: decimal(0) });
    }
  });

  it('makes infinity neither a number nor absent', () => {
    const of = field('float32', 'ABCD');
    expect(decodeField(of, encodeField(of, Infinity)).kind).toBe('invalid');
    expect(decodeField(of, encodeField(of, -Infinity)).kind).toBe('invalid');
  });

  it('throws for no content whatever', () => {
    const types: RegisterType[] = [
      'u16',
      's16',
      'u32',
      's32',
      'u48',
      's48',
      'u64',
      's64',
      'float32',
      'float64',
      'bcd',
      'string',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        order,
        fc.uint8Array({ maxLength: 16 }),
        fc.integer({ min: -12, max: 12 }),
        (type, byteOrder, registers, decimalExponent) => {
          const point: ProfilePoint = {
            ...field(type, byteOrder, type === 'bcd' || type === 'string' ? 4 : undefined),
            obis: obis('1-0:1.8.0*255'),
            unit: 'Wh',
            decimalExponent,
            direction: 'import',
          };
          expect(['number', 'absent', 'invalid']).toContain(decodePoint(point, registers).kind);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('a point', () => {
  const power = (direction: 'import' | 'export'): ProfilePoint => ({
    ...field('s32', 'ABCD'),
    obis: obis('1-0:16.7.0*255'),
    unit: 'W',
    decimalExponent: -1,
    direction,
  });

  it('is scaled without a float and signed so that import is positive', () => {
    const registers = encodeField(power('import'), 12_345n);
    expect(decodePoint(power('import'), registers)).toEqual({
      kind: 'number',
      value: parseDecimal('1234.5'),
    });
    expect(decodePoint(power('export'), registers)).toEqual({
      kind: 'number',
      value: parseDecimal('-1234.5'),
    });
  });

  it('is not negated when it counts: the OBIS code says which way', () => {
    const energy: ProfilePoint = {
      ...field('u32', 'ABCD'),
      obis: obis('1-0:2.8.0*255'),
      unit: 'Wh',
      decimalExponent: 1,
      direction: 'export',
    };
    expect(decodePoint(energy, encodeField(energy, 42n))).toEqual({ kind: 'number', value: decimal(42, 1) });
  });
});
