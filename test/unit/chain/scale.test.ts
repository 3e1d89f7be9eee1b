import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCompact, ScaleInputError, ScaleReader } from '../../../src/chain/scale.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('SCALE compact integers', () => {
  // The examples of the Polkadot specification and of the SCALE documentation.
  it.each([
    [0, '00'],
    [1, '04'],
    [42, 'a8'],
    [63, 'fc'],
    [64, '0101'],
    [69, '1501'],
    [16383, 'fdff'],
    [16384, '02000100'],
    [65535, 'feff0300'],
    [2 ** 30 - 1, 'feffffff'],
    [2 ** 30, '0300000040'],
    [2 ** 32 - 1, '03ffffffff'],
    [2 ** 32, '070000000001'],
    [100000000000000, '0b00407a10f35a'],
  ])('%d is 0x%s', (value, encoded) => {
    expect(hex(encodeCompact(value))).toBe(encoded);
    expect(new ScaleReader(unhex(encoded)).compact()).toBe(value);
  });

  it('reads back every safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const reader = new ScaleReader(encodeCompact(value));
        expect(reader.compact()).toBe(value);
        reader.end();
      }),
    );
  });

  it.each(['0100', '02000000', '0300000000', '070000004000', '03ffffff3f'])(
    'refuses the longer form %s',
    (encoded) => {
      expect(() => new ScaleReader(unhex(encoded)).compact()).toThrow(ScaleInputError);
    },
  );

  it('refuses what ends too early and what goes on', () => {
    expect(() => new ScaleReader(unhex('02')).compact()).toThrow(ScaleInputError);
    expect(() => new ScaleReader(unhex('10aabb')).bytes()).toThrow(ScaleInputError);
    expect(() => new ScaleReader(unhex('aa')).end()).toThrow(ScaleInputError);
    expect(() => new ScaleReader(unhex('33ffffffffffffffffffffffffffffffff')).compact()).toThrow(
      ScaleInputError,
    );
  });
});
