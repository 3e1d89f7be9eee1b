import type { AnchorEvidence, Hex } from '../chain/index.ts';
import type { Intent, IntentState } from './intent.ts';
import { OutboxStore } from './outbox-store.ts';

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
}

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
