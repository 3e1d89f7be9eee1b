// What a status means: one state with a name of its own, in words, and what to do where something can be done. Pure.
import { unreachable } from '../../../hal/contract/index.ts';
import { amountInWords, durationInWords } from './amounts-in-words.ts';
import { failureInWords } from './failure-in-words.ts';
import type { HeldBack, LinkStatus, OpenIntentSummary, SyncFacts } from './status.ts';
import { STALE_FINALITY_MS } from './fault-conditions.ts';

/** Every state that `sync status` may name; docs/sync.md explains each. Programs may decide on them. */
export const SYNC_STATES = [
  'idle',
  'stopped',
  'held-backlog',
  'held-window',
  'held-bytes',
  'gateway-starting',
  'finding-peers',
  'no-peers',
  'catching-up',
  'loading-runtime',
  'connected',
  'anchoring',
  'in-block',
  'stale-finality',
  'retrying',
  'unreachable',
  'stalled',
  'no-funds',
  'call-missing',
  'wrong-chain',
  'spec-unreadable',
  'crash-loop',
  'failed',
  'few-peers',
  'peers-unsteady',
  'low-balance',
  'clock-untrusted',
  'clock-wrong',
  'overdue',
] as const;
export type SyncState = (typeof SYNC_STATES)[number];

export interface StateInWords {
  /** One of SYNC_STATES. */
  readonly state: SyncState;
  /** `act`: it stays so until somebody does what `advice` says. */
  readonly severity: 'good' | 'working' | 'waiting' | 'act';
  readonly text: string;
  /** What to do; null: nothing. */
  readonly advice: string | null;
}

/** A peer takes a few seconds; a light client without one for so long will hardly find one by itself. */
const PEERLESS_MS = 30_000;
/** With fewer, one that is slow or lies holds everything up. */
const FEW_PEERS = 3;
const MANY_LOSSES = 3;
export function say(
  state: SyncState,
  severity: StateInWords['severity'],
  text: string,
  advice: string | null = null,
): StateInWords {
  return { state, severity, text, advice };
}

/** The state that matters most first, then what else somebody should know. Never empty. */
export function statusInWords(status: SyncFacts): readonly [StateInWords, ...StateInWords[]] {
  return [headline(status), ...notices(status)];
}

function headline(status: SyncFacts): StateInWords {
  const { phase, held, phaseForMs } = status;
  switch (phase) {
    case 'stopped':
      return say('stopped', 'good', 'the sync service is stopped');
    case 'waiting':
      return failureInWords(status);
    case 'idle':
      return held === null ? idle(status) : heldInWords(held);
    case 'connecting':
    case 'connected':
      return status.link === null
        ? say('gateway-starting', 'working', `starting the gateway, for ${durationInWords(phaseForMs)}`)
        : linkInWords(status.link, status);
    default:
      return unreachable(phase);
  }
}

function idle({ backlog, nextDueInMs, phaseForMs }: SyncFacts): StateInWords {
  const waiting = backlog === 0 ? 'everything is anchored' : `${backlog} entries wait for the next anchor`;
  const next = nextDueInMs === null ? '' : `, due in ${durationInWords(nextDueInMs)}`;
  return say('idle', 'good', `idle for ${durationInWords(phaseForMs)}: ${waiting}${next}`);
}

function heldInWords(held: HeldBack): StateInWords {
  switch (held.by) {
    case 'backlog': {
      const limit =
        held.atMostMs === null ? '' : `, anchored in ${durationInWords(held.atMostMs)} all the same`;
      const text = `${held.backlog} entries wait, ${held.minBacklog} make an anchor (chain.minBacklog)${limit}`;
      return say('held-backlog', 'waiting', text);
    }
    case 'window': {
      const opens = held.opensInMs === null ? '' : `: opens in ${durationInWords(held.opensInMs)}`;
      const advice = 'Nothing, or `sync now`, or widen chain.metered.windows.';
      return say('held-window', 'waiting', `waits for a window of chain.metered${opens}`, advice);
    }
    case 'bytes': {
      const free = held.freeInMs === null ? '' : `, more in ${durationInWords(held.freeInMs)}`;
      const text = `${held.usedBytes} of ${held.bytesPerDay} bytes of the day are used (chain.metered)${free}`;
      return say('held-bytes', 'waiting', text, 'Nothing, or raise chain.metered.bytesPerDay.');
    }
    default:
      return unreachable(held);
  }
}

