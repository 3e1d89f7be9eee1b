import { encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/journal/entry/cbor-encode.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.array(fc.tuple(fc.nat(70_000), tie('value')), { maxLength: 30 }).map((pairs) => new Map(pairs)),
    fc.tuple(fc.nat(70_000), tie('value')).map(([tag, value]) => new Tagged(tag, value)),
  ),
}));

describe('deterministic CBOR', () => {
  it('is what cborg writes, for everything an entry can hold', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(hex(encodeCbor(value))).toBe(hex(encode(value, rfc8949EncodeOptions)));
      }),
      { numRuns: 1_000 },
    );
  });

  // RFC 8949 appendix A.
  it.each<[unknown, string]>([
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [1000, '1903e8'],
    [1_000_000, '1a000f4240'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [-18446744073709551616n, '3bffffffffffffffff'],
    [-1, '20'],
    [-1000, '3903e7'],
    ['\u6c34', '63e6b0b4'],
    ['\ud800\udd51', '64f0908591'],
    [
      new Map([
        [3, 4],
        [1, 2],
      ]),
      'a201020304',
    ],
    [Buffer.from('01020304', 'hex'), '4401020304'],
  ])('has the examples of RFC 8949: %s', (value, encoded) => {
    expect(hex(encodeCbor(value))).toBe(encoded);
  });

  it.each<[string, unknown]>([
    ['a float', 1.5],
    ['more than 64 bits', 2n ** 64n],
    ['a text key', new Map([['a', 1]])],
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
  ])('refuses %s', (_what, value) => {
    expect(() => encodeCbor(value)).toThrow(TypeError);
  });
});
