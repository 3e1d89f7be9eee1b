import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';

/** A person's or an organisation's key, in a file of its own; never a station's. */
export interface FileKey {
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * A private key: PKCS#8 in PEM, ed25519, as `openssl genpkey -algorithm ed25519` writes it.
 * @param hint how one is made
 * @throws UsageError `usage.file_unreadable`
 */
export function readKeyFile(file: string, hint: string): FileKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw unreadable(file, { why: cause instanceof Error ? cause.message : String(cause), hint, cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw unreadable(file, { why: `it is of type ${key.asymmetricKeyType}`, hint });
  return fileKey(key);
}

/**
 * Makes a key that only its owner can read; durable on return. A file that is there already is left as it is.
 * @throws UsageError `usage.file_unwritable`
 */
export function makeKeyFile(file: string): FileKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  try {
    const handle = openSync(file, 'wx', 0o600);
    try {
      writeFileSync(handle, pem);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already, and is not overwritten' : message;
    throw new UsageError('usage.file_unwritable', `cannot write ${file}: ${why}`, { cause });
  }
  return fileKey(privateKey);
}

function fileKey(key: KeyObject): FileKey {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: new Uint8Array(Buffer.from(x, 'base64url')),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

function unreadable(
  file: string,
  { why, hint, cause }: { readonly why: string; readonly hint: string; readonly cause?: unknown },
): UsageError {
  return new UsageError('usage.file_unreadable', `${file} is no ed25519 private key in PEM: ${why}`, {
    cause,
    hint,
  });
}