/** How far the way to the chain is, and what is done on it. Also for a gateway that serves no outbox. */
export function linkInWords(
  link: LinkStatus,
  { phase, transport, open, seen }: Pick<SyncFacts, 'phase' | 'transport' | 'open' | 'seen'>,
): StateInWords {
  const isLight = transport === 'light-client';
  const noPeers = isLight && (link.peers === 0 || link.stage === 'finding-peers');
  const peerlessForMs = link.peerlessForMs ?? link.stageForMs;
  if (noPeers) return peerlessForMs < PEERLESS_MS ? findingPeers(link) : peerless(peerlessForMs);
  if (link.stage === 'starting') {
    const text = isLight ? 'the light client starts' : 'connecting to the node';
    return say('gateway-starting', 'working', `${text}, for ${durationInWords(link.stageForMs)}`);
  }
  if (link.stage === 'loading-runtime') return loadingRuntime(link);
  if (link.stage === 'syncing' || link.target !== null) return catchingUp(link);
  const staleForMs = seen?.finalizedAgeMs ?? 0;
  if (phase === 'connected' && staleForMs > STALE_FINALITY_MS) return staleFinality(link, staleForMs);
  if (open !== null) return openInWords(open, link);
  return say('connected', 'good', `connected${heights(link)}${peersInWords(link)}`);
}

function findingPeers(link: LinkStatus): StateInWords {
  const relay = link.relayPeers === null ? '' : ` (${link.relayPeers} of the relay chain)`;
  return say(
    'finding-peers',
    'working',
    `looking for peers${relay}, for ${durationInWords(link.stageForMs)}`,
  );
}

function peerless(peerlessForMs: number): StateInWords {
  return say(
    'no-peers',
    'waiting',
    `no peer for ${durationInWords(peerlessForMs)}`,
    'Is there a network? Are the boot nodes of the chain specs (or chain.bootNodes) reachable? `delmonicos doctor` tries each.',
  );
}

function loadingRuntime(link: LinkStatus): StateInWords {
  const text = `fetching the chain's runtime, for ${durationInWords(link.stageForMs)}${peersInWords(link)}`;
  return say('loading-runtime', 'working', text);
}

function catchingUp(link: LinkStatus): StateInWords {
  const { target, percent, finalized } = link;
  const goal =
    target === null || finalized === null
      ? heights(link)
      : `, finalized block ${finalized} of at least ${target}${percent === null ? '' : ` (${percent} %)`}`;
  const time = `, for ${durationInWords(link.stageForMs)}`;
  return say('catching-up', 'working', `catching up with the chain${goal}${peersInWords(link)}${time}`);
}

function staleFinality(link: LinkStatus, staleForMs: number): StateInWords {
  return say(
    'stale-finality',
    'waiting',
    `no new finalized block for ${durationInWords(staleForMs)}${heights(link)}${peersInWords(link)}`,
    'The chain has stopped to finalize, or the peers (the node) lag: look at the chain from elsewhere. Anchors wait for it.',
  );
}

function openInWords({ state, size, attempts }: OpenIntentSummary, link: LinkStatus): StateInWords {
  const again = attempts > 1 ? ` (attempt ${attempts})` : '';
  if (state === 'inBlock') {
    return say('in-block', 'working', `the anchor of ${size} entries is in a block, not final yet${again}`);
  }
  const words: Readonly<Record<string, string>> = {
    planned: 'is about to be signed',
    signed: 'is signed and about to leave',
    broadcast: 'was handed to the network',
    expired: 'did not get into a block in time and is signed anew',
  };
  const text = `the anchor of ${size} entries ${words[state] ?? state}${again}${heights(link)}`;
  return say('anchoring', 'working', text);
}

