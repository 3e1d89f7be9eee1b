import {
  additionalSignedOf,
  type BlockRef,
  bytesToHex,
  type ChainFacts,
  type Hex,
  hexToBytes,
  type PreparedExtrinsic,
} from '../../chain/index.ts';
import { checkGenesis } from './chain-check.ts';
import { checkFee } from './fee-policy.ts';
import type { Attempt, Intent } from '../outbox/intent.ts';
import { type CallOptions, plannedCall } from './planned-call.ts';
import type { ChainAccount, Gateway } from '../ports.ts';
import { bytesToSign, checkExtrinsic, type SigningPlan } from './signing-policy.ts';

export interface AttemptOrder {
  readonly intent: Intent;
  readonly nonce: number;
  /** A finalized block: the era begins there. */
  readonly birth: BlockRef;
  readonly account: ChainAccount;
  /** Of that account, as far as known. */
  readonly free: string | null;
  readonly chain: CallOptions & { readonly maxFee?: string };
  readonly facts: ChainFacts;
  /** Called right before the signature; throws when it would be one too many. */
  readonly beforeSigning: () => void;
}

/** Stands where the signature will. Not of zeros: that is encoded as no signature at all, and costs nothing. */
const PLACEHOLDER: Hex = `0x${'01'.repeat(64)}`;
/** An upgrade between facts and payload is rare, two in a row do not happen. */
const MAX_UPGRADES = 2;

/**
 * Has the gateway prepare, asks what it costs, signs, has it assemble: a new attempt, in nobody's hands but ours yet.
 * Rejects with `chain.call_missing`, `chain.call_mismatch`, `sync.payload_refused`, `sync.extrinsic_refused`,
 * `sync.no_funds`, `sync.fee_too_high`; nothing was signed then, or what was signed has not left.
 */
export async function makeAttempt(order: AttemptOrder, request: Gateway['request']): Promise<Attempt> {
  const { intent, nonce, birth, account, beforeSigning } = order;
  const { plan, prepared, facts } = await prepare(order, request);
  const bytes = bytesToSign(plan, prepared);
  const { fields } = prepared;
  const about = { publicKey: bytesToHex(plan.publicKey), call: bytesToHex(plan.call), fields };
  const priced = await request('assemble', { ...about, signature: PLACEHOLDER });
  await checkPrice(order, facts, priced.extrinsic, request);
  beforeSigning();
  const signature = await account.sign(bytes);
  const { extrinsic } = await request('assemble', { ...about, signature: bytesToHex(signature) });
  checkExtrinsic(plan, prepared, signature, hexToBytes(extrinsic));
  const additional = additionalSignedOf(hexToBytes(prepared.payload), hexToBytes(extrinsic));
  return {
    ordinal: (intent.attempt?.ordinal ?? 0) + 1,
    nonce,
    birth,
    deathNumber: fields.deathNumber,
    extrinsic,
    ...(additional && { additionalSigned: bytesToHex(additional) }),
  };
}

/** A payload of the runtime that the call was encoded for: an upgrade in between moves calls and changes arguments. */
async function prepare(
  { intent, nonce, birth, account, chain, facts: known }: AttemptOrder,
  request: Gateway['request'],
): Promise<{ plan: SigningPlan; prepared: PreparedExtrinsic; facts: ChainFacts }> {
  const { publicKey } = account;
  for (let facts = known, upgrades = 0; ; upgrades++) {
    const { genesisHash, specVersion, transactionVersion } = facts;
    const call = plannedCall(intent, chain, facts).bytes;
    const plan = { publicKey, call, genesisHash, specVersion, transactionVersion, nonce, birth };
    const about = { publicKey: bytesToHex(publicKey), call: bytesToHex(call) };
    const prepared = await request('prepare', { ...about, nonce, birth });
    if (prepared.fields.specVersion === specVersion || upgrades >= MAX_UPGRADES) {
      return { plan, prepared, facts };
    }
    facts = await request('facts', {});
    checkGenesis(facts.genesisHash, genesisHash);
  }
}

async function checkPrice(
  { account, free, chain }: AttemptOrder,
  { existentialDeposit }: ChainFacts,
  extrinsic: Hex,
  request: Gateway['request'],
): Promise<void> {
  if (free === null && chain.maxFee === undefined) return;
  // Who cannot say what it costs now is no reason not to anchor; checkFee decides about that.
  const { fee } = await request('estimate', { extrinsic }).catch(() => ({ fee: null }));
  const { ss58 } = account;
  checkFee({ fee, free, existentialDeposit, maxFee: chain.maxFee, ss58 });
}
