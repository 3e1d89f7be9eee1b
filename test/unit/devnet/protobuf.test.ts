import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../../devnet/encoding/bytes.ts';
import { encodeBytesField, encodeVarintField, ProtobufMessage } from '../../devnet/encoding/protobuf.ts';
import { decodeVarint, encodeVarint } from '../../devnet/encoding/varint.ts';
import { DevnetError } from '../../devnet/errors.ts';

const field = fc.integer({ min: 1, max: 100_000 });

describe('protobuf', () => {
  // The examples of protobuf.dev, "Encoding": a varint of 150 in field 1, "testing" in field 2.
  it('encodes the examples of its specification', () => {
    expect(toHex(encodeVarintField(1, 150))).toBe('0x089601');
    expect(toHex(encodeBytesField(2, utf8('testing')))).toBe('0x120774657374696e67');
  });

  it('decodes each varint to what was encoded, and asks for more when it was cut', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const encoded = encodeVarint(value);
        expect(decodeVarint(encoded)).toEqual({ value, end: encoded.length });
        expect(decodeVarint(encoded.subarray(0, -1))).toBeUndefined();
      }),
    );
  });

  it('finds every field of a message, and keeps repeated ones in order', () => {
    fc.assert(
      fc.property(field, fc.array(fc.uint8Array()), field, fc.maxSafeNat(), (a, values, b, number) => {
        const message = new ProtobufMessage(
          concat(...values.map((value) => encodeBytesField(a, value)), encodeVarintField(b, number)),
        );
        expect(message.repeatedBytes(a).map(toHex)).toEqual(values.map(toHex));
        expect(message.varint(b)).toBe(number);
        expect(message.bytes(100_001)).toBeUndefined();
      }),
    );
  });

  it('refuses a message that was cut inside of a field', () => {
    expect(() => new ProtobufMessage(fromHex('0x1207746573'))).toThrow(DevnetError);
    expect(() => new ProtobufMessage(fromHex('0x08'))).toThrow(DevnetError);
  });

  it('refuses wire types that Substrate does not use', () => {
    const fixed32 = fromHex('0x0d00000000');
    expect(() => new ProtobufMessage(fixed32)).toThrowError(
      expect.objectContaining({ code: 'devnet.unsupported' }) as Error,
    );
  });
});
