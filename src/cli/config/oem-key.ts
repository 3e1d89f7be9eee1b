import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';

export interface OemKey {
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * An OEM's private key: PKCS#8 in PEM, ed25519, as `openssl genpkey -algorithm ed25519` writes it.
 * @throws UsageError `usage.file_unreadable`
 */
export function readOemKey(file: string): OemKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(file, `it is of type ${key.asymmetricKeyType}`);
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: new Uint8Array(Buffer.from(x, 'base64url')),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

function unreadable(file: string, why: string, cause?: unknown): UsageError {
  return new UsageError('usage.file_unreadable', `${file} is no ed25519 private key in PEM: ${why}`, {
    cause,
    hint: `make one with: openssl genpkey -algorithm ed25519 -out ${file}`,
  });
}
