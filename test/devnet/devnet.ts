// What the network looks like to those who use it: plain data only, as it crosses a process boundary.
import { type Hex } from './encoding/bytes.ts';
import { type Endowment } from './parachain/genesis.ts';
import { type Link, type LinkBytes } from './link/link.ts';
import { type FinalityMode, type ReorgOptions, type UpgradeOptions } from './network.ts';
import { type Faults } from './peer/faults.ts';
import { type RpcFaults } from './rpc/rpc-faults.ts';

export type ChainName = 'relay' | 'parachain';
export type { FinalityMode, ReorgOptions, UpgradeOptions } from './network.ts';
/** `relay-1`, `relay-2`, ... in the order of the specification's boot nodes. */
export type PeerName = `${ChainName}-${number}`;
/** One peer, or all of a chain. */
export type PeerTarget = PeerName | ChainName;

export interface DevnetOptions {
  /** Where `relay.json` and `para.json` are written. Without it: a temporary directory that goes with the network. */
  readonly directory?: string;
  /** Accounts that own money at genesis, besides //Alice (10^18, 1,000,000 ROC). */
  readonly endow?: readonly Endowment[];
  /**
   * Empty blocks, this many milliseconds apart (default 3,000; false: none). Clients need them: smoldot says that a
   * transaction is invalid only when the block it was checked against is final.
   */
  readonly heartbeatMs?: number | false;
  /** How many peers serve each chain (default 1, at most 8 each). All are boot nodes of its specification. */
  readonly peers?: Partial<Readonly<Record<ChainName, number>>>;
  /** Between clients and the network, from the start. What is not named is open. */
  readonly link?: Partial<Link>;
  /** A WebSocket JSON-RPC server besides, on any port or on this one. */
  readonly rpc?: boolean | { readonly port: number };
  /** Remarks about peers and refused extrinsics. */
  readonly log?: (line: string) => void;
}

export interface Heights {
  readonly best: number;
  readonly finalized: number;
}

export interface PeerStatus {
  readonly name: PeerName;
  /** A multiaddress with the peer's id, as boot nodes are given. */
  readonly address: string;
  /** Whether it can be reached. */
  readonly up: boolean;
  /** Of clients, now. */
  readonly connections: number;
  /** Requests that came, by protocol (`sync/2`, ...), since the network started. */
  readonly requests: Readonly<Record<string, number>>;
  /** Transactions that came, since the network started. */
  readonly extrinsics: number;
  readonly faults: Faults;
}

export interface RpcStatus {
  readonly url: string;
  readonly up: boolean;
  readonly connections: number;
  /** Requests that came, by method, since the network started. */
  readonly requests: Readonly<Record<string, number>>;
  readonly faults: RpcFaults;
}

export interface DevnetStatus {
  readonly relay: Heights;
  readonly parachain: Heights;
  readonly finality: FinalityMode;
  /** Relay peers first. */
  readonly peers: readonly PeerStatus[];
  /** Only with `options.rpc`. */
  readonly rpc: RpcStatus | undefined;
  readonly link: Link;
  /** Of the process that serves the network. */
  readonly processId: number;
  readonly residentMemoryBytes: number;
}

/** A parachain block. */
export interface DevnetBlock {
  readonly number: number;
  readonly hash: Hex;
  /** SCALE-encoded. */
  readonly header: Hex;
  /** With their length prefix, as they are in the block and in its extrinsics root. Two inherents come first. */
  readonly extrinsics: readonly Hex[];
  readonly finalized: boolean;
}

export interface FoundExtrinsic {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly extrinsicIndex: number;
  readonly extrinsic: Hex;
  /** Whether its call succeeded; undefined for inherents. */
  readonly succeeded: boolean | undefined;
}

export type BlockName = Pick<DevnetBlock, 'number' | 'hash'>;

export interface Reorged {
  /** The parachain blocks that are no longer on the best chain, oldest first. */
  readonly retracted: readonly BlockName[];
  /** The parachain's new best block. */
  readonly best: BlockName;
}

export interface VoterChange {
  /** Of the set that votes once the block is final. */
  readonly setId: number;
  /** Of the relay block whose header schedules the change. */
  readonly relayBlockNumber: number;
}

export interface RuntimeUpgrade {
  readonly specVersion: number;
  /** Of the parachain block that stores the new code: the one after it is the first that executes it. */
  readonly blockNumber: number;
}

/**
 * Each method rejects with DevnetError `devnet.not_running` once the network has ended, and with `devnet.bad_input` when
 * it is asked for what cannot be.
 */
export interface Devnet {
  /** A chain specification file with the whole genesis and the addresses of the relay peers. */
  readonly relaySpecPath: string;
  /** A chain specification file with `stateRootHash` and the addresses of the parachain's peers. */
  readonly paraSpecPath: string;
  /** Of the parachain. */
  readonly genesisHash: Hex;
  /** Only with `options.rpc`. */
  readonly rpcUrl: string | undefined;
  /** Takes all peers and the RPC server off the network, or just one. Blocks go on. Connections are reset. */
  cut(target?: PeerTarget | 'rpc'): Promise<void>;
  /** Brings them back, at the same addresses. */
  restore(target?: PeerTarget | 'rpc'): Promise<void>;
  /** Makes a parachain block and a relay block that includes it; the one before becomes final. Returns its number. */
  step(): Promise<number>;
  status(): Promise<DevnetStatus>;
  /** From now on, of all peers or of some. Faults that are not named stay as they are. */
  setFaults(faults: Partial<Faults>, target?: PeerTarget): Promise<void>;
  /** From now on, of the RPC server. Faults that are not named stay as they are. */
  setRpcFaults(faults: Partial<RpcFaults>): Promise<void>;
  /** From now on, on open connections too. What is not named stays as it is; `OPEN_LINK` takes it all away. */
  setLink(link: Partial<Link>): Promise<void>;
  /** What clients and network have sent each other through the link since the start. */
  linkBytes(): Promise<LinkBytes>;
  /** Replaces the newest parachain blocks, of which none may be final, and the relay blocks that include them, by a longer fork. */
  reorg(options: ReorgOptions): Promise<Reorged>;
  /** While stalled, blocks are made and none becomes final. Once live, one commit makes everything final that is due. */
  setFinality(mode: FinalityMode): Promise<void>;
  /** Hands the relay chain's finality over to another set of GRANDPA voters. */
  changeVoters(): Promise<VoterChange>;
  /** Gives the parachain another runtime. */
  upgradeRuntime(options?: UpgradeOptions): Promise<RuntimeUpgrade>;
  /** Of the parachain, on its best chain. */
  block(number: number): Promise<DevnetBlock | undefined>;
  blockHash(number: number): Promise<Hex | undefined>;
  /** Every extrinsic of a final parachain block that contains these bytes. Asks the chain itself, no client. */
  findExtrinsics(bytes: Hex): Promise<readonly FoundExtrinsic[]>;
  /** Ends the network and its process. May be called twice. */
  stop(): Promise<void>;
}
