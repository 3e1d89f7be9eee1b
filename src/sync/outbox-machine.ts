// The outbox as a pure function: an event in, the next outbox, the rows that changed and what to do next out. The edge
// (session.ts) makes the changed rows durable BEFORE it carries out any command. A crash is the loss of everything but the
// rows; `restoreOutbox` starts from them, and the same function goes on.
import { InvariantError, unreachable } from '../../hal/contract/index.ts';
import type { BlockRef } from '../chain/index.ts';
import { type Intent, isInFlight, isOpen } from './intent.ts';
import type { LinkMemory, Outbox, OutboxCommand, OutboxEvent, Step } from './outbox-model.ts';

/** Finalized blocks without inclusion after which the same bytes are handed over again: pools forget. */
const RESUBMIT_AFTER_BLOCKS = 8;

const EMPTY_LINK: LinkMemory = { pending: null, submittedAt: null, finalizedNumber: -1, hint: null };
const ASK_FACTS: readonly OutboxCommand[] = [{ type: 'ask-facts' }];
const DROPPED = { state: 'superseded', block: null, reason: 'its log was set aside' } as const;

/**
 * The outbox as its open rows tell it. `ownFrom`: the first id of the log that is written now. Throws InvariantError when
 * the rows cannot have been written by this machine.
 */
export function restoreOutbox(rows: readonly Intent[], lastId: number, ownFrom = 0): Outbox {
  const open = rows.filter(isOpen).sort((a, b) => a.id - b.id);
  if (open.length > 2 || open.slice(1).some((intent) => intent.state !== 'planned')) {
    throw new InvariantError(`outbox rows ${open.map(({ id, state }) => `${id} ${state}`).join(', ')}`);
  }
  return { current: open[0] ?? null, next: open[1] ?? null, nextId: lastId + 1, ownFrom, link: null };
}

export function stepOutbox(outbox: Outbox, event: OutboxEvent): Step {
  switch (event.type) {
    case 'planned':
      return onPlanned(outbox, event);
    case 'link-up':
      return {
        outbox: { ...outbox, link: EMPTY_LINK },
        changed: [],
        commands: outbox.current ? ASK_FACTS : [],
      };
    case 'link-down':
      return { outbox: { ...outbox, link: null }, changed: [], commands: [] };
    case 'chain-changed': {
      if (outbox.current === null || !isInFlight(outbox.current)) return nothing(outbox);
      return giveUpAttempt(outbox, outbox.current, 'it was signed for another chain');
    }
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
    case 'located':
    case 'absent':
    case 'out-of-reach':
      return onAttempt(outbox, event);
    default:
      return unreachable(event);
  }
}

function onPlanned(outbox: Outbox, event: OutboxEvent & { type: 'planned' }): Step {
  const { current, next, link } = outbox;
  const ownSize = current === null || isForeign(outbox, current) ? -1 : current.size;
  if (event.size <= Math.max(ownSize, next?.size ?? -1)) return nothing(outbox);
  const { checkpoint, size, root, atMs: plannedAtMs } = event;
  const none = { attempt: null, block: null, evidence: null, reason: null };
  const intent: Intent = {
    id: outbox.nextId,
    state: 'planned',
    checkpoint,
    size,
    root,
    plannedAtMs,
    ...none,
  };
  const nextId = outbox.nextId + 1;
  const commands = link === null ? [] : ASK_FACTS;
  if (current === null)
    return { outbox: { ...outbox, nextId, current: intent }, changed: [intent], commands };
  const waiting = next === null ? [] : [superseded(next, intent)];
  if (!isInFlight(current) && link?.pending !== 'sign') {
    const changed = [superseded(current, intent), ...waiting, intent];
    return { outbox: { ...outbox, nextId, current: intent, next: null }, changed, commands };
  }
  return { outbox: { ...outbox, nextId, next: intent }, changed: [...waiting, intent], commands: [] };
}

function onFacts(outbox: Outbox, { finalized, nonce, retired }: OutboxEvent & { type: 'facts' }): Step {
  const { current, link } = outbox;
  if (link === null) return nothing(outbox);
  const seen: Outbox = { ...outbox, link: { ...link, finalizedNumber: finalized.number } };
  if (current === null || link.pending !== null) return nothing(seen);
  const { attempt } = current;
  if (attempt === null || !isInFlight(current)) {
    return retired ? { ...nothing(seen), commands: ASK_FACTS } : sign(seen, current, nonce, finalized);
  }
  if (nonce > attempt.nonce) {
    const locate: OutboxCommand = { type: 'locate', intent: current, attempt, finalized, hint: link.hint };
    return { outbox: withLink(seen, { pending: 'locate' }), changed: [], commands: [locate] };
  }
  if (finalized.number >= attempt.deathNumber) {
    const given = giveUpAttempt(seen, current, 'its era ended without it');
    if (given.outbox.current?.id !== current.id) return given;
    if (retired) return { ...given, commands: ASK_FACTS };
    const signing = sign(given.outbox, given.outbox.current, nonce, finalized);
    return signing.changed.length > 0 ? signing : { ...signing, changed: given.changed };
  }
  const waited = link.submittedAt === null ? Infinity : finalized.number - link.submittedAt;
  if (waited < RESUBMIT_AFTER_BLOCKS) return nothing(seen);
  return {
    outbox: withLink(seen, { pending: 'submit' }),
    changed: [],
    commands: [{ type: 'submit', intent: current, attempt }],
  };
}

