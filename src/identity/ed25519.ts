import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** DER in front of a raw key (RFC 8410 §7, §4): node:crypto takes no bare ed25519 keys. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;

export interface Ed25519Key {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64-byte signature (RFC 8032 §5.1.6, pure ed25519). */
  sign(message: Uint8Array): Uint8Array;
}

export interface BackgroundKey extends Ed25519Key {
  /** The same signature as `sign`, made on a thread of libuv's pool. */
  signInBackground(message: Uint8Array): Promise<Uint8Array>;
}

/** The private key stays inside the closure: no property, no printing and no JSON can show it. */
export function ed25519KeyFromSeed(seed: Uint8Array): BackgroundKey {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return Object.freeze({
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
    signInBackground: (message: Uint8Array) =>
      new Promise<Uint8Array>((resolve, reject) => {
        sign(null, message, privateKey, (error, signature) => {
          if (error === null) resolve(signature);
          else reject(error);
        });
      }),
  });
}

/** False for a wrong signature, and for a key or signature of the wrong length. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== 64) return false;
  return verify(null, message, publicKeyObject(publicKey), signature);
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}
