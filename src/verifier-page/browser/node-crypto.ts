// node:crypto, as far as verifying needs it, for a page that has none. The build puts it in node:crypto's place
// (esbuild.verifier.config.js); test/unit/verifier-page/stand-ins.test.ts holds it against the real one. What signs is named in
// imports of the same files and refuses to work: no key ever comes near a page.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

/** As crypto.hash of Node 20.12 and later, for SHA-256 and a Buffer. */
export function hash(algorithm: string, data: string | Uint8Array, output: string): Uint8Array {
  if (algorithm !== 'sha256' || output !== 'buffer') throw new TypeError(`no ${algorithm} as ${output} here`);
  return sha256(bytesOf(data));
}

/** The one kind of key that is verified with here. */
interface PublicKey {
  readonly ed25519: Uint8Array;
}

/** SubjectPublicKeyInfo of Ed25519 up to the key, RFC 8410 §4. */
const SPKI_PREFIX = '302a300506032b6570032100';
const PREFIX_BYTES = SPKI_PREFIX.length / 2;

export function createPublicKey({ key }: { readonly key: Uint8Array }): PublicKey {
  const prefix = Array.from(key.subarray(0, PREFIX_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  if (prefix !== SPKI_PREFIX || key.length !== PREFIX_BYTES + 32)
    throw new TypeError('not an Ed25519 public key');
  return { ed25519: key.slice(PREFIX_BYTES) };
}

const ORDER = ed25519.Point.Fn.ORDER;

/**
 * Ed25519 by OpenSSL's rule, which differs from noble's two in corners that only a forger visits: S below the order,
 * [S]B - [k]A encoded must be R, byte for byte, without a cofactor; points may be encoded loosely. So a receipt has one
 * verdict, on the command line and in the page.
 */
export function verify(
  _algorithm: null,
  message: Uint8Array,
  { ed25519: key }: PublicKey,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= ORDER) return false;
  let a;
  try {
    a = ed25519.Point.fromBytes(key, true);
  } catch {
    return false;
  }
  const k = littleEndian(sha512(concatenated(r, key, message))) % ORDER;
  const expected = times(ed25519.Point.BASE, s).subtract(times(a, k)).toBytes();
  return expected.every((byte, i) => byte === r[i]);
}

type Point = typeof ed25519.Point.BASE;

function times(point: Point, scalar: bigint): Point {
  return scalar === 0n ? ed25519.Point.ZERO : point.multiplyUnsafe(scalar);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function concatenated(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data;
}

export const createPrivateKey = notHere;
export const sign = notHere;

function notHere(): never {
  throw new TypeError('a page signs nothing');
}
