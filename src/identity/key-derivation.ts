import { createECDH, hkdfSync } from 'node:crypto';

/**
 * HKDF-SHA256 (RFC 5869) over the 32-byte root seed, empty salt, one info string per key. The strings are a format:
 * changing one changes every station's identity.
 */
const INFO = {
  identity: 'delmonicos/v1/identity/ed25519',
  chainAccount: 'delmonicos/v1/chain-account/ed25519',
  ocmf: 'delmonicos/v1/ocmf/p-256',
} as const;

/** Order n of the base point of P-256 (NIST SP 800-186 §3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** 256 bits of the order and the 64 extra bits that FIPS 186-5 A.2.1 asks for (a bias below 2^-64). */
const P256_BYTES = (256 + 64) / 8;

/** The 32-byte private keys of RFC 8032 §5.1.5 are any 32 bytes. */
export function deriveEd25519Seed(rootSeed: Uint8Array, key: 'identity' | 'chainAccount'): Uint8Array {
  return expand(rootSeed, INFO[key], 32);
}

/**
 * P-256 private scalar with its public point: FIPS 186-5 A.2.1 (key pair generation with extra random bits), where the
 * random bits come from HKDF, reduced by A.4.1: d = (c mod (n - 1)) + 1.
 * @returns 32-byte scalar and 65-byte uncompressed point (SEC 1 §2.3.3)
 */
export function deriveP256(rootSeed: Uint8Array): { scalar: Uint8Array; point: Uint8Array } {
  const bits = expand(rootSeed, INFO.ocmf, P256_BYTES);
  const candidate = BigInt(`0x${Buffer.from(bits).toString('hex')}`);
  bits.fill(0);
  const d = (candidate % (P256_ORDER - 1n)) + 1n;
  const scalar = Buffer.from(d.toString(16).padStart(64, '0'), 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  return { scalar, point: ecdh.getPublicKey() };
}

function expand(rootSeed: Uint8Array, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', rootSeed, new Uint8Array(0), info, length));
}
