// What the process that uses the network and the one that serves it say to each other (structured clone).
import { type Devnet, type DevnetOptions } from './devnet.ts';
import { type DevnetErrorCode } from './errors.ts';

export interface StartOptions extends Omit<DevnetOptions, 'directory' | 'log'> {
  readonly directory: string;
  /** The directory is removed when the process ends. */
  readonly temporary: boolean;
}

export interface Started {
  readonly relaySpecPath: string;
  readonly paraSpecPath: string;
  readonly genesisHash: Devnet['genesisHash'];
  readonly rpcUrl: string | undefined;
}

/** The calls of `Devnet` that are passed on as they are. */
export type RemoteMethod = Exclude<keyof Devnet, 'stop' | keyof Started>;

export const REMOTE_METHODS = Object.keys({
  cut: true,
  restore: true,
  step: true,
  status: true,
  setFaults: true,
  setRpcFaults: true,
  setLink: true,
  linkBytes: true,
  reorg: true,
  setFinality: true,
  changeVoters: true,
  upgradeRuntime: true,
  block: true,
  blockHash: true,
  findExtrinsics: true,
} satisfies Record<RemoteMethod, true>) as readonly RemoteMethod[];

export type Request =
  | { readonly id: number; readonly method: 'start'; readonly options: StartOptions }
  | { readonly id: number; readonly method: RemoteMethod; readonly args: readonly unknown[] };

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: DevnetErrorCode; readonly message: string } };
