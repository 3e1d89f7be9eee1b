import type { Remedy } from '../../../hal/contract/index.ts';
import type { AnchorEvidence, ChainFacts, Hex } from '../../chain/index.ts';
import type { Intent, IntentState } from '../outbox/intent.ts';
import type { ClockProblem, LinkStage } from '../link/link-view.ts';
import { OutboxStore } from '../outbox/outbox-store.ts';
import type { StateInWords } from './status-in-words.ts';
import type { SyncFaultCode } from './sync-faults.ts';

/** A final anchor, without its proof. */
export interface AnchorSummary {
  readonly intentId: number;
  readonly size: number;
  readonly root: Hex;
  readonly via: AnchorEvidence['via'];
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly extrinsicIndex: number;
  readonly finalizedAtMs: number | null;
}

export interface OpenIntentSummary {
  readonly id: number;
  readonly state: IntentState;
  readonly size: number;
  readonly attempts: number;
}

export interface SyncFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** `operator`: somebody has to do something. Absent in what an older release wrote. */
  readonly remedy?: Remedy;
  /** In a row. */
  readonly failures: number;
  readonly atMs: number;
}

/** What a running sync service is doing. */
export interface SyncStatus {
  /**
   * `idle` nothing is due, no gateway; `connecting` the light client catches up or the node is dialled; `connected` the
   * gateway is there; `waiting` a try has failed, the next one is due in `retryInMs`.
   */
  readonly phase: 'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped';
  readonly transport: 'light-client' | 'rpc';
  /** Leaves covered by the last final anchor. */
  readonly anchoredSize: number;
  /** Leaves on disk that no final anchor covers. */
  readonly backlog: number;
  readonly lastAnchor: AnchorSummary | null;
  readonly open: OpenIntentSummary | null;
  readonly failure: SyncFailure | null;
  readonly retryInMs: number | null;
  /** While connected. */
  readonly chain: {
    readonly specName: string;
    readonly specVersion: number;
    readonly genesisHash: Hex;
    readonly finalizedNumber: number | null;
    /** Of the parachain; null: not known (a node does not say). */
    readonly peers: number | null;
    /** Free balance of the account in the chain's smallest unit. */
    readonly free: string | null;
  } | null;
  readonly gateway: { readonly pid: number | null; readonly rssBytes: number } | null;
  /** For how long the phase has been what it is. */
  readonly phaseForMs: number;
  /** What the present gateway says of its way to the chain; null: there is none. */
  readonly link: LinkStatus | null;
  /** How far the gateway before the present one came; null: there was none. */
  readonly lastTry: Pick<LinkStatus, 'stage' | 'peers'> | null;
  /** What was last known of the chain, also while there is no gateway; null: nothing since the service started. */
  readonly seen: SeenChain | null;
  /** What keeps an anchor from being made though entries wait; null: nothing does. */
  readonly held: HeldBack | null;
  /** Until the next anchor is due; null: nothing waits to be anchored. */
  readonly nextDueInMs: number | null;
  readonly traffic: SyncTraffic;
  /** Paid for the last final anchor, in the chain's smallest unit; null: not known. */
  readonly lastCost: string | null;
  readonly balance: BalanceStatus;
  readonly clock: ChainClock;
  /** Faults that are raised now, as they stand in the journal. */
  readonly faults: readonly SyncFaultCode[];
  /** All of this in words and what to do, what matters most first. */
  readonly words: readonly [StateInWords, ...StateInWords[]];
}

/** A status before it is put into words. */
export type SyncFacts = Omit<SyncStatus, 'words'>;

export interface LinkStatus {
  readonly stage: LinkStage;
  readonly stageForMs: number;
  /** Of the parachain; null: not known. */
  readonly peers: number | null;
  readonly relayPeers: number | null;
  /** For how long there has been no peer; null: there is one, or nobody says. */
  readonly peerlessForMs: number | null;
  /** How often the last peer went, since this gateway started. */
  readonly peerLosses: number;
  readonly best: number | null;
  readonly finalized: number | null;
  /** Since the finalized height last grew, on a monotonic clock. */
  readonly finalizedAgeMs: number | null;
  /** A block that was seen final before, and that this gateway has not reached yet; null: it is there, or none is known. */
  readonly target: number | null;
  /** Of the way from where this gateway began to `target`. */
  readonly percent: number | null;
}

