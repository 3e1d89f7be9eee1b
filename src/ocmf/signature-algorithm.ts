import type { CurveName } from './curves.ts';
import type { HashName } from './ecdsa.ts';

export interface SignatureAlgorithm {
  readonly curve: CurveName;
  readonly hash: HashName;
}

/** "Default in OCMF Version 0.4" and since (table 22). */
export const DEFAULT_ALGORITHM: SignatureAlgorithm = { curve: 'secp256r1', hash: 'SHA256' };

/** Table 22 of OCMF 1.3.1, as it spells them. */
const SPECIFIED: ReadonlySet<string> = new Set([
  'ECDSA-secp192k1-SHA256',
  'ECDSA-secp256k1-SHA256',
  'ECDSA-secp192r1-SHA256',
  'ECDSA-secp256r1-SHA256',
  'ECDSA-brainpool256r1-SHA256',
  'ECDSA-secp384r1-SHA256',
  'ECDSA-brainpool384r1-SHA256',
]);

/**
 * Names of curves in lower case and without separators. Sources: table 22 ("synonyms"), SEC 2, RFC 5639; the record of an
 * NZR EcoCount SL in the test data of the transparency software (`brainpoolP256r1`); X9.62 names as OpenSSL prints them.
 */
const CURVE_OF: Readonly<Record<string, CurveName>> = {
  secp192k1: 'secp192k1',
  secp192r1: 'secp192r1',
  prime192v1: 'secp192r1',
  nistp192: 'secp192r1',
  p192: 'secp192r1',
  secp256k1: 'secp256k1',
  secp256r1: 'secp256r1',
  prime256v1: 'secp256r1',
  nistp256: 'secp256r1',
  p256: 'secp256r1',
  secp384r1: 'secp384r1',
  // Table 22 has it, though X9.62 does not.
  prime384v1: 'secp384r1',
  nistp384: 'secp384r1',
  p384: 'secp384r1',
  secp521r1: 'secp521r1',
  nistp521: 'secp521r1',
  p521: 'secp521r1',
  brainpool256r1: 'brainpoolP256r1',
  brainpoolp256r1: 'brainpoolP256r1',
  brainpool384r1: 'brainpoolP384r1',
  brainpoolp384r1: 'brainpoolP384r1',
  brainpool512r1: 'brainpoolP512r1',
  brainpoolp512r1: 'brainpoolP512r1',
};

const HASH_OF: Readonly<Record<string, HashName>> = { sha256: 'SHA256', sha384: 'SHA384', sha512: 'SHA512' };

/**
 * Reads field SA in the specification's spelling and in others: any case, `_`, `-`, a space or nothing between the parts, `SHA-256`,
 * and a curve by any of its names. Undefined for what is none of them.
 */
export function parseAlgorithm(
  text: string,
): { readonly algorithm: SignatureAlgorithm; readonly departs: boolean } | undefined {
  const plain = text.toLowerCase().replace(/[-_\s]/g, '');
  const match = /^ecdsa(\w+?)(sha(?:256|384|512))$/.exec(plain);
  const curve = lookUp(CURVE_OF, match?.[1]);
  const hash = lookUp(HASH_OF, match?.[2]);
  if (curve === undefined || hash === undefined) return undefined;
  return { algorithm: { curve, hash }, departs: !SPECIFIED.has(text) };
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string | undefined): T | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}