function notices(status: SyncFacts): StateInWords[] {
  return [
    ...linkNotices(status),
    ...clockNotices(status),
    ...balanceNotices(status),
    ...overdueNotices(status),
  ];
}

function linkNotices({ link, transport, phaseForMs }: SyncFacts): StateInWords[] {
  if (link === null || transport !== 'light-client') return [];
  if (link.peerLosses >= MANY_LOSSES) {
    const text = `the last peer went ${link.peerLosses} times`;
    return [
      say(
        'peers-unsteady',
        'waiting',
        text,
        'A link that comes and goes, or too few boot nodes: add some to chain.bootNodes.',
      ),
    ];
  }
  const isFew = link.peers !== null && link.peers > 0 && link.peers < FEW_PEERS && phaseForMs > PEERLESS_MS;
  return isFew
    ? [
        say(
          'few-peers',
          'waiting',
          `only ${peersCount(link.peers ?? 0)}`,
          'More boot nodes in chain.bootNodes make it steadier.',
        ),
      ]
    : [];
}

function clockNotices({ clock: { trusted, problem, aheadMs } }: SyncFacts): StateInWords[] {
  const off = aheadMs === null ? '' : ` by ${durationInWords(Math.abs(aheadMs))}`;
  if (problem === 'behind') {
    const text = `the station's clock is behind the chain's newest final block${off}`;
    const advice =
      'Set the clock: no block is of the future, and a light client refuses new ones. `delmonicos doctor`; docs/time.md.';
    return [say('clock-wrong', 'act', text, advice)];
  }
  if (problem !== null && trusted) {
    const text = `the chain's newest final block is old${off}, and the station's clock is trusted`;
    return [
      say(
        'stale-finality',
        'waiting',
        text,
        'Look at the chain from elsewhere: it has stopped, or the peers lag.',
      ),
    ];
  }
  if (problem !== null) {
    const text = `the station's clock is ahead of the chain's newest final block${off}, or the chain has stopped`;
    return [
      say('clock-wrong', 'waiting', text, 'Set the clock. `delmonicos doctor` looks at it; docs/time.md.'),
    ];
  }
  if (trusted) return [];
  const text = 'nothing vouches for the clock';
  const advice =
    'Run chronyd or systemd-timesyncd; windows of chain.metered do not restrict meanwhile. docs/time.md.';
  return [say('clock-untrusted', 'waiting', text, advice)];
}

function balanceNotices({ balance: { free, lowBelow, low }, seen, failure }: SyncFacts): StateInWords[] {
  if (!low || failure?.code === 'sync.no_funds') return [];
  const token = seen?.token ?? null;
  const has = free === null ? '' : `: ${amountInWords(free, token)}`;
  const limit = lowBelow === null ? '' : `, less than ${amountInWords(lowBelow, token)}`;
  return [
    say(
      'low-balance',
      'act',
      `the account's balance is low${has}${limit}`,
      'Send some of the chain’s token to the account of `delmonicos key show`.',
    ),
  ];
}

function overdueNotices({ faults, backlog }: SyncFacts): StateInWords[] {
  if (!faults.includes('sync.anchor_overdue')) return [];
  const text = `${backlog} entries wait longer than chain.maxAge for a final anchor`;
  return [
    say('overdue', 'act', text, 'What this page says first is why; readings are kept and will be covered.'),
  ];
}

function heights({ best, finalized }: LinkStatus): string {
  if (finalized === null) return best === null ? '' : `, best block ${best}`;
  return `, finalized block ${finalized}${best !== null && best > finalized ? ` (best ${best})` : ''}`;
}

function peersInWords({ peers }: LinkStatus): string {
  return peers === null ? '' : `, ${peersCount(peers)}`;
}

function peersCount(peers: number): string {
  return `${peers} peer${peers === 1 ? '' : 's'}`;
}
