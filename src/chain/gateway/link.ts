import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import type { LogLevel } from '../../../hal/contract/index.ts';

export type GatewayLog = (level: LogLevel, source: string, message: string) => void;

/** A way to the chain: JSON-RPC requests and subscriptions, over a light client or a node. */
export interface ChainLink {
  readonly via: 'light-client' | 'rpc';
  readonly provider: ProviderInterface;
  /** Resolves with the reason when the link is gone for good. */
  readonly lost: Promise<string>;
  /** Peers of the parachain; undefined where the link has no such notion or no answer in time. */
  peers(): Promise<number | undefined>;
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
