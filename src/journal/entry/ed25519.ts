import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';

/** What the journal needs of a key. The private half stays with whoever made the object. */
export interface JournalSigner {
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
  /** First 8 bytes of SHA-256(public key): `kid` of every entry. */
  readonly keyId: Uint8Array;
  /** 64 bytes, RFC 8032 pure ed25519. */
  sign(message: Uint8Array): Uint8Array;
  /** The same signature (ed25519 is deterministic), made on another thread. Optional: it only saves time. */
  signInBackground?(message: Uint8Array): Promise<Uint8Array>;
  /** The other keys of the same station, for its birth and its rotations; both or none. */
  readonly chainAccount?: { readonly publicKey: Uint8Array };
  /** A 65-byte uncompressed point of P-256. */
  readonly ocmf?: { readonly publicKey: Uint8Array };
}

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const KEY_ID_BYTES = 8;

/** DER in front of a raw public key (RFC 8410 §4): node:crypto takes no bare ed25519 keys. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export type Ed25519Verifier = (message: Uint8Array, signature: Uint8Array) => boolean;

/** Imports the key once, for many signatures. A key of the wrong length verifies nothing. */
export function ed25519Verifier(publicKey: Uint8Array): Ed25519Verifier {
  if (publicKey.length !== KEY_BYTES) return () => false;
  const key: KeyObject = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  });
  return (message, signature) =>
    signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
}

/** Key id of journal entries: first 8 bytes of SHA-256(public key). */
export function entryKeyId(publicKey: Uint8Array): Uint8Array {
  return hash('sha256', publicKey, 'buffer').subarray(0, KEY_ID_BYTES);
}
