import {
  additionalSignedOf,
  type BlockRef,
  bytesToHex,
  ChainError,
  encodeRemarkCall,
  hexToBytes,
} from '../chain/index.ts';
import type { CheckedFacts } from './chain-check.ts';
import type { Attempt, Intent } from './intent.ts';
import type { ChainAccount, Gateway } from './ports.ts';
import { bytesToSign, checkExtrinsic, type SigningPlan } from './signing-policy.ts';

export interface AttemptOrder {
  readonly intent: Intent;
  readonly nonce: number;
  /** A finalized block: the era begins there. */
  readonly birth: BlockRef;
  readonly account: ChainAccount;
  /** Of the chain that is connected now. */
  readonly facts: CheckedFacts;
}

/**
 * Has the gateway prepare, signs, has it assemble: a new attempt, in nobody's hands but ours yet. Rejects with
 * `sync.payload_refused` or `sync.extrinsic_refused` when the gateway gave anything else than what was planned.
 */
export async function makeAttempt(order: AttemptOrder, request: Gateway['request']): Promise<Attempt> {
  const { intent, nonce, birth, account, facts } = order;
  const { genesisHash, specVersion, transactionVersion } = facts;
  const { publicKey } = account;
  const call = callOf(intent, facts);
  const runtime = { genesisHash, specVersion, transactionVersion };
  const plan: SigningPlan = { publicKey, call, ...runtime, nonce, birth };
  const about = { publicKey: bytesToHex(publicKey), call: bytesToHex(call) };
  const prepared = await request('prepare', { ...about, nonce, birth });
  const signature = await account.sign(bytesToSign(plan, prepared));
  const { fields } = prepared;
  const { extrinsic } = await request('assemble', { ...about, fields, signature: bytesToHex(signature) });
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

/** Entries always go in a remark, whatever call carries checkpoints. */
function callOf(intent: Intent, { call, remark }: CheckedFacts): Uint8Array {
  if (intent.kind === 'anchor')
    return encodeRemarkCall(call.index, new TextEncoder().encode(intent.checkpoint));
  if (remark === null) {
    throw new ChainError(
      'chain.call_missing',
      'the chain has no System.remark_with_event to publish entries in',
      {
        remedy: 'operator',
        hint: 'Remove chain.publish, or use a chain that has it.',
      },
    );
  }
  return encodeRemarkCall(remark.index, hexToBytes(intent.payload));
}
