// What the network looks like to those who use it: plain data only, as it crosses a process boundary.
import { type Hex } from './encoding/bytes.ts';
import { type Endowment } from './parachain/genesis.ts';
import { type Faults } from './peer/faults.ts';
import { type PeerStatus } from './peer/peer.ts';

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
  /** A WebSocket JSON-RPC server besides, on any port or on this one. */
  readonly rpc?: boolean | { readonly port: number };
  /** Remarks about peers and refused extrinsics. */
  readonly log?: (line: string) => void;
}

export interface Heights {
  readonly best: number;
  readonly finalized: number;
}

export interface DevnetStatus {
  readonly relay: Heights;
  readonly parachain: Heights;
  /** Undefined while cut. */
  readonly peers: { readonly relay: PeerStatus; readonly parachain: PeerStatus } | undefined;
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

/** Each method rejects with DevnetError `devnet.not_running` once the network has ended. */
export interface Devnet {
  /** A chain specification file with the whole genesis and the relay peer's address. */
  readonly relaySpecPath: string;
  /** A chain specification file with `stateRootHash` and the parachain peer's address. */
  readonly paraSpecPath: string;
  /** Of the parachain. */
  readonly genesisHash: Hex;
  /** Only with `options.rpc`. */
  readonly rpcUrl: string | undefined;
  /** Takes all peers, and the RPC server, off the network. Blocks go on. */
  cut(): Promise<void>;
  /** Brings them back, at the same addresses. */
  restore(): Promise<void>;
  /** Makes a parachain block and a relay block that includes it; the one before becomes final. Returns its number. */
  step(): Promise<number>;
  status(): Promise<DevnetStatus>;
  /** Lies for the peers to tell from now on. Those that are not named stay as they are. */
  setFaults(faults: Partial<Faults>): Promise<void>;
  block(number: number): Promise<DevnetBlock | undefined>;
  blockHash(number: number): Promise<Hex | undefined>;
  /** Every extrinsic of a final parachain block that contains these bytes. Asks the chain itself, no client. */
  findExtrinsics(bytes: Hex): Promise<readonly FoundExtrinsic[]>;
  /** Ends the network and its process. May be called twice. */
  stop(): Promise<void>;
}
