// Where things are in storage: `twox128(pallet) ++ twox128(item)`, then the hashed key of a map.
import { blake2b } from '@noble/hashes/blake2.js';
import { xxhashAsU8a } from '@polkadot/util-crypto';
import { type Bytes, concat, utf8 } from '../encoding/bytes.ts';
import { encodeUint } from '../encoding/scale.ts';

function twox(bytes: Bytes, bits: 64 | 128): Bytes {
  return xxhashAsU8a(bytes, bits);
}

function item(pallet: string, name: string): Bytes {
  return concat(twox(utf8(pallet), 128), twox(utf8(name), 128));
}

export const CODE = utf8(':code');
export const AURA_AUTHORITIES = item('Aura', 'Authorities');
export const AURA_EXT_AUTHORITIES = item('AuraExt', 'Authorities');
export const GRANDPA_AUTHORITIES = item('Grandpa', 'Authorities');
export const GRANDPA_SET_ID = item('Grandpa', 'CurrentSetId');
export const SYSTEM_DIGEST = item('System', 'Digest');
export const PENDING_VALIDATION_CODE = item('ParachainSystem', 'PendingValidationCode');
export const TOTAL_ISSUANCE = item('Balances', 'TotalIssuance');

// What a parachain reads of its relay chain: the "well known keys" of polkadot-primitives.
export const ACTIVE_CONFIG = item('Configuration', 'ActiveConfig');
export const BABE_CURRENT_SLOT = item('Babe', 'CurrentSlot');
export const PARAS_HEADS = item('Paras', 'Heads');

/**
 * A key of our own: the end of the answer to ParachainHost_persisted_validation_data, which relay-runtime.ts returns as
 * it is (relay parent number, its storage root, PoV limit).
 */
export const VALIDATION_DATA_TAIL = utf8('devnet:validation-data-tail');

/** Paras.Heads(para id): the header of the last block of that parachain, SCALE `Vec<u8>`. */
export function parachainHead(paraId: number): Bytes {
  const key = encodeUint(paraId, 4);
  return concat(PARAS_HEADS, twox(key, 64), key);
}

/** Paras.UpgradeGoAheadSignal(para id): whether the parachain may enact its pending code. */
export function upgradeGoAheadSignal(paraId: number): Bytes {
  const key = encodeUint(paraId, 4);
  return concat(item('Paras', 'UpgradeGoAheadSignal'), twox(key, 64), key);
}

/** System.Account(account id). */
export function systemAccount(accountId: Bytes): Bytes {
  return concat(item('System', 'Account'), blake2b(accountId, { dkLen: 16 }), accountId);
}
