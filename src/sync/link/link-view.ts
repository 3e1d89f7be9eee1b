import type { GatewayEvent } from '../../chain/index.ts';

/** `behind` is certain; of the other, nobody can tell which of the two it is. The words of the `progress` event. */
export type ClockProblem = 'behind' | 'ahead-or-chain-stalled';

/** How far a way to the chain is; the words of the gateway's `progress` event. */
export type LinkStage = 'starting' | 'finding-peers' | 'syncing' | 'loading-runtime' | 'ready';

/**
 * What one gateway has told so far, with the moments that ages are counted from. All moments are monotonic: a wall clock that
 * jumps makes nothing look old or new.
 */
export interface LinkView {
  readonly startedMonoMs: number;
  readonly stage: LinkStage;
  readonly stageMonoMs: number;
  /** Of the parachain; null: not known (a node does not always say). */
  readonly peers: number | null;
  readonly relayPeers: number | null;
  /** Since when there has been no peer; null while there is one, or while nobody says. */
  readonly peerlessMonoMs: number | null;
  /** How often the last peer went. */
  readonly peerLosses: number;
  /** Height of the best block. */
  readonly best: number | null;
  readonly finalized: number | null;
  /** When the finalized height last grew. */
  readonly finalizedMonoMs: number | null;
  /** What the chain's own time says of the station's clock; null: nothing is wrong, or nothing is known. */
  readonly clockProblem: ClockProblem | null;
  /** When the newest finalized block was made, by the chain's time: milliseconds since 1970. */
  readonly finalizedAtMs: number | null;
  /** The first finalized height that was told: where catching up began. */
  readonly from: number | null;
}

export function newLink(nowMonoMs: number): LinkView {
  return {
    startedMonoMs: nowMonoMs,
    ...{ stage: 'starting', stageMonoMs: nowMonoMs },
    ...{ peers: null, relayPeers: null, peerlessMonoMs: null, peerLosses: 0 },
    ...{ best: null, finalized: null, finalizedMonoMs: null, from: null },
    ...{ clockProblem: null, finalizedAtMs: null },
  };
}

/** The view after one more event. Events that say nothing about the link leave it as it is. */
export function observeLink(link: LinkView, event: GatewayEvent, nowMonoMs: number): LinkView {
  switch (event.type) {
    case 'peers':
      return withPeers(link, event.count, nowMonoMs);
    case 'finalized':
      return withFinalized(link, event.block.number, nowMonoMs);
    case 'progress': {
      const { stage, peers, relayPeers = link.relayPeers, best, finalized } = event;
      const { clock: clockProblem, finalizedAtMs } = event;
      const staged = stage === link.stage ? link : { ...link, stage, stageMonoMs: nowMonoMs };
      const timed = { ...staged, relayPeers, clockProblem, finalizedAtMs };
      const counted = withPeers(timed, peers, nowMonoMs);
      const reached = finalized === null ? counted : withFinalized(counted, finalized, nowMonoMs);
      return best === null ? reached : { ...reached, best };
    }
    default:
      return link;
  }
}

function withPeers(link: LinkView, peers: number | null, nowMonoMs: number): LinkView {
  if (peers === null) return link;
  const lost = peers === 0 && link.peers !== null && link.peers > 0;
  const peerlessMonoMs = peers > 0 ? null : (link.peerlessMonoMs ?? nowMonoMs);
  return { ...link, peers, peerlessMonoMs, peerLosses: link.peerLosses + (lost ? 1 : 0) };
}

/** A height below what was told before is an old answer that came late. */
function withFinalized(link: LinkView, finalized: number, nowMonoMs: number): LinkView {
  if (link.finalized !== null && finalized <= link.finalized) return link;
  const best = Math.max(link.best ?? 0, finalized);
  return { ...link, finalized, finalizedMonoMs: nowMonoMs, from: link.from ?? finalized, best };
}

/**
 * Whole percent of the way from where this link began to a height that is known to be final; null when there is no such way
 * to go. A light client jumps, so this may be 0 for a while and then 100.
 */
export function caughtUpPercent(
  { from, finalized }: Pick<LinkView, 'from' | 'finalized'>,
  target: number | null,
): number | null {
  if (from === null || finalized === null || target === null || target <= from) return null;
  return Math.min(100, Math.floor(((finalized - from) / (target - from)) * 100));
}
