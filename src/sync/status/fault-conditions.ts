// How the conditions behind the faults of syncing stand, by a status. Pure.
import type { SyncFacts } from './status.ts';
import { type FaultConditions, isBalanceLow } from './sync-faults.ts';

/** A parachain finalizes every few seconds; this is no hiccup any more. */
export const STALE_FINALITY_MS = 120_000;

export interface Overdue {
  /** For how long entries have waited for a final anchor. */
  readonly unanchoredForMs: number;
  /** From when on that is too long. */
  readonly overdueAfterMs: number;
}

export function faultConditions(
  status: Omit<SyncFacts, 'faults'>,
  { unanchoredForMs, overdueAfterMs }: Overdue,
): FaultConditions {
  const { balance, backlog, anchoredSize, seen, transport } = status;
  return {
    'sync.low_balance': {
      holds: isBalanceLow(balance.free, balance.lowBelow),
      facts: [fact('free', balance.free), fact('lowBelow', balance.lowBelow)],
    },
    'sync.no_peers': { holds: hasNoPeers(status), facts: [fact('transport', transport)] },
    'sync.finality_stale': {
      holds: isFinalityStale(status),
      facts: [fact('finalized', seen?.finalizedNumber ?? null)],
    },
    'sync.anchor_overdue': {
      holds: backlog > 0 && unanchoredForMs > overdueAfterMs,
      facts: [fact('anchored', anchoredSize), fact('backlog', backlog)],
    },
  };
}

/**
 * A node's own peers are its operator's matter; a light client without them sees nothing. Between two tries holds what the
 * last one came to: a try may be shorter than the time between two looks.
 */
function hasNoPeers({ transport, link, lastTry }: Omit<SyncFacts, 'faults'>): boolean | undefined {
  const known = link ?? lastTry;
  if (transport !== 'light-client' || known === null) return undefined;
  if (known.peers !== null && known.peers > 0) return false;
  return known.peers === 0 || known.stage === 'finding-peers' ? true : undefined;
}

/** Judged by the highest block ever seen final: a new gateway that finds the same block again has found nothing new. */
function isFinalityStale({ link, seen }: Omit<SyncFacts, 'faults'>): boolean | undefined {
  if (seen === null || seen.finalizedAgeMs === null) return undefined;
  if (seen.finalizedAgeMs <= STALE_FINALITY_MS) return false;
  return link === null || link.finalized === null || link.peers === 0 ? undefined : true;
}

function fact(name: string, value: string | number | null): { name: string; value: string } {
  return { name, value: String(value ?? 'unknown') };
}
