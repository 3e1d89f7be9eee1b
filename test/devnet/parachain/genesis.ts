// The genesis of the parachain: that of Rococo's asset hub, with its runtime, but with dev keys and accounts of our own.
import { chainSpec } from '@substrate/connect-known-chains/rococo_v2_2_asset_hub';
import { genesisOfState, type RawChainSpec, stateOfGenesis } from '../chain/chain-spec.ts';
import { alice } from '../chain/dev-keys.ts';
import { type Bytes, concat, toHex } from '../encoding/bytes.ts';
import { encodeUint, encodeVec } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { put } from '../storage/state.ts';
import * as keys from '../storage/storage-keys.ts';

export interface Endowment {
  /** Account id: 32 bytes, the public key of an sr25519 or ed25519 pair. */
  readonly publicKey: Uint8Array;
  /** In the smallest unit; 10^12 of them are one ROC. */
  readonly balance: bigint;
}

const ALICE_BALANCE = 10n ** 18n;

/** The specification as the npm registry has it. */
export function registrySpec(): RawChainSpec {
  return JSON.parse(chainSpec) as RawChainSpec;
}

/** //Alice authors the blocks; she and the `endow`ed own all the money. @throws DevnetError `devnet.bad_input` */
export function devSpec(spec: RawChainSpec, relayChainId: string, endow: readonly Endowment[]): RawChainSpec {
  const state = stateOfGenesis(spec.genesis);
  const author = alice('sr25519').publicKey;
  put(state, keys.AURA_AUTHORITIES, encodeVec([author]));
  put(state, keys.AURA_EXT_AUTHORITIES, encodeVec([author]));
  const accounts = new Map([[toHex(author), { publicKey: author, balance: ALICE_BALANCE }]]);
  for (const account of endow) accounts.set(toHex(account.publicKey), account);
  let issuance = 0n;
  for (const { publicKey, balance } of accounts.values()) {
    if (publicKey.length !== 32) throw new DevnetError('devnet.bad_input', 'an account id has 32 bytes');
    put(state, keys.systemAccount(publicKey), encodeAccountInfo(balance));
    issuance += balance;
  }
  put(state, keys.TOTAL_ISSUANCE, encodeUint(issuance, 16));
  return {
    ...spec,
    name: 'Devnet Asset Hub',
    id: 'devnet_asset_hub',
    bootNodes: [],
    telemetryEndpoints: null,
    relay_chain: relayChainId,
    genesis: genesisOfState(state),
  };
}

/** `frame_system::AccountInfo` with `pallet_balances::AccountData` of a runtime of 2022. */
function encodeAccountInfo(balance: bigint): Bytes {
  const nonce = encodeUint(0, 4);
  const consumers = encodeUint(0, 4);
  const providers = encodeUint(1, 4);
  const sufficients = encodeUint(0, 4);
  const free = encodeUint(balance, 16);
  const reservedAndFrozen = new Uint8Array(3 * 16);
  return concat(nonce, consumers, providers, sufficients, free, reservedAndFrozen);
}
