// What the outbox makes of news of an attempt: what the network says became of it, and what came of looking for it. Pure.
import { unreachable } from '../../../hal/contract/index.ts';
import type { AnchorEvidence } from '../../chain/index.ts';
import { type DispatchOutcome, type Intent, isInFlight, type PublishEvidence } from './intent.ts';
import type { Outbox, OutboxEvent, Step } from './outbox-model.ts';
import {
  ASK_FACTS,
  changeCurrent,
  giveUpAttempt,
  isEraOver,
  nothing,
  settle,
  withLink,
} from './outbox-turns.ts';

type News = Extract<OutboxEvent, { type: 'submitted' | 'included' | 'retracted' | 'hint' }>;

type Place = Extract<OutboxEvent, { type: 'located' | 'absent' | 'out-of-reach' }>;

export function onNews(outbox: Outbox, event: News): Step {
  const { current, link } = outbox;
  // News of an attempt that is settled, or of another one: nothing changes twice.
  if (link === null || current === null || !isInFlight(current)) return nothing(outbox);
  if (current.id !== event.intentId || current.attempt?.ordinal !== event.ordinal) return nothing(outbox);
  switch (event.type) {
    case 'submitted': {
      if (link.pending !== 'submit') return nothing(outbox);
      const memory = withLink(outbox, { pending: null, submittedAt: link.finalizedNumber });
      return current.state === 'signed'
        ? changeCurrent(memory, { state: 'broadcast' }, ASK_FACTS)
        : nothing(memory);
    }
    case 'included': {
      if (current.block?.hash === event.block.hash) return nothing(outbox);
      const memory = withLink(outbox, { hint: event.block.hash });
      return changeCurrent(memory, { state: 'inBlock', block: event.block }, []);
    }
    case 'retracted':
      if (current.state !== 'inBlock') return nothing(outbox);
      return changeCurrent(withLink(outbox, { hint: null }), { state: 'broadcast', block: null }, []);
    case 'hint': {
      const memory = withLink(outbox, { hint: event.block ?? link.hint });
      return { outbox: memory, changed: [], commands: ASK_FACTS };
    }
    default:
      return unreachable(event);
  }
}

/** What came of looking for an attempt; of any other one than was asked for, nothing is heard. */
export function onPlace(outbox: Outbox, event: Place): Step {
  const { current, link } = outbox;
  const { locating = null } = link ?? {};
  if (link?.pending !== 'locate' || locating?.ordinal !== event.ordinal) return nothing(outbox);
  if (current?.id !== event.intentId) return nothing(outbox);
  const attempt = [current.attempt, ...current.earlier].find((one) => one?.ordinal === event.ordinal);
  if (attempt === undefined || attempt === null) return nothing(outbox);
  const found = withLink(outbox, { pending: null, locating: null, hint: null });
  switch (event.type) {
    case 'located':
      return settle(found, located({ ...current, attempt }, event.evidence, event.outcome ?? null));
    case 'absent': {
      if (!isEraOver(attempt, locating.upTo)) {
        return { outbox: withLink(found, { absent: attempt.ordinal }), changed: [], commands: [] };
      }
      const earlier = current.earlier.filter(({ ordinal }) => ordinal !== event.ordinal);
      if (!isInFlight(current)) return changeCurrent(found, { earlier }, ASK_FACTS);
      const step = giveUpAttempt(found, current, 'its nonce was used by another extrinsic');
      return { ...step, commands: ASK_FACTS };
    }
    case 'out-of-reach':
      return settle(found, { ...current, state: 'unplaced', block: null, earlier: [], reason: event.why });
    default:
      return unreachable(event);
  }
}

function located(
  intent: Intent,
  evidence: AnchorEvidence | PublishEvidence,
  outcome: DispatchOutcome | null,
): Intent {
  const end = { state: 'final', block: null, earlier: [], reason: null, outcome } as const;
  if (intent.kind === 'anchor') return { ...intent, ...end, evidence: evidence as AnchorEvidence };
  const { via, genesisHash, blockNumber, blockHash, extrinsicIndex, finalizedAtMs } = evidence;
  const place = { via, genesisHash, blockNumber, blockHash, extrinsicIndex };
  return { ...intent, ...end, evidence: { ...place, ...(finalizedAtMs !== undefined && { finalizedAtMs }) } };
}
