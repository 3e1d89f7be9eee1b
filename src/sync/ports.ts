import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import type { LowBalance, MeteredConfig } from '../config/index.ts';
import type {
  AnchorField,
  ChainTransport,
  GatewayEvent,
  GatewayPlace,
  OperationName,
  OperationParams,
  OperationResult,
} from '../chain/index.ts';
import type { AnchorSummary, SyncStatus } from './status/status.ts';
import type { FaultEffect } from './status/sync-faults.ts';

/** The log to anchor. The journal offers it. */
export interface CheckpointSource {
  /** Entries on disk now. Cheap. */
  size(): number;
  /** Whether the first `size` entries have this root hash. Asked when the outbox is opened. */
  holds(size: number, root: Uint8Array): boolean;
  /** A signed checkpoint (C2SP signed note) of the tree as it is on disk. */
  checkpoint(): Promise<{ readonly text: string; readonly size: number; readonly root: Uint8Array }>;
  /**
   * When that entry was made, milliseconds since 1970 UTC by the wall clock; null: not known. Without it the age of what was
   * there when the service started is counted from its start.
   */
  timeOf?(index: number): number | null;
  /** Needed for `publish`; opened for each use, closed after it. */
  openEntries?(): EntrySource;
}

/** Entries of the log in full, for `publish`. */
export interface EntrySource {
  /** Index of the `boot` entry of this run of the service: what a kind is published from when it is configured first. */
  readonly bootIndex: number;
  /** Entries from..to-1 of these kinds that are still there, in order, each as it was signed. */
  entries(
    kinds: readonly string[],
    from: number,
    to: number,
  ): Iterable<{ readonly index: number; readonly kind: string; readonly cose: Uint8Array }>;
  /** How many of the entries from..to-1 are gone: they gave way to newer ones, or were lost. */
  goneBetween(from: number, to: number): number;
  close(): void;
}

/** The chain account. The secret key stays behind `sign`. */
export interface ChainAccount {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly ss58: string;
  /** Ed25519 signature, 64 bytes. Called only with bytes that signing-policy.ts has passed. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export type ChainOptions = ChainTransport & {
  readonly call: 'remark' | 'pallet';
  /** With `call: 'pallet'`: the call by its names in the chain's metadata, and what of a checkpoint fills its arguments. */
  readonly pallet?: {
    readonly name: string;
    readonly call: string;
    readonly arguments?: Readonly<Record<string, AnchorField>>;
  };
  /** Pallet and call index that may be signed, `0x0007`. Default: where System.remark_with_event is known to stand. */
  readonly callIndex?: string;
  readonly anchorEveryMs: number;
  /** Entries wait no longer than this, whatever the backlog. Default: 24 h, or `anchorEveryMs` if that is longer. */
  readonly maxAgeMs?: number;
  /** Fewer entries wait. Default: 1. */
  readonly minBacklog?: number;
  readonly metered?: MeteredConfig;
  /** Kinds of entries that are put on chain in full. Default: none. */
  readonly publish?: readonly string[];
  /** A balance below it is an alert. */
  readonly lowBalance?: LowBalance;
  /** One extrinsic may not cost more, in the chain's smallest unit, a decimal integer. Default: whatever it costs. */
  readonly maxFee?: string;
  /** Sign for this chain only. Without it the first chain that was reached is kept. */
  readonly genesisHash?: string;
};

/** A started gateway (GatewayProcess of src/chain). Requests reject with StationError; `ended` never rejects. */
export interface Gateway {
  readonly pid: number | undefined;
  readonly rssBytes: number;
  /** Payload bytes of its sockets since it started, as far as it has told. */
  readonly traffic: { readonly bytesIn: number; readonly bytesOut: number };
  readonly ended: Promise<Error>;
  request<O extends OperationName>(operation: O, params: OperationParams<O>): Promise<OperationResult<O>>;
  stop(): Promise<void>;
}

/** Starts a gateway, not yet connected. When the signal is aborted before it is ready, it is ended and the promise rejects. */
export type OpenGateway = (onEvent: (event: GatewayEvent) => void, signal: AbortSignal) => Promise<Gateway>;

export interface SyncOptions {
  readonly stateDirectory: string;
  readonly source: CheckpointSource;
  readonly account: ChainAccount;
  readonly chain: ChainOptions;
  /** Where a gateway comes from; or, in a test, what starts one. */
  readonly gatewayEntry: GatewayPlace | OpenGateway;
  readonly clock: MonotonicClock;
  /** `status` as in the journal: U unknown, I informative, S synchronised, R relative. Absent: nobody asks what it is worth. */
  readonly wallClock: {
    nowWallMs(): number;
    status?: () => 'U' | 'I' | 'S' | 'R';
    /** Local time of day, in milliseconds since midnight. Default: in the time zone of the process. */
    timeOfDayMs?: (wallMs: number) => number;
  };
  /** In [0, 1). Spreads retries and first anchors over a fleet; no secret depends on it. */
  readonly random: () => number;
  readonly log: Log;
  readonly onStatus?: (status: SyncStatus) => void;
  /** A fault to put on record, or its end. Must not throw. */
  readonly onFault?: (effect: FaultEffect) => void;
  /** Codes of the faults that are on record as raised and not cleared. */
  readonly raisedFaults?: ReadonlySet<string>;
  readonly timing?: Partial<SyncTiming>;
}

export interface SyncTiming {
  /** The gateway stays for so long after the last anchor. */
  readonly idleMs: number;
  /** No finalized head and no other progress for so long ends a session. */
  readonly stallMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** What an earlier run has left open is gone on with after at most so long, spread over a fleet; `syncNow` waits not. */
  readonly startSpreadMs: number;
}

export type SyncOutcome =
  | { readonly outcome: 'anchored'; readonly anchor: AnchorSummary | null }
  /** Everything on disk is covered by a final anchor already, or the log is empty. */
  | { readonly outcome: 'nothing-to-anchor'; readonly anchor: AnchorSummary | null };
