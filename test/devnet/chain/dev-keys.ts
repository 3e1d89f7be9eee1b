// The well-known development keys, derived from Substrate's public development phrase. They protect nothing.
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { DevnetError } from '../errors.ts';

export const DEV_NAMES = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'] as const;
export type DevName = (typeof DEV_NAMES)[number];

const pairs = new Map<string, KeyringPair>();

/** The pair of `//Alice` and so on. `@polkadot/util-crypto` must be ready. */
export function devPair(type: 'sr25519' | 'ed25519', name: DevName): KeyringPair {
  const known = pairs.get(type + name);
  if (known !== undefined) return known;
  const pair = new Keyring({ type }).addFromUri(`//${name}`);
  pairs.set(type + name, pair);
  return pair;
}

export function alice(type: 'sr25519' | 'ed25519'): KeyringPair {
  return devPair(type, 'Alice');
}

/** @throws DevnetError `devnet.unsupported` when the key is not Alice's: we could not author for that authority */
export function pairOfAuthority(publicKey: Bytes): KeyringPair {
  const pair = alice('sr25519');
  if (toHex(pair.publicKey) !== toHex(publicKey)) {
    throw new DevnetError('devnet.unsupported', `authority ${toHex(publicKey)} is not //Alice`);
  }
  return pair;
}
