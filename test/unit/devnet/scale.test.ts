import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../../devnet/encoding/bytes.ts';
import {
  decodeUint,
  encodeBytes,
  encodeCompact,
  encodeUint,
  encodeVec,
  ScaleReader,
} from '../../devnet/encoding/scale.ts';
import { DevnetError } from '../../devnet/errors.ts';

const MAX_COMPACT = (1n << 536n) - 1n;
const compactInteger = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX_COMPACT }),
  fc.bigInt({ min: 0n, max: 1n << 34n }),
  fc.constantFrom(0n, 63n, 64n, 16_383n, 16_384n, (1n << 30n) - 1n, 1n << 30n, (1n << 32n) - 1n, 1n << 32n),
);

describe('SCALE', () => {
  // The table of the SCALE codec's specification (Polkadot specification, appendix A.2.2).
  it.each([
    [0n, '0x00'],
    [1n, '0x04'],
    [42n, '0xa8'],
    [69n, '0x1501'],
    [65_535n, '0xfeff0300'],
    [1_073_741_824n, '0x0300000040'],
    [100_000_000_000_000n, '0x0b00407a10f35a'],
  ])('encodes compact %s as %s', (value, hex) => {
    expect(toHex(encodeCompact(value))).toBe(hex);
    expect(new ScaleReader(fromHex(hex)).compact()).toBe(value);
  });

  it('decodes each compact integer to what was encoded, and leaves what follows', () => {
    fc.assert(
      fc.property(compactInteger, fc.uint8Array(), (value, tail) => {
        const reader = new ScaleReader(concat(encodeCompact(value), tail));
        expect(reader.compact()).toBe(value);
        expect(toHex(reader.rest())).toBe(toHex(tail));
      }),
    );
  });

  it('encodes compact integers in as few bytes as there are, in one way only', () => {
    fc.assert(
      fc.property(compactInteger, compactInteger, (a, b) => {
        const [encodedA, encodedB] = [encodeCompact(a), encodeCompact(b)];
        expect(toHex(encodedA) === toHex(encodedB)).toBe(a === b);
        if (a < b) expect(encodedA.length).toBeLessThanOrEqual(encodedB.length);
      }),
    );
  });

  it('refuses a compact integer that was cut anywhere', () => {
    fc.assert(
      fc.property(compactInteger, fc.nat(), (value, cut) => {
        const encoded = encodeCompact(value);
        const reader = new ScaleReader(encoded.subarray(0, cut % encoded.length));
        expect(() => reader.compact()).toThrow(DevnetError);
      }),
    );
  });

  it('decodes fixed-width integers to what was encoded, and refuses what does not fit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.bigInt({ min: 0n, max: 1n << 129n }), (size, value) => {
        if (value >> BigInt(size * 8) === 0n) expect(decodeUint(encodeUint(value, size))).toBe(value);
        else expect(() => encodeUint(value, size)).toThrow(DevnetError);
      }),
    );
  });

  it('reads opaque extrinsics with the length prefix that belongs to them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (contents) => {
        const extrinsics = contents.map(encodeBytes);
        const read = new ScaleReader(encodeVec(extrinsics)).extrinsics();
        expect(read.map(toHex)).toEqual(extrinsics.map(toHex));
      }),
    );
  });
});
