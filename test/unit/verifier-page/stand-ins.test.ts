// What the page has in place of Node's own, held against Node's own.
import { createPublicKey, generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buffer as PageBuffer } from '../../../src/verifier-page/browser/buffer.ts';
import * as page from '../../../src/verifier-page/browser/node-crypto.ts';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const spki = (key: Uint8Array) => Buffer.concat([SPKI_PREFIX, key]);

/** What Node says of a signature; a key that it does not take verifies nothing. */
function nodeSays(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, createPublicKey({ key: spki(key), format: 'der', type: 'spki' }), signature);
}
function pageSays(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return page.verify(null, message, page.createPublicKey({ key: spki(key) }), signature);
}

const L = ed25519.Point.Fn.ORDER;
const littleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const fromLittleEndian = (bytes: Uint8Array) =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

describe('node:crypto in the page', () => {
  it('hashes as Node does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' })), (data) => {
        expect(Buffer.from(page.hash('sha256', data, 'buffer'))).toEqual(hash('sha256', data, 'buffer'));
      }),
    );
    expect(() => page.hash('sha1', '', 'buffer')).toThrow(TypeError);
  });

  it('verifies what Node signed, and refuses it with any bit changed, as Node does', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (message, at) => {
        const signature = sign(null, message, privateKey);
        expect(pageSays(key, message, signature)).toBe(true);
        const bit = at % (64 * 8);
        signature[bit >> 3]! ^= 1 << (bit & 7);
        expect(pageSays(key, message, signature)).toBe(nodeSays(key, message, signature));
        expect(pageSays(key, message, signature)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('agrees with Node in the corners that only a forger visits', () => {
    const message = Uint8Array.of(1, 2, 3);
    const verdicts = new Set<boolean>();
    for (const { key, signature } of corners(message)) {
      const expected = nodeSays(key, message, signature);
      expect(pageSays(key, message, signature)).toBe(expected);
      verdicts.add(expected);
    }
    // Among them are some that Node takes.
    expect([...verdicts].sort()).toEqual([false, true]);
  });

  it('takes no other key, and signs nothing', () => {
    expect(() => page.createPublicKey({ key: new Uint8Array(44) })).toThrow(TypeError);
    expect(() => page.createPublicKey({ key: spki(new Uint8Array(31)) })).toThrow(TypeError);
    expect(() => page.sign()).toThrow(TypeError);
    expect(() => page.createPrivateKey()).toThrow(TypeError);
  });
});

/** Keys and R of small order, S at and above the order, loose encodings, and keys with a part of small order. */
function* corners(message: Uint8Array): Iterable<{ key: Uint8Array; signature: Uint8Array }> {
  const p = 2n ** 255n - 19n;
  // y of the points of order 1, 2, 4 and 8, and encodings of y >= p (RFC 8032 §5.1.3 refuses them, OpenSSL does not).
  const order8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n;
  const ys = [0n, 1n, p - 1n, order8, p - order8, p, p + 1n, p + 2n];
  const small = ys.flatMap((y) => [littleEndian(y), littleEndian(y | (1n << 255n))]);
  const scalars = [0n, 1n, L - 1n, L, L + 1n, 2n ** 253n];
  for (const key of small) {
    for (const r of small) for (const s of scalars) yield { key, signature: joined(r, littleEndian(s)) };
  }
  const torsion = ed25519.Point.fromBytes(littleEndian(order8), true);
  for (let secret = 1n; secret < 9n; secret++) {
    const mixed = ed25519.Point.BASE.multiply(secret).add(torsion.multiplyUnsafe(secret % 8n || 8n));
    const key = mixed.toBytes();
    const r = ed25519.Point.BASE.multiply(secret + 5n).toBytes();
    const k = fromLittleEndian(hash('sha512', joined(r, key, message), 'buffer')) % L;
    const s = (secret + 5n + k * secret) % L;
    for (const each of [s, s + L]) yield { key, signature: joined(r, littleEndian(each)) };
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe('Buffer in the page', () => {
  const bytes = fc.uint8Array({ maxLength: 80 });
  const plain = (value: Uint8Array) => [...value];

  it('reads and writes UTF-8 as Node does, and hex and base64 of whatever ASCII', () => {
    // Beyond ASCII Node takes hex digits from the low bytes of characters; what we decode has been matched before.
    const ascii = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.base64String(),
      fc.stringMatching(/^[0-9a-fA-Fg]*$/),
      fc.stringMatching(/^[A-Za-z0-9+/_=\s-]*$/),
    );
    for (const encoding of ['utf8', 'hex', 'base64'] as const) {
      fc.assert(
        fc.property(bytes, encoding === 'utf8' ? fc.string({ unit: 'binary' }) : ascii, (data, words) => {
          expect(PageBuffer.from(data).toString(encoding)).toBe(Buffer.from(data).toString(encoding));
          expect(plain(PageBuffer.from(words, encoding))).toEqual(plain(Buffer.from(words, encoding)));
        }),
      );
    }
  });

  it('compares, joins and measures as Node does', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.string({ unit: 'binary' }), (a, b, text) => {
        expect(PageBuffer.compare(a, b)).toBe(Buffer.compare(a, b));
        expect(PageBuffer.from(a).equals(b)).toBe(Buffer.from(a).equals(b));
        expect(plain(PageBuffer.concat([a, b]))).toEqual(plain(Buffer.concat([a, b])));
        expect(PageBuffer.byteLength(text)).toBe(Buffer.byteLength(text));
      }),
    );
    expect(plain(PageBuffer.alloc(3, 7))).toEqual([7, 7, 7]);
    expect(plain(PageBuffer.of(1, 2))).toEqual([1, 2]);
    expect(PageBuffer.isBuffer(PageBuffer.of())).toBe(true);
  });

  it('writes numbers and text in place as Node does, also into a part of a larger one', () => {
    fc.assert(
      fc.property(fc.nat(8), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string(), (at, number, text) => {
        const [mine, theirs] = [PageBuffer.alloc(40), Buffer.alloc(40)];
        const [own, their] = [mine.subarray(4) as typeof mine, theirs.subarray(4)];
        expect(own.writeBigUInt64BE(number, at)).toBe(their.writeBigUInt64BE(number, at));
        const low = Number(number & 0xffff_ffffn);
        expect(own.writeUInt32BE(low, at + 8)).toBe(their.writeUInt32BE(low, at + 8));
        expect(own.writeUInt16BE(low & 0xffff, at + 12)).toBe(their.writeUInt16BE(low & 0xffff, at + 12));
        expect(own.writeUInt8(low & 0xff, at + 14)).toBe(their.writeUInt8(low & 0xff, at + 14));
        expect(own.write(text, at + 15)).toBe(their.write(text, at + 15));
        expect(own.copy(mine, 0, 1, 4)).toBe(their.copy(theirs, 0, 1, 4));
        expect(plain(mine)).toEqual(plain(theirs));
      }),
    );
  });
});
