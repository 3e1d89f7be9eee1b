import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import type { LogLevel } from '../../../../hal/contract/index.ts';
import type { ClockProblem } from './chain-time.ts';

export type GatewayLog = (level: LogLevel, source: string, message: string) => void;

/** How far a link is. Null: not known (yet). */
export interface LinkProgress {
  readonly stage: 'starting' | 'finding-peers' | 'syncing' | 'loading-runtime' | 'ready';
  readonly peers: number | null;
  /** Left out where there is no relay chain to have peers of. */
  readonly relayPeers?: number | null;
  readonly best: number | null;
  readonly finalized: number | null;
  /** When the finalized block was made, by the chain's own time: milliseconds since 1970. */
  readonly finalizedAtMs: number | null;
  readonly clock: ClockProblem | null;
}

export type OnProgress = (progress: LinkProgress) => void;

/** A way to the chain: JSON-RPC requests and subscriptions, over a light client or a node. */
export interface ChainLink {
  readonly via: 'light-client' | 'rpc';
  readonly provider: ProviderInterface;
  /** Who tells: a link to the same source may use what was kept of an earlier one. */
  readonly source: string;
  /** Resolves with the reason when the link is gone for good. */
  readonly lost: Promise<string>;
  /** Peers of the parachain; undefined where the link has no such notion or no answer in time. */
  peers(): Promise<number | undefined>;
  /**
   * To be called when the chain's metadata are loaded: from then on the stage is `ready`, and plain requests are given
   * `requestTimeoutMs`. Rejects with `chain.clock_wrong` when the station's clock makes the link useless.
   */
  opened(requestTimeoutMs: number): Promise<void>;
  /** Stores what a later link can begin with; resolves with the bytes written. */
  save(): Promise<number>;
  close(): Promise<void>;
}

/** A JSON-RPC error answer. `code` as the server gave it (1010 invalid transaction, -32000 no node available, ...). */
export class JsonRpcError extends Error {
  override name = 'JsonRpcError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
