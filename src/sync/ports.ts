import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import type {
  ChainTransport,
  GatewayEvent,
  OperationName,
  OperationParams,
  OperationResult,
} from '../chain/index.ts';
import type { SyncStatus } from './status.ts';

/** The log to anchor. The journal offers it. */
export interface CheckpointSource {
  /** Entries on disk now. Cheap. */
  size(): number;
  /** Whether the first `size` entries have this root hash. Asked when the outbox is opened. */
  holds(size: number, root: Uint8Array): boolean;
  /** A signed checkpoint (C2SP signed note) of the tree as it is on disk. */
  checkpoint(): Promise<{ readonly text: string; readonly size: number; readonly root: Uint8Array }>;
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
  readonly call: 'remark';
  /** Pallet and call index that may be signed, `0x0007`. Default: where System.remark_with_event is known to stand. */
  readonly callIndex?: string;
  readonly anchorEveryMs: number;
  /** Sign for this chain only. Without it the first chain that was reached is kept. */
  readonly genesisHash?: string;
};

/** A started gateway (GatewayProcess of src/chain). Requests reject with StationError; `ended` never rejects. */
export interface Gateway {
  readonly pid: number | undefined;
  readonly rssBytes: number;
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
  /** The gateway's program, dist/gateway.js; or, in a test, what starts one. */
  readonly gatewayEntry: URL | string | OpenGateway;
  readonly clock: MonotonicClock;
  readonly wallClock: { nowWallMs(): number };
  /** In [0, 1). Spreads retries and first anchors over a fleet; no secret depends on it. */
  readonly random: () => number;
  readonly log: Log;
  readonly onStatus?: (status: SyncStatus) => void;
  readonly timing?: Partial<SyncTiming>;
}

export interface SyncTiming {
  /** The gateway stays for so long after the last anchor. */
  readonly idleMs: number;
  /** No finalized head and no other progress for so long ends a session. */
  readonly stallMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
}
