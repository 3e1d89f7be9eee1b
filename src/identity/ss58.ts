import { blake2b } from '@noble/hashes/blake2.js';
import { base58 } from '@scure/base';
import { IdentityError } from './errors.ts';

/** Prefix of addresses that belong to no chain in particular (ss58-registry). */
export const GENERIC_SS58_PREFIX = 42;

const CONTEXT = new TextEncoder().encode('SS58PRE');
const ACCOUNT_BYTES = 32;
const CHECKSUM_BYTES = 2;
/** Prefixes above 63 take two bytes; 14 bits are all that fit. */
const MAX_ONE_BYTE = 63;
const MAX_PREFIX = 16_383;

/**
 * SS58 address of a 32-byte account (Substrate's address format: prefix, account, first two bytes of BLAKE2b-512 over
 * "SS58PRE" and both, in base58).
 * @throws RangeError for a prefix outside of 0..16383 or an account of another length
 */
export function encodeSs58(account: Uint8Array, prefix: number = GENERIC_SS58_PREFIX): string {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > MAX_PREFIX) {
    throw new RangeError(`SS58 prefix ${prefix} is not between 0 and ${MAX_PREFIX}`);
  }
  if (account.length !== ACCOUNT_BYTES) throw new RangeError(`an account is ${ACCOUNT_BYTES} bytes`);
  const body = Uint8Array.from([...prefixBytes(prefix), ...account]);
  return base58.encode(Uint8Array.from([...body, ...checksum(body)]));
}

/** @throws IdentityError `identity.bad_address` */
export function decodeSs58(address: string): { account: Uint8Array; prefix: number } {
  let bytes: Uint8Array;
  try {
    bytes = base58.decode(address);
  } catch (error) {
    throw badAddress(address, 'it is not base58', error);
  }
  const prefixLength = (bytes[0] ?? 0) > MAX_ONE_BYTE ? 2 : 1;
  const bodyLength = prefixLength + ACCOUNT_BYTES;
  if ((bytes[0] ?? 0) > 127 || bytes.length !== bodyLength + CHECKSUM_BYTES) {
    throw badAddress(address, 'it is not the address of a 32-byte account');
  }
  const body = bytes.subarray(0, bodyLength);
  if (checksum(body).some((byte, i) => byte !== bytes[bodyLength + i])) {
    throw badAddress(address, 'its checksum does not fit: mistyped?');
  }
  return { account: body.slice(prefixLength), prefix: prefixFrom(body) };
}

function prefixBytes(prefix: number): number[] {
  if (prefix <= MAX_ONE_BYTE) return [prefix];
  return [((prefix & 0xfc) >> 2) | 0x40, (prefix >> 8) | ((prefix & 0x03) << 6)];
}

function prefixFrom(body: Uint8Array): number {
  const [first = 0, second = 0] = body;
  return first <= MAX_ONE_BYTE ? first : ((first & 0x3f) << 2) | (second >> 6) | ((second & 0x3f) << 8);
}

function checksum(body: Uint8Array): Uint8Array {
  return blake2b(Uint8Array.from([...CONTEXT, ...body]), { dkLen: 64 }).subarray(0, CHECKSUM_BYTES);
}

function badAddress(address: string, why: string, cause?: unknown): IdentityError {
  return new IdentityError('identity.bad_address', `"${address}" is no SS58 address: ${why}`, { cause });
}
