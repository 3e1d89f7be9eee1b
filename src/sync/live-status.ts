import type { OutboxKeeper } from './outbox-keeper.ts';
import type { SessionView } from './session.ts';
import { summarize, type SyncStatus } from './status.ts';

/** What of a log of `logSize` leaves is anchored, and what is on its way. */
export function outboxStatus(
  { outbox: { current }, lastFinal }: OutboxKeeper,
  logSize: number,
): Pick<SyncStatus, 'anchoredSize' | 'backlog' | 'lastAnchor' | 'open'> {
  const lastAnchor = summarize(lastFinal);
  const anchoredSize = lastAnchor?.size ?? 0;
  const open = current && {
    id: current.id,
    state: current.state,
    size: current.size,
    attempts: current.attempt?.ordinal ?? 0,
  };
  return { anchoredSize, backlog: Math.max(0, logSize - anchoredSize), lastAnchor, open };
}

/** What the gateway has told; nothing while there is none. */
export function linkStatus(view: SessionView | undefined): Pick<SyncStatus, 'chain' | 'gateway'> {
  if (view === undefined) return { chain: null, gateway: null };
  const { facts, finalizedNumber, peers, free, gateway } = view;
  const chain = facts && {
    specName: facts.specName,
    specVersion: facts.specVersion,
    genesisHash: facts.genesisHash,
    finalizedNumber,
    peers,
    free,
  };
  return { chain, gateway: gateway && { pid: gateway.pid ?? null, rssBytes: gateway.rssBytes } };
}
