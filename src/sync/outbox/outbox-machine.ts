// The outbox as a pure function: an event in, the next outbox, the rows that changed and what to do next out. The edge
// (session.ts) makes the changed rows durable BEFORE it carries out any command. A crash is the loss of everything but the
// rows; `restoreOutbox` starts from them, and the same function goes on.
import { InvariantError, unreachable } from '../../../hal/contract/index.ts';
import type { BlockRef } from '../../chain/index.ts';
import {
  type AnchorIntent,
  type Attempt,
  type Intent,
  isAnchor,
  isInFlight,
  isOpen,
  type PublishIntent,
} from './intent.ts';
import type { Outbox, OutboxEvent, Step } from './outbox-model.ts';
import { onNews, onPlace } from './outbox-news.ts';
import { onChainChanged, onLogReplaced, onPlanned, onPlannedPublish } from './outbox-plans.ts';
import {
  ASK_FACTS,
  chooseTurn,
  EMPTY_LINK,
  giveUpAttempt,
  isEraOver,
  nothing,
  settle,
  withLink,
} from './outbox-turns.ts';

/** Finalized blocks without inclusion after which the same bytes are handed over again: pools forget. */
const RESUBMIT_AFTER_BLOCKS = 8;
/**
 * Attempts whose eras have ended that are remembered: each costs its bytes on disk, and each end of an era minutes. None is ever
 * forgotten unlooked for, or a server that tells ever greater heights could have an intent signed until the first one is. So
 * many eras of 64 blocks reach back half as far as a runtime knows its blocks' hashes.
 */
const KEPT_EARLIER = 32;

/**
 * The outbox as its open rows tell it. `ownFrom`: the first id of the log that is written now. Throws InvariantError when
 * the rows cannot have been written by this machine.
 */
export function restoreOutbox(rows: readonly Intent[], lastId: number, ownFrom = 0): Outbox {
  const open = rows.filter(isOpen).sort((a, b) => a.id - b.id);
  const flying = open.filter(isInFlight);
  const anchors = open.filter((intent) => isAnchor(intent) && !isInFlight(intent)) as AnchorIntent[];
  const [publish = null, ...more] = open.filter(({ kind }) => kind === 'publish') as PublishIntent[];
  const newest = flying.length > 0 ? anchors : anchors.slice(1);
  if (flying.length > 1 || newest.length > 1 || more.length > 0) {
    const found = open.map(({ id, kind, state }) => `${id} ${kind} ${state}`).join(', ');
    throw new InvariantError(`outbox rows ${found}`);
  }
  const current = flying[0] ?? anchors[0] ?? publish;
  return {
    current,
    next: newest[0] ?? null,
    publish: current === publish ? null : publish,
    publishFirst: false,
    ...{ nextId: lastId + 1, ownFrom, link: null },
  };
}

export function stepOutbox(outbox: Outbox, event: OutboxEvent): Step {
  switch (event.type) {
    case 'planned':
      return onPlanned(outbox, event);
    case 'planned-publish':
      return onPlannedPublish(outbox, event);
    case 'link-up':
      return {
        outbox: { ...outbox, link: EMPTY_LINK },
        changed: [],
        commands: outbox.current ? ASK_FACTS : [],
      };
    case 'link-down':
      return { outbox: { ...outbox, link: null }, changed: [], commands: [] };
    case 'chain-changed':
      return onChainChanged(outbox);
    case 'log-replaced':
      return onLogReplaced({ ...outbox, ownFrom: event.from });
    case 'facts':
      return onFacts(outbox, event);
    case 'signed':
      return onSigned(outbox, event);
    case 'submitted':
    case 'included':
    case 'retracted':
    case 'hint':
      return onNews(outbox, event);
    case 'located':
    case 'absent':
    case 'out-of-reach':
      return onPlace(outbox, event);
    default:
      return unreachable(event);
  }
}

type Facts = OutboxEvent & { type: 'facts' };

function onFacts(outbox: Outbox, facts: Facts): Step {
  const { finalized, nonce, retired } = facts;
  const { current, link } = outbox;
  if (link === null) return nothing(outbox);
  const seen: Outbox = { ...outbox, link: { ...link, finalizedNumber: finalized.number } };
  if (current === null || link.pending !== null) return nothing(seen);
  const { attempt } = current;
  if (attempt === null || !isInFlight(current)) {
    return retired ? { ...nothing(seen), commands: ASK_FACTS } : sign(seen, nonce, finalized);
  }
  if (isSuspect(attempt, nonce, finalized)) return lookFor(seen, current, attempt, finalized);
  const why = whyEnded(attempt, finalized.number);
  if (why !== undefined) {
    const remembered = retired ? current.earlier : [...current.earlier, attempt];
    const given = giveUpAttempt(seen, { ...current, earlier: remembered }, why);
    if (given.outbox.current?.id !== current.id) return given;
    if (retired) return { ...given, commands: ASK_FACTS };
    const signing = sign(given.outbox, nonce, finalized);
    const settled = signing.changed.some(({ id }) => id === current.id);
    return { ...signing, changed: settled ? signing.changed : [...given.changed, ...signing.changed] };
  }
  const waited = link.submittedAt === null ? Infinity : finalized.number - link.submittedAt;
  if (waited < RESUBMIT_AFTER_BLOCKS) return nothing(seen);
  return {
    outbox: withLink(seen, { pending: 'submit' }),
    changed: [],
    commands: [{ type: 'submit', intent: current, attempt }],
  };
}

