import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTlv, SmlError, type Tlv } from '../../../hal/driver/sml/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { encodeElement, type SmlElement } from '../../support/meters/sml-encoder.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const decodeHex = (text: string) => decodeTlv(hex(text)).tlv;

/** A tree and what decoding must make of it. */
interface Case {
  readonly element: SmlElement;
  readonly tlv: Tlv;
}

const number = (signed: boolean) =>
  fc.integer({ min: 1, max: 8 }).chain((bytes) => {
    const bits = BigInt(8 * bytes);
    const [min, max] = signed ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
    return fc.bigInt(min, max).map((value): Case => {
      const element = signed ? { int: value, bytes } : { uint: value, bytes };
      return { element, tlv: { kind: signed ? 'integer' : 'unsigned', value, byteCount: bytes } };
    });
  });

const { tree } = fc.letrec<{ tree: Case; list: Case }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constant<Case>({ element: null, tlv: { kind: 'absent' } }),
    fc.boolean().map((value): Case => ({ element: value, tlv: { kind: 'boolean', value } })),
    number(true),
    number(false),
    fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes): Case => ({ element: bytes, tlv: { kind: 'octets', bytes } })),
    tie('list'),
  ),
  list: fc.array(tie('tree'), { maxLength: 20 }).map((cases): Case => ({
    element: cases.map(({ element }) => element),
    tlv: { kind: 'list', items: cases.map(({ tlv }) => tlv) },
  })),
}));

describe('the binary coding of SML', () => {
  it('is decoded to what was encoded, to its last byte', () => {
    fc.assert(
      fc.property(tree, fc.uint8Array({ maxLength: 5 }), ({ element, tlv }, after) => {
        const bytes = encodeElement(element);
        const decoded = decodeTlv(Uint8Array.from([...bytes, ...after]));
        expect(decoded).toEqual({ tlv, end: bytes.length });
      }),
      { numRuns: 300 },
    );
  });

  it('throws nothing but sml.malformed, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(decodeTlv(bytes).end).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(SmlError);
          expect((error as SmlError).code).toBe('sml.malformed');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['52 ff', -1n],
    ['53 d6 ca', -10_550n],
    ['54 ff ff fe', -2n],
    ['56 00 01 aa 96 bf', 27_956_927n],
    ['56 ff ff ff ff fe', -2n],
    ['57 80 00 00 00 00 00', -(1n << 47n)],
    ['58 ff ff ff ff ff ff fd', -3n],
    ['59 80 00 00 00 00 00 00 00', -(1n << 63n)],
    ['62 ff', 255n],
    ['64 91 74 63', 9_532_515n],
    ['69 ff ff ff ff ff ff ff ff', (1n << 64n) - 1n],
  ])('reads the number %s as %s', (text, value) => {
    expect(decodeHex(text)).toMatchObject({ value });
  });

  it('takes a length of several bytes for text and for lists', () => {
    const text = `83 02 ${'ab'.repeat(48)}`;
    expect(decodeHex(text)).toEqual({ kind: 'octets', bytes: new Uint8Array(48).fill(0xab) });
    expect(decodeHex(`f1 05 ${'01'.repeat(21)}`)).toEqual({
      kind: 'list',
      items: Array.from({ length: 21 }, () => ({ kind: 'absent' })),
    });
  });

  it.each([
    ['nothing at all', ''],
    ['a number without bytes', '51'],
    ['a number of nine bytes', '5a 00 00 00 00 00 00 00 00 00'],
    ['a boolean of two bytes', '43 00 00'],
    ['a reserved type', '12 00'],
    ['a text beyond the end', '05 61 62'],
    ['a list with fewer elements than it says', '73 01 01'],
    ['an end of message inside of a list', '72 01 00'],
    ['a length that never ends', '80 80 80 80 80 01'],
    ['a length continued by another type', '81 51 00'],
    ['a length shorter than its own field', '80 01'],
    ['lists nested without end', '71'.repeat(40) + '01'],
  ])('refuses %s', (_what, text) => {
    expect(() => decodeHex(text)).toThrow(hasCode('sml.malformed'));
  });

  it('does not believe a list that claims more elements than there are bytes', () => {
    expect(() => decodeHex('ff 8f 8f 0f 01')).toThrow(hasCode('sml.malformed'));
  });
});