export interface SeenChain {
  readonly specName: string;
  readonly specVersion: number;
  readonly token: ChainFacts['token'];
  /** The highest finalized block that was told, and how long ago it was. */
  readonly finalizedNumber: number | null;
  readonly finalizedAgeMs: number | null;
  readonly free: string | null;
}

/** Bytes on the gateway's sockets: what TLS, WebSocket and the peers' protocols take included, TCP and IP not. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface SyncTraffic {
  /** Of the gateway that runs. */
  readonly session: Traffic | null;
  /** Of the last one that is gone. */
  readonly last: Traffic | null;
  /** Of the station's day, for `metered.bytesPerDay`; null: nobody counts. */
  readonly today: Traffic | null;
}

export interface BalanceStatus {
  /** Free balance of the account in the chain's smallest unit, as of the last time it was asked for. */
  readonly free: string | null;
  /** Below it the balance is low; null: not configured, or no cost is known to count anchors by. */
  readonly lowBelow: string | null;
  readonly low: boolean;
}

/** The station's clock beside the chain's. */
export interface ChainClock {
  /** Whether a source of time vouches for the station's clock (status S; docs/time.md), or nobody asks. */
  readonly trusted: boolean;
  /** What the chain's time says of it; null: nothing is wrong, or it was not compared since the service started. */
  readonly problem: ClockProblem | null;
  /** Station minus the chain's newest finalized block, when they were last compared; null: they were not. */
  readonly aheadMs: number | null;
}

/** Why the policy waits. */
export type HeldBack =
  /** Too few entries wait (`chain.minBacklog`); at the latest in `atMostMs` they are anchored all the same. */
  | {
      readonly by: 'backlog';
      readonly backlog: number;
      readonly minBacklog: number;
      readonly atMostMs: number | null;
    }
  /** Outside of the windows of `chain.metered`. */
  | { readonly by: 'window'; readonly opensInMs: number | null }
  /** The bytes of the day are used up. */
  | {
      readonly by: 'bytes';
      readonly usedBytes: number;
      readonly bytesPerDay: number;
      readonly freeInMs: number | null;
    };

/** What a state directory tells about syncing, whether a service is running or not. */
export interface StoredSyncStatus {
  /** Newest first. */
  readonly intents: readonly Intent[];
  readonly lastAnchor: AnchorSummary | null;
  readonly failure: SyncFailure | null;
  readonly genesisHash: Hex | null;
}

const ROWS_SHOWN = 20;
export const GENESIS_PROPERTY = 'genesisHash';
export const FAILURE_PROPERTY = 'failure';
export const COST_PROPERTY = 'lastCost';

export function storedFailure(store: OutboxStore): SyncFailure | null {
  const text = store.property(FAILURE_PROPERTY) ?? '';
  return text === '' ? null : (JSON.parse(text) as SyncFailure);
}

export function summarize(intent: Intent | undefined): AnchorSummary | null {
  if (intent === undefined || intent.evidence === null) return null;
  const { via, blockNumber, blockHash, extrinsicIndex, finalizedAtMs = null } = intent.evidence;
  const { id: intentId, size, root } = intent;
  return { intentId, size, root, via, blockNumber, blockHash, extrinsicIndex, finalizedAtMs };
}

/** Reads outbox.db beside a running service. Throws `sync.outbox_missing`, `sync.outbox_damaged`, `sync.outbox_newer`. */
export function readSyncStatus(stateDirectory: string): StoredSyncStatus {
  const store = OutboxStore.openReadOnly(stateDirectory);
  try {
    return {
      intents: store.newest(ROWS_SHOWN),
      lastAnchor: summarize(store.lastFinal()),
      failure: storedFailure(store),
      genesisHash: (store.property(GENESIS_PROPERTY) as Hex | undefined) ?? null,
    };
  } finally {
    store.close();
  }
}

/**
 * The smallest final anchor that covers a leaf, or undefined when none does yet. Throws as readSyncStatus does.
 */
export function anchorCovering(stateDirectory: string, leafIndex: number): AnchorEvidence | undefined {
  const store = OutboxStore.openReadOnly(stateDirectory);
  try {
    return store.covering(leafIndex)?.evidence ?? undefined;
  } finally {
    store.close();
  }
}