/**
 * Why an attempt that is in no finalized block can be in none any more; undefined: it still can. One that was born further
 * ahead than an era lasts was born on a lie: its block may never come, and waiting for its death would have no end.
 */
function whyEnded({ birth, deathNumber }: Attempt, finalizedNumber: number): string | undefined {
  if (finalizedNumber >= deathNumber) return 'its era ended without it';
  const era = deathNumber - birth.number;
  return birth.number - finalizedNumber > era ? 'it was born at a block that there is not' : undefined;
}

/** The account's nonce says that the attempt, or another extrinsic with its nonce, is in a finalized block. */
function isSuspect({ nonce, birth }: Attempt, accountNonce: number, finalized: BlockRef): boolean {
  return nonce < accountNonce && birth.number < finalized.number;
}

/**
 * Nothing is on its way: the one whose turn it is gets signed. Unless the account's nonce says that one of its earlier
 * attempts, which was given up on somebody's word, may be in a block after all: then that one is looked for.
 *
 * So an intent is signed anew only with a nonce that none of its attempts has used (of two with one nonce the chain takes
 * one), or after all blocks that could hold an earlier one were looked at. Nothing that is said of heights and nonces alone
 * brings it on chain twice.
 */
function sign(outbox: Outbox, nonce: number, birth: BlockRef): Step {
  const turn = chooseTurn(outbox);
  const intent = turn.outbox.current as Intent;
  const suspect = intent.earlier.find((attempt) => isSuspect(attempt, nonce, birth));
  const step =
    suspect === undefined
      ? signOrGiveUp(turn.outbox, intent, nonce, birth)
      : lookFor(turn.outbox, intent, suspect, birth);
  return { ...step, changed: [...turn.changed, ...step.changed] };
}

/** While no more attempts can be remembered one of them is looked for; if all may still come, there is no safe one to add. */
function signOrGiveUp(outbox: Outbox, intent: Intent, nonce: number, birth: BlockRef): Step {
  if (intent.earlier.length < KEPT_EARLIER) {
    return {
      outbox: withLink(outbox, { pending: 'sign' }),
      changed: [],
      commands: [{ type: 'sign', intent, nonce, birth }],
    };
  }
  const oldest = intent.earlier.find((attempt) => isEraOver(attempt, birth.number));
  if (oldest !== undefined) return lookFor(outbox, intent, oldest, birth);
  const reason = 'too many of its attempts may still get into a block';
  return settle(outbox, { ...intent, state: 'unplaced', block: null, earlier: [], reason });
}

/**
 * Looks for an attempt in the blocks of its era, up to the finalized one. Not being there before the era is over says
 * nothing: who told the nonce may have been wrong, and the attempt may come yet. Then it is looked once more at its end.
 */
function lookFor(outbox: Outbox, intent: Intent, attempt: Attempt, finalized: BlockRef): Step {
  const { ordinal } = attempt;
  if (outbox.link?.absent === ordinal && !isEraOver(attempt, finalized.number)) return nothing(outbox);
  const hint = attempt === intent.attempt ? (outbox.link?.hint ?? null) : null;
  return {
    outbox: withLink(outbox, { pending: 'locate', locating: { ordinal, upTo: finalized.number } }),
    changed: [],
    commands: [{ type: 'locate', intent, attempt, finalized, hint }],
  };
}

function onSigned(outbox: Outbox, { intentId, attempt }: OutboxEvent & { type: 'signed' }): Step {
  const { current, link } = outbox;
  // A late answer of an earlier link: those bytes were never on disk and never left.
  if (current?.id !== intentId || link?.pending !== 'sign') return nothing(outbox);
  const signed: Intent = { ...current, state: 'signed', attempt, reason: null };
  const publishFirst = outbox.publishFirst && current.kind !== 'publish';
  const memory = withLink(outbox, { pending: 'submit', submittedAt: null, hint: null });
  return {
    outbox: { ...memory, publishFirst, current: signed },
    changed: [signed],
    commands: [{ type: 'submit', intent: signed, attempt }],
  };
}
