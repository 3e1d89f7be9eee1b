import { StationError, unreachable, type Log } from '../../hal/contract/index.ts';
import type { CheckedFacts } from './chain-check.ts';
import { acceptEvidence } from './evidence-policy.ts';
import { makeAttempt } from './make-attempt.ts';
import type { OutboxCommand, OutboxEvent } from './outbox-model.ts';
import type { ChainAccount, Gateway } from './ports.ts';

export interface CommandPorts {
  readonly request: Gateway['request'];
  readonly account: ChainAccount;
  readonly facts: CheckedFacts;
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
  ports.beforeSigning();
  const { account, facts } = ports;
  const order = { intent, nonce, birth, account, facts };
  return { type: 'signed', intentId: intent.id, attempt: await makeAttempt(order, ports.request) };
}

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
  { request, facts, nowWallMs }: CommandPorts,
): Promise<OutboxEvent> {
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
      const expected = { intent, attempt, genesisHash, seenAtMs: nowWallMs() };
      return { type: 'located', ...about, evidence: acceptEvidence(located.evidence, expected) };
    }
    case 'absent':
      return { type: 'absent', ...about };
    case 'out-of-reach':
      return { type: 'out-of-reach', ...about, why: located.why };
    default:
      return unreachable(located);
  }
}
