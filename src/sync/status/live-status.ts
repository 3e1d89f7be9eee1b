import type { LowBalance } from '../../config/index.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { SessionView } from '../link/session.ts';
import { type AnchorSummary, summarize, type SyncStatus } from './status.ts';

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

/** What the session knows; nothing while there is none. */
export function sessionStatus(view: SessionView | undefined): Pick<SyncStatus, 'chain' | 'gateway'> {
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

/** Equal for two statuses between which nothing has happened: ages, countdowns, memory and bytes aside. */
export function statusKey(status: SyncStatus): string {
  const states = status.words.map(({ state }) => state);
  return JSON.stringify({ ...status, words: states }, (key, value: unknown) =>
    value !== null && isVolatile(key) ? 0 : value,
  );
}

const COUNTS = new Set(['rssBytes', 'bytesIn', 'bytesOut', 'usedBytes']);
/** Moments of the wall clock, which stand. */
const MOMENTS = new Set(['atMs', 'finalizedAtMs']);

function isVolatile(key: string): boolean {
  return COUNTS.has(key) || (key.endsWith('Ms') && !MOMENTS.has(key));
}

/** For how long entries may have waited when the service starts: since the last anchor, if the clock can tell. */
export function waitedMs(
  lastAnchor: AnchorSummary | null,
  wallClock: { nowWallMs(): number; status?: () => string },
): number {
  const at = lastAnchor?.finalizedAtMs ?? null;
  return at === null || wallClock.status?.() !== 'S' ? 0 : Math.max(0, wallClock.nowWallMs() - at);
}

/** Default of `chain.maxAge`, in intervals. */
const INTERVALS_UNTIL_OVERDUE = 24;
/** What a light client may take to catch up, on a slow link, with a try or two. */
const LEAST_GRACE_MS = 600_000;

/** From when on entries have waited too long: the maximum age, and what making an anchor may take. */
export function overdueAfterMs({
  anchorEveryMs,
  maxAgeMs,
}: {
  readonly anchorEveryMs: number;
  readonly maxAgeMs?: number;
}): number {
  const limit = maxAgeMs ?? INTERVALS_UNTIL_OVERDUE * anchorEveryMs;
  return limit + Math.max(LEAST_GRACE_MS, limit / 10);
}

/**
 * Below how much of the chain's smallest unit the balance is low. Counted in anchors it is what they cost, over what the
 * account must keep to live; null: nothing is configured, or no anchor's cost is known yet.
 */
export function lowBelow(
  lowBalance: LowBalance | undefined,
  lastCost: string | null,
  existentialDeposit: string | null,
): string | null {
  if (lowBalance === undefined) return null;
  if ('amount' in lowBalance) return lowBalance.amount;
  if (lastCost === null) return null;
  return String(BigInt(lowBalance.anchors) * BigInt(lastCost) + BigInt(existentialDeposit ?? 0));
}
