// A signed `System.remark_with_event`, put together by hand: for tests of the dev network that need no API library.
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Bytes, blake2b256, concat, fromHex, type Hex, toHex } from '../../devnet/encoding/bytes.ts';
import { encodeBytes, encodeCompact, encodeUint } from '../../devnet/encoding/scale.ts';

/** Of the dev network's runtime: pallet System, its ninth call. */
const REMARK_WITH_EVENT = Uint8Array.of(0, 8);
const TRANSACTION_VERSION = 6;
const SIGNED_V4 = 0x84;
const ACCOUNT_ID = 0;
const ED25519 = 0;
const IMMORTAL = 0;
const NO_TIP = 0;
const FEE_IN_NATIVE_TOKEN = 0;
/** A payload that is longer is signed by its hash. */
const LONGEST_SIGNED_AS_IS = 256;

export interface RemarkOptions {
  /** ed25519. */
  readonly signer: KeyringPair;
  readonly nonce: number;
  readonly genesisHash: Hex;
  readonly specVersion: number;
  readonly remark: Bytes;
}

/** With its length prefix, as it is in a block. */
export function signRemark({ signer, nonce, genesisHash, specVersion, remark }: RemarkOptions): Hex {
  const call = concat(REMARK_WITH_EVENT, encodeBytes(remark));
  const extra = concat(
    Uint8Array.of(IMMORTAL),
    encodeCompact(nonce),
    Uint8Array.of(NO_TIP, FEE_IN_NATIVE_TOKEN),
  );
  const genesis = fromHex(genesisHash);
  const versions = concat(encodeUint(specVersion, 4), encodeUint(TRANSACTION_VERSION, 4));
  const payload = concat(call, extra, versions, genesis, genesis);
  const signature = signer.sign(payload.length > LONGEST_SIGNED_AS_IS ? blake2b256(payload) : payload);
  const sender = concat(Uint8Array.of(ACCOUNT_ID), signer.publicKey);
  return toHex(
    encodeBytes(
      concat(
        Uint8Array.of(SIGNED_V4),
        sender,
        Uint8Array.of(ED25519),
        new Uint8Array(signature),
        extra,
        call,
      ),
    ),
  );
}
