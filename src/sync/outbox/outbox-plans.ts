// What the outbox makes of plans, and of news that touch what is planned: another log, another chain. Pure.
import { type AnchorIntent, type Intent, isAnchor, isInFlight, type PublishIntent } from './intent.ts';
import type { Outbox, PlannedAnchor, PlannedPublish, Step } from './outbox-model.ts';
import {
  ASK_FACTS,
  chooseTurn,
  giveUpAttempt,
  isBusy,
  isForeign,
  nothing,
  superseded,
} from './outbox-turns.ts';

const FRESH = {
  state: 'planned',
  attempt: null,
  earlier: [],
  block: null,
  evidence: null,
  outcome: null,
  reason: null,
} as const;

export function onPlanned(outbox: Outbox, { checkpoint, size, root, atMs }: PlannedAnchor): Step {
  const { current, next, nextId } = outbox;
  const own = [current, next].filter(
    (known) => known !== null && isAnchor(known) && !isForeign(outbox, known),
  );
  if (own.some((known) => known !== null && size <= known.size)) return nothing(outbox);
  const intent: AnchorIntent = {
    ...FRESH,
    kind: 'anchor',
    id: nextId,
    ...{ checkpoint, size, root, plannedAtMs: atMs },
  };
  const changed = next === null ? [intent] : [superseded(next, intent), intent];
  return onAdded({ ...outbox, nextId: nextId + 1, next: intent }, changed);
}

export function onPlannedPublish(outbox: Outbox, event: PlannedPublish): Step {
  const { current, publish, nextId } = outbox;
  if (publish !== null || current?.kind === 'publish') return nothing(outbox);
  const { size, root, fromIndex, toIndex, payload, entries, entriesSoFar, skippedSoFar, atMs } = event;
  const intent: PublishIntent = {
    ...FRESH,
    kind: 'publish',
    id: nextId,
    ...{ size, root, fromIndex, toIndex, payload, entries, entriesSoFar, skippedSoFar, plannedAtMs: atMs },
  };
  return onAdded({ ...outbox, nextId: nextId + 1, publish: intent }, [intent]);
}

function onAdded(outbox: Outbox, changed: readonly Intent[]): Step {
  if (isBusy(outbox)) return { outbox, changed, commands: [] };
  const turn = chooseTurn(outbox);
  return {
    outbox: turn.outbox,
    changed: [...changed, ...turn.changed],
    commands: outbox.link === null ? [] : ASK_FACTS,
  };
}

/** Open rows of a log that is not written any more: bytes that may be on their way are followed to their end, the rest is dropped. */
export function onLogReplaced(outbox: Outbox): Step {
  const { current, next, publish } = outbox;
  const keep = <I extends Intent>(intent: I | null): I | null =>
    intent !== null && isForeign(outbox, intent) && !isInFlight(intent) ? null : intent;
  const kept = { ...outbox, current: keep(current), next: keep(next), publish: keep(publish) };
  const left: readonly (Intent | null)[] = [kept.current, kept.next, kept.publish];
  const dropped = [current, next, publish].filter(
    (intent) => intent !== null && !left.includes(intent),
  ) as Intent[];
  const changed = dropped.map((intent) => superseded(intent, null));
  if (isBusy(kept)) return { outbox: kept, changed, commands: [] };
  const turn = chooseTurn(kept);
  return { outbox: turn.outbox, changed: [...changed, ...turn.changed], commands: [] };
}

/** What was signed for another chain is in no block of this one. */
export function onChainChanged(outbox: Outbox): Step {
  const open = [outbox.current, outbox.next, outbox.publish].filter((intent) => intent !== null);
  const forgetful = open.filter(({ earlier }) => earlier.length > 0).map(({ id }) => id);
  const current = outbox.current && forget(outbox.current);
  const next = outbox.next && forget(outbox.next);
  const publish = outbox.publish && forget(outbox.publish);
  const forgotten = { ...outbox, current, next, publish };
  const step =
    current !== null && isInFlight(current)
      ? giveUpAttempt(forgotten, current, 'it was signed for another chain')
      : nothing(forgotten);
  const others = [current, next, publish].filter(
    (intent) =>
      intent !== null && forgetful.includes(intent.id) && !step.changed.some(({ id }) => id === intent.id),
  ) as Intent[];
  return { ...step, changed: [...others, ...step.changed] };
}

function forget<I extends Intent>(intent: I): I {
  return intent.earlier.length === 0 ? intent : { ...intent, earlier: [] };
}
