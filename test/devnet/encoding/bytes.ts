import { blake2b } from '@noble/hashes/blake2.js';
import { DevnetError } from '../errors.ts';

export type Bytes = Uint8Array;
export type Hex = `0x${string}`;

export const EMPTY: Bytes = new Uint8Array(0);

export function toHex(bytes: Bytes): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/**
 * Hex digits, with or without `0x`, to bytes.
 * @throws DevnetError `devnet.bad_input`
 */
export function fromHex(text: string): Bytes {
  const digits = text.startsWith('0x') ? text.slice(2) : text;
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new DevnetError('devnet.bad_input', `not a hex string: ${text.slice(0, 40)}`);
  }
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function concat(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

export function blake2b256(bytes: Bytes): Bytes {
  return blake2b(bytes, { dkLen: 32 });
}
