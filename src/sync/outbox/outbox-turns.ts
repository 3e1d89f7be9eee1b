// Steps of the outbox: whose turn it is when nothing is on its way (the newest checkpoint, the older ones giving way to it,
// then entries), and how an intent's turn ends. Pure.
import { type AnchorIntent, type Attempt, type Intent, isAnchor, isInFlight } from './intent.ts';
import type { LinkMemory, Outbox, OutboxCommand, Step } from './outbox-model.ts';

export const EMPTY_LINK: LinkMemory = {
  pending: null,
  locating: null,
  absent: null,
  submittedAt: null,
  finalizedNumber: -1,
  hint: null,
};
export const ASK_FACTS: readonly OutboxCommand[] = [{ type: 'ask-facts' }];

export interface Turn {
  readonly outbox: Outbox;
  readonly changed: readonly Intent[];
}

/** Whether the current intent has bytes that may be on their way, or is about to get or to find some. */
export function isBusy({ current, link }: Outbox): boolean {
  return current !== null && (isInFlight(current) || (link !== null && link.pending !== null));
}

/** To be called while the outbox is not busy. */
export function chooseTurn(outbox: Outbox): Turn {
  const { current, next, publishFirst } = outbox;
  const anchors = [current, next].filter<AnchorIntent>(
    (intent): intent is AnchorIntent => intent !== null && isAnchor(intent),
  );
  const anchor = anchors.at(-1) ?? null;
  const publish = current?.kind === 'publish' ? current : outbox.publish;
  const chosen = publish !== null && (publishFirst || anchor === null) ? publish : anchor;
  return {
    outbox: {
      ...outbox,
      current: chosen,
      next: chosen === anchor ? null : anchor,
      publish: chosen === publish ? null : publish,
    },
    changed: anchors.slice(0, -1).map((older) => superseded(older, anchor)),
  };
}

/** Its entries are covered by the newer one as well. */
export function superseded<I extends Intent>(intent: I, by: { readonly id: number } | null): I {
  const reason = by === null ? 'its log was set aside' : `superseded by ${by.id}`;
  return { ...intent, state: 'superseded', block: null, earlier: [], reason };
}

/** The current intent has ended; another one's turn comes. Entries that an anchor went before go before the next one. */
export function settle(outbox: Outbox, ended: Intent): Step {
  const link = outbox.link && { ...outbox.link, ...EMPTY_LINK, finalizedNumber: outbox.link.finalizedNumber };
  const publishFirst = isAnchor(ended) && outbox.publish !== null;
  const turn = chooseTurn({ ...outbox, link, publishFirst, current: null });
  return {
    outbox: turn.outbox,
    changed: [ended, ...turn.changed],
    commands: turn.outbox.current === null || link === null ? [] : ASK_FACTS,
  };
}

/** The current attempt can be in no block any more. It is made anew, unless its log is gone. */
export function giveUpAttempt(outbox: Outbox, current: Intent, reason: string): Step {
  if (isForeign(outbox, current)) return settle(outbox, superseded(current, null));
  const expired: Intent = { ...current, state: 'expired', block: null, reason };
  return { outbox: { ...outbox, current: expired }, changed: [expired], commands: [] };
}

/** Whether every block that could hold an attempt is among those up to a number. */
export function isEraOver({ deathNumber }: Attempt, number: number): boolean {
  return number >= deathNumber - 1;
}

export function isForeign(outbox: Outbox, intent: Intent): boolean {
  return intent.id < outbox.ownFrom;
}

export function changeCurrent(
  outbox: Outbox,
  change: Partial<Intent>,
  commands: readonly OutboxCommand[],
): Step {
  const current = { ...outbox.current, ...change } as Intent;
  return { outbox: { ...outbox, current }, changed: [current], commands };
}

export function withLink(outbox: Outbox, change: Partial<LinkMemory>): Outbox {
  return { ...outbox, link: { ...(outbox.link ?? EMPTY_LINK), ...change } };
}

export function nothing(outbox: Outbox): Step {
  return { outbox, changed: [], commands: [] };
}
