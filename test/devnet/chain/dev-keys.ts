// The well-known development keys, derived from Substrate's public development phrase. They protect nothing.
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { DevnetError } from '../errors.ts';

/** The pair of `//Alice`. `@polkadot/util-crypto` must be ready. */
export function alice(type: 'sr25519' | 'ed25519'): KeyringPair {
  return new Keyring({ type }).addFromUri('//Alice');
}

/** @throws DevnetError `devnet.unsupported` when the key is not Alice's: we could not author for that authority */
export function pairOfAuthority(publicKey: Bytes): KeyringPair {
  const pair = alice('sr25519');
  if (toHex(pair.publicKey) !== toHex(publicKey)) {
    throw new DevnetError('devnet.unsupported', `authority ${toHex(publicKey)} is not //Alice`);
  }
  return pair;
}
