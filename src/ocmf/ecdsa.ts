import { ecdsa, weierstrass, type ECDSA } from '@noble/curves/abstract/weierstrass.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { CURVES, fieldBytes, type CurveName } from './curves.ts';

/**
 * The only file that does arithmetic on curves. In TypeScript, not OpenSSL, so that the same code verifies in a browser, and
 * so that a build of OpenSSL without brainpool or the short curves makes no difference (decision 0012).
 */

export type HashName = 'SHA256' | 'SHA384' | 'SHA512';
const HASHES = { SHA256: sha256, SHA384: sha384, SHA512: sha512 } as const;

/** Both numbers are below 2^(8 * field bytes). */
export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

const made = new Map<CurveName, ECDSA>();

function ecdsaOf(curve: CurveName): ECDSA {
  const known = made.get(curve);
  if (known !== undefined) return known;
  const { p, n, a, b, Gx, Gy } = CURVES[curve];
  // SHA-256 is a formality: digests are made below.
  const fresh = ecdsa(weierstrass({ p, n, h: 1n, a, b, Gx, Gy }), sha256, { lowS: false });
  made.set(curve, fresh);
  return fresh;
}

/** Whether these bytes are a point of the curve, compressed or not (SEC 1 §2.3.4); infinity is none. */
export function isPoint(curve: CurveName, point: Uint8Array): boolean {
  return ecdsaOf(curve).utils.isValidPublicKey(point);
}

/**
 * FIPS 186-5 §6.4.2. Takes s of either half: OCMF has no rule against the higher one, and meters make both.
 * @param point a point of the curve, as isPoint says
 */
export function verifyEcdsa(
  { curve, hash }: { readonly curve: CurveName; readonly hash: HashName },
  message: Uint8Array,
  { r, s }: EcdsaSignature,
  point: Uint8Array,
): boolean {
  const { n } = CURVES[curve];
  if (r < 1n || s < 1n || r >= n || s >= n) return false;
  const compact = new Uint8Array(2 * fieldBytes(curve));
  write(compact.subarray(0, fieldBytes(curve)), r);
  write(compact.subarray(fieldBytes(curve)), s);
  const digest = HASHES[hash](message);
  return ecdsaOf(curve).verify(compact, digest, point, { prehash: false, lowS: false });
}

function write(into: Uint8Array, value: bigint): void {
  let rest = value;
  for (let at = into.length - 1; at >= 0; at--) {
    into[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
