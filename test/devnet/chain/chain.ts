// What the relay chain and the parachain have in common: blocks, their states, Aura seals, and who is told of them.
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { get, type State } from '../storage/state.ts';
import { AURA_AUTHORITIES } from '../storage/storage-keys.ts';
import { type StateVersion } from '../storage/trie-node.ts';
import { EMPTY_TRIE_ROOT, Trie } from '../storage/trie.ts';
import { auraSeal, type Block, encodeHeader, hashHeader } from './block.ts';
import { type ChainSpec, type RawChainSpec, stateOfGenesis } from './chain-spec.ts';
import { pairOfAuthority } from './dev-keys.ts';

/** Blocks whose state is kept besides genesis: what a node keeps that is no archive. */
const STATES_KEPT = 256;

/** Called with each new block, and the block that became final with it. Must not throw. */
export type BlockListener = (best: Block, finalized: Block | undefined) => void;

export interface Unsealed {
  readonly state: State;
  readonly slot: number;
  readonly body: readonly Bytes[];
  readonly extrinsicsRoot: Bytes;
  /** Encoded digest items; the first claims the slot (`auraPreRuntime`). */
  readonly digest: readonly Bytes[];
}

interface Snapshot {
  readonly state: State;
  readonly trie: Trie;
}

export class Chain {
  readonly spec: RawChainSpec;
  readonly stateVersion: StateVersion;
  readonly genesis: Block;
  readonly #blocks: Block[] = [];
  readonly #byHash = new Map<string, Block>();
  readonly #snapshots = new Map<Block, Snapshot>();
  readonly #listeners = new Set<BlockListener>();
  readonly #authorities: readonly KeyringPair[];
  #finalized: Block;

  /** The genesis block is made of the specification and stands in `slot`. */
  constructor(spec: RawChainSpec, stateVersion: StateVersion, slot: number) {
    this.spec = spec;
    this.stateVersion = stateVersion;
    const state = stateOfGenesis(spec.genesis);
    const trie = new Trie(state, stateVersion);
    const header = encodeHeader({
      parentHash: new Uint8Array(32),
      number: 0,
      stateRoot: trie.root,
      extrinsicsRoot: EMPTY_TRIE_ROOT,
      digest: [],
    });
    this.genesis = { number: 0, hash: hashHeader(header), header, body: [], slot };
    this.#finalized = this.genesis;
    this.#add(this.genesis, { state, trie });
    this.#authorities = readAuthorities(state).map(pairOfAuthority);
  }

  /** For clients. The genesis storage is left out when its root will do: that is quicker to load, but relay chains need it. */
  specForClients(bootNodes: readonly string[], genesis: 'storage' | 'root'): ChainSpec {
    if (genesis === 'storage') return { ...this.spec, bootNodes };
    return { ...this.spec, bootNodes, genesis: { stateRootHash: toHex(this.trieAt(this.genesis).root) } };
  }

  get best(): Block {
    return this.#blocks.at(-1) ?? this.genesis;
  }

  get finalized(): Block {
    return this.#finalized;
  }

  blockByHash(hash: Bytes): Block | undefined {
    return this.#byHash.get(toHex(hash));
  }

  blockByNumber(number: number): Block | undefined {
    return this.#blocks[number];
  }

  /** @throws DevnetError `devnet.state_pruned` */
  stateAt(block: Block): State {
    return this.#snapshotOf(block).state;
  }

  /** @throws DevnetError `devnet.state_pruned` */
  trieAt(block: Block): Trie {
    return this.#snapshotOf(block).trie;
  }

  /** Seals a block on top of the best one with the key of the authority whose slot it is, and adds it. */
  seal({ state, slot, body, extrinsicsRoot, digest }: Unsealed): Block {
    const trie = new Trie(state, this.stateVersion);
    const unsealed = {
      parentHash: this.best.hash,
      number: this.best.number + 1,
      stateRoot: trie.root,
      extrinsicsRoot,
      digest,
    };
    const author = this.#authorities[slot % this.#authorities.length];
    if (author === undefined) throw new DevnetError('devnet.unsupported', 'no Aura authorities');
    const seal = auraSeal(author.sign(hashHeader(encodeHeader(unsealed))));
    const header = encodeHeader({ ...unsealed, digest: [...digest, seal] });
    const block = { number: unsealed.number, hash: hashHeader(header), header, body, slot };
    this.#add(block, { state, trie });
    return block;
  }

  finalize(block: Block): void {
    this.#finalized = block;
  }

  /** Returns what ends the subscription. */
  onBlock(listener: BlockListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the listeners of the best block, once it may be known. */
  announce(finalized: Block | undefined): void {
    for (const listener of this.#listeners) listener(this.best, finalized);
  }

  #snapshotOf(block: Block): Snapshot {
    const snapshot = this.#snapshots.get(block);
    if (snapshot === undefined) {
      throw new DevnetError('devnet.state_pruned', `the state of block ${block.number} is not kept`);
    }
    return snapshot;
  }

  #add(block: Block, snapshot: Snapshot): void {
    this.#blocks.push(block);
    this.#byHash.set(toHex(block.hash), block);
    this.#snapshots.set(block, snapshot);
    const old = this.#blocks[block.number - STATES_KEPT];
    if (old !== undefined && old !== this.genesis) this.#snapshots.delete(old);
  }
}

function readAuthorities(state: State): Bytes[] {
  const reader = new ScaleReader(get(state, AURA_AUTHORITIES) ?? Uint8Array.of(0));
  return Array.from({ length: reader.length() }, () => reader.take(32));
}
