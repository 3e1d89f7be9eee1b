import { StationError, unreachable, type Log } from '../../../hal/contract/index.ts';
import { type AnchorCall, bytesToHex, type ChainFacts, type Located } from '../../chain/index.ts';
import { acceptEvidence } from '../signing/evidence-policy.ts';
import type { Attempt, DispatchOutcome, Intent } from '../outbox/intent.ts';
import { type AttemptOrder, makeAttempt } from '../signing/make-attempt.ts';
import type { OutboxCommand, OutboxEvent } from '../outbox/outbox-model.ts';
import { plannedCall } from '../signing/planned-call.ts';
import type { ChainAccount, Gateway } from '../ports.ts';

export interface CommandPorts {
  readonly request: Gateway['request'];
  readonly account: ChainAccount;
  /** Its free balance, as far as known. */
  readonly free: string | null;
  readonly chain: AttemptOrder['chain'];
  readonly facts: ChainFacts;
  readonly nowWallMs: () => number;
  readonly log: Log;
  /** Called before each signature; throws when it would be one too many. */
  readonly beforeSigning: () => void;
  /** Follow what becomes of this attempt; gives the number under which the gateway tells of it. */
  readonly watch: (about: AttemptName) => number;
}

export interface AttemptName {
  readonly intentId: number;
  readonly ordinal: number;
}

/** Has the gateway do what the outbox wants done, and says what came of it. Rejects when nothing is known of that. */
export async function performCommand(
  command: Exclude<OutboxCommand, { type: 'ask-facts' }>,
  ports: CommandPorts,
): Promise<OutboxEvent> {
  switch (command.type) {
    case 'sign':
      return sign(command, ports);
    case 'submit':
      return submit(command, ports);
    case 'locate':
      return locate(command, ports);
    default:
      return unreachable(command);
  }
}

async function sign(
  { intent, nonce, birth }: OutboxCommand & { type: 'sign' },
  ports: CommandPorts,
): Promise<OutboxEvent> {
  const { account, free, chain, facts, beforeSigning, request } = ports;
  const order = { intent, nonce, birth, account, free, chain, facts, beforeSigning };
  try {
    return { type: 'signed', intentId: intent.id, attempt: await makeAttempt(order, request) };
  } catch (error) {
    if (error instanceof StationError && MADE_OF_METADATA.has(error.code))
      await request('doubtMetadata', {}).catch(() => {});
    throw error;
  }
}

/** What metadata of another runtime, or damaged ones, that the gateway has kept would end in. */
const MADE_OF_METADATA = new Set(['chain.call_missing', 'sync.payload_refused', 'sync.extrinsic_refused']);

async function submit(
  { intent, attempt }: OutboxCommand & { type: 'submit' },
  { request, log, watch }: CommandPorts,
): Promise<OutboxEvent> {
  const about = { intentId: intent.id, ordinal: attempt.ordinal };
  try {
    await request('submit', { extrinsic: attempt.extrinsic, watch: watch(about) });
  } catch (error) {
    // Refused now (a nonce that is used, a pool that is full): what becomes of it is told by the account's facts.
    if (!(error instanceof StationError) || error.code !== 'chain.refused') throw error;
    log('warning', 'sync.extrinsic_not_taken', { ...about, why: error.message });
  }
  log('debug', 'sync.handed_over', about);
  return { type: 'submitted', ...about };
}

async function locate(
  { intent, attempt, finalized, hint }: OutboxCommand & { type: 'locate' },
  ports: CommandPorts,
): Promise<OutboxEvent> {
  const { request, facts, nowWallMs } = ports;
  const about = { intentId: intent.id, ordinal: attempt.ordinal };
  const located = await request('locate', {
    extrinsic: attempt.extrinsic,
    afterNumber: attempt.birth.number,
    beforeNumber: attempt.deathNumber,
    finalized,
    hint,
  });
  switch (located.outcome) {
    case 'found': {
      const { genesisHash } = facts;
      const call = recipeOf(intent, attempt, ports);
      const expected = { intent, attempt, genesisHash, seenAtMs: nowWallMs(), call };
      const evidence = acceptEvidence(located.evidence, expected);
      const outcome = await outcomeOf(located.evidence, intent, ports);
      return { type: 'located', ...about, evidence, ...(outcome && { outcome }) };
    }
    case 'absent':
      return { type: 'absent', ...about };
    case 'out-of-reach':
      return { type: 'out-of-reach', ...about, why: located.why };
    default:
      return unreachable(located);
  }
}

/**
 * How the call of an anchor was filled, for whoever checks it. Undefined: it is a remark, or a runtime upgrade in between has
 * moved the call; then the evidence holds what it always held, and only its call cannot be taken apart.
 */
function recipeOf(
  intent: Intent,
  { extrinsic }: Attempt,
  { chain, facts }: CommandPorts,
): AnchorCall | undefined {
  try {
    const { bytes, recipe } = plannedCall(intent, chain, facts);
    return extrinsic.endsWith(bytesToHex(bytes).slice(2)) ? recipe : undefined;
  } catch (error) {
    if (error instanceof StationError) return undefined;
    throw error;
  }
}

/**
 * What the runtime made of the call. A remark is in the block whatever it made of it, and what it cost is only for people: an
 * answer that does not come is no reason to look for it again. The call of a pallet may have failed; that must be known.
 */
async function outcomeOf(
  { blockNumber: number, blockHash: hash, extrinsicIndex }: (Located & { outcome: 'found' })['evidence'],
  { kind }: Intent,
  { chain, request, log }: CommandPorts,
): Promise<DispatchOutcome | undefined> {
  try {
    return await request('outcome', { block: { number, hash }, extrinsicIndex });
  } catch (error) {
    if (kind === 'anchor' && chain.call === 'pallet') throw error;
    log('info', 'sync.outcome_unknown', { blockNumber: number, why: String(error) });
    return undefined;
  }
}
