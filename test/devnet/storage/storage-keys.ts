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

/** A map of the relay chain whose key is the para id (Twox64Concat). */
function ofParachain(map: Bytes, paraId: number): Bytes {
  const key = encodeUint(paraId, 4);
  return concat(map, twox(key, 64), key);
}

/** Paras.Heads(para id): the header of the last block of that parachain, SCALE `Vec<u8>`. */
export function parachainHead(paraId: number): Bytes {
  return ofParachain(PARAS_HEADS, paraId);
}

/** Paras.UpgradeGoAheadSignal(para id): whether the parachain may enact its pending code. */
export function upgradeGoAheadSignal(paraId: number): Bytes {
  return ofParachain(item('Paras', 'UpgradeGoAheadSignal'), paraId);
}

/** What a parachain's runtime looks up in the proof of its relay chain's state (cumulus, `RelayChainStateProof`). */
export function readByParachain(paraId: number): readonly Bytes[] {
  return [
    ACTIVE_CONFIG,
    BABE_CURRENT_SLOT,
    parachainHead(paraId),
    upgradeGoAheadSignal(paraId),
    ofParachain(item('Paras', 'UpgradeRestrictionSignal'), paraId),
    ofParachain(item('Dmp', 'DownwardMessageQueueHeads'), paraId),
    ofParachain(item('Ump', 'RelayDispatchQueueSize'), paraId),
    ofParachain(item('Hrmp', 'HrmpIngressChannelsIndex'), paraId),
    ofParachain(item('Hrmp', 'HrmpEgressChannelsIndex'), paraId),
  ];
}

/** System.Account(account id). */
export function systemAccount(accountId: Bytes): Bytes {
  return concat(item('System', 'Account'), blake2b(accountId, { dkLen: 16 }), accountId);
}