/** `intent` has no bytes that could still get into a block: the newest checkpoint is signed instead of an older one. */
function sign(outbox: Outbox, intent: Intent, nonce: number, birth: BlockRef): Step {
  const chosen = outbox.next ?? intent;
  return {
    outbox: { ...withLink(outbox, { pending: 'sign' }), current: chosen, next: null },
    changed: chosen === intent ? [] : [superseded(intent, chosen)],
    commands: [{ type: 'sign', intent: chosen, nonce, birth }],
  };
}

function onSigned(outbox: Outbox, { intentId, attempt }: OutboxEvent & { type: 'signed' }): Step {
  const { current, link } = outbox;
  // A late answer of an earlier link: those bytes were never on disk and never left.
  if (current?.id !== intentId || link?.pending !== 'sign') return nothing(outbox);
  const signed: Intent = { ...current, state: 'signed', attempt, reason: null };
  return {
    outbox: { ...withLink(outbox, { pending: 'submit', submittedAt: null, hint: null }), current: signed },
    changed: [signed],
    commands: [{ type: 'submit', intent: signed, attempt }],
  };
}

type AttemptEvent = Extract<OutboxEvent, { ordinal: number }>;

function onAttempt(outbox: Outbox, event: AttemptEvent): Step {
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
    case 'included':
      if (current.block?.hash === event.block.hash) return nothing(outbox);
      return changeCurrent(
        withLink(outbox, { hint: event.block.hash }),
        { state: 'inBlock', block: event.block },
        [],
      );
    case 'retracted':
      if (current.state !== 'inBlock') return nothing(outbox);
      return changeCurrent(withLink(outbox, { hint: null }), { state: 'broadcast', block: null }, []);
    case 'hint':
      return {
        outbox: withLink(outbox, { hint: event.block ?? link.hint }),
        changed: [],
        commands: ASK_FACTS,
      };
    case 'located':
      if (link.pending !== 'locate') return nothing(outbox);
      return settle(outbox, {
        ...current,
        state: 'final',
        evidence: event.evidence,
        block: null,
        reason: null,
      });
    case 'absent': {
      if (link.pending !== 'locate') return nothing(outbox);
      const reason = 'its nonce was used by another extrinsic';
      const step = giveUpAttempt(withLink(outbox, { pending: null, hint: null }), current, reason);
      return { ...step, commands: ASK_FACTS };
    }
    case 'out-of-reach':
      if (link.pending !== 'locate') return nothing(outbox);
      return settle(outbox, { ...current, state: 'unplaced', block: null, reason: event.why });
    default:
      return unreachable(event);
  }
}

/** Open rows of a log that is not written any more: bytes that may be on their way are followed to their end, the rest is dropped. */
function onLogReplaced(outbox: Outbox): Step {
  const open = [outbox.current, outbox.next].filter((intent) => intent !== null);
  const dropped = open.filter((intent) => isForeign(outbox, intent) && !isInFlight(intent));
  const [current = null, next = null] = open.filter((intent) => !dropped.includes(intent));
  const changed = dropped.map((intent) => ({ ...intent, ...DROPPED }));
  return { outbox: { ...outbox, current, next }, changed, commands: [] };
}

function isForeign(outbox: Outbox, intent: Intent): boolean {
  return intent.id < outbox.ownFrom;
}

/** The current attempt can be in no block any more. It is made anew, unless its log is gone. */
function giveUpAttempt(outbox: Outbox, current: Intent, reason: string): Step {
  if (!isForeign(outbox, current))
    return changeCurrent(outbox, { state: 'expired', block: null, reason }, []);
  return settle(outbox, { ...current, ...DROPPED });
}

/** The current intent has ended; the waiting one takes its place. */
function settle(outbox: Outbox, ended: Intent): Step {
  const link = outbox.link && { ...outbox.link, pending: null, submittedAt: null, hint: null };
  return {
    outbox: { ...outbox, link, current: outbox.next, next: null },
    changed: [ended],
    commands: outbox.next === null || link === null ? [] : ASK_FACTS,
  };
}

function changeCurrent(outbox: Outbox, change: Partial<Intent>, commands: readonly OutboxCommand[]): Step {
  const current = { ...(outbox.current as Intent), ...change };
  return { outbox: { ...outbox, current }, changed: [current], commands };
}

function withLink(outbox: Outbox, change: Partial<LinkMemory>): Outbox {
  return { ...outbox, link: { ...(outbox.link ?? EMPTY_LINK), ...change } };
}

function superseded(intent: Intent, by: Intent): Intent {
  return { ...intent, state: 'superseded', block: null, reason: `superseded by ${by.id}` };
}

function nothing(outbox: Outbox): Step {
  return { outbox, changed: [], commands: [] };
}
