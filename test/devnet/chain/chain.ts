// What the relay chain and the parachain have in common: blocks, their states, Aura seals, and who is told of them.
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Bytes, fromHex, toHex } from '../encoding/bytes.ts';
import { ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { get, type State } from '../storage/state.ts';
import { AURA_AUTHORITIES } from '../storage/storage-keys.ts';
import { type StateVersion } from '../storage/trie-node.ts';
import { EMPTY_TRIE_ROOT, Trie } from '../storage/trie.ts';
import { auraSeal, type Block, encodeHeader, hashHeader } from './block.ts';
import { type ChainSpec, type RawChainSpec, stateOfGenesis } from './chain-spec.ts';
import { pairOfAuthority } from './dev-keys.ts';
import { type Reads, type RuntimeCall, runCalls } from './runtime.ts';

/** Final blocks whose state is kept besides genesis: what a node keeps that is no archive. Pruning waits for finality. */
const STATES_KEPT = 256;

/** Proofs of calls that are kept: several clients ask the same of one block. */
const CALL_PROOFS_KEPT = 64;

export type ChainEvent =
  | { readonly kind: 'block'; readonly block: Block; readonly isBest: boolean }
  | { readonly kind: 'finalized'; readonly block: Block };

/** Must not throw. */
export type ChainListener = (event: ChainEvent) => void;

export interface Unsealed {
  readonly parent: Block;
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
  /** From genesis to the best block. */
  readonly #bestChain: Block[] = [];
  readonly #byHash = new Map<string, Block>();
  readonly #snapshots = new Map<Block, Snapshot>();
  readonly #callProofs = new Map<string, Promise<Bytes>>();
  readonly #listeners = new Set<ChainListener>();
  readonly #authorities: readonly KeyringPair[];
  #finalized: Block;
  #lastSlot: number;

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
    this.genesis = { parent: undefined, number: 0, hash: hashHeader(header), header, body: [], slot };
    this.#lastSlot = slot;
    this.#finalized = this.genesis;
    this.#add(this.genesis, { state, trie });
    this.#authorities = readAuthorities(state).map(pairOfAuthority);
  }

  /** For clients. The genesis storage is left out when its root will do: that is quicker to load, but relay chains need it. */
  specForClients(bootNodes: readonly string[], genesis: 'storage' | 'root'): ChainSpec {
    if (genesis === 'storage') return { ...this.spec, bootNodes };
    return { ...this.spec, bootNodes, genesis: { stateRootHash: toHex(this.trieAt(this.genesis).root) } };
  }

  /** The end of the longest chain; of several, the one that was first. */
  get best(): Block {
    return this.#bestChain.at(-1) ?? this.genesis;
  }

  get finalized(): Block {
    return this.#finalized;
  }

  /** The last slot that any block stands in, on whatever fork: no author seals two blocks in one slot. */
  get lastSlot(): number {
    return this.#lastSlot;
  }

  blockByHash(hash: Bytes): Block | undefined {
    return this.#byHash.get(toHex(hash));
  }

  /** On the best chain. */
  blockByNumber(number: number): Block | undefined {
    return this.#bestChain[number];
  }

  isBestChain(block: Block): boolean {
    return this.#bestChain[block.number] === block;
  }

  /** @throws DevnetError `devnet.state_pruned` */
  stateAt(block: Block): State {
    return this.#snapshotOf(block).state;
  }

  /** @throws DevnetError `devnet.state_pruned` */
  trieAt(block: Block): Trie {
    return this.#snapshotOf(block).trie;
  }

  /**
   * Executes a call of the runtime on the state of a block, and proves what it read: as `execution_proof` of sc-client-api,
   * without the code, which clients have.
   * @throws DevnetError `devnet.state_pruned` or `devnet.runtime_failed`
   */
  proofOfCall(block: Block, call: RuntimeCall): Promise<Bytes> {
    const key = [block.hash, call.argument].map(toHex).join() + call.method;
    const known = this.#callProofs.get(key);
    if (known !== undefined) return known;
    const proof = this.#proveCall(block, call);
    this.#callProofs.set(key, proof);
    const [oldest] = this.#callProofs.keys();
    if (this.#callProofs.size > CALL_PROOFS_KEPT && oldest !== undefined) this.#callProofs.delete(oldest);
    return proof;
  }

  async #proveCall(block: Block, call: RuntimeCall): Promise<Bytes> {
    const { state, trie } = this.#snapshotOf(block);
    const reads: Reads = { keys: new Set() };
    await runCalls(state, [call], reads);
    return trie.proofOfKeys([...reads.keys].map(fromHex));
  }

  /** Seals a block on top of its parent with the key of the authority whose slot it is, and adds it. */
  seal({ parent, state, slot, body, extrinsicsRoot, digest }: Unsealed): Block {
    const trie = new Trie(state, this.stateVersion);
    const number = parent.number + 1;
    const unsealed = { parentHash: parent.hash, number, stateRoot: trie.root, extrinsicsRoot, digest };
    const author = this.#authorities[slot % this.#authorities.length];
    if (author === undefined) throw new DevnetError('devnet.unsupported', 'no Aura authorities');
    const seal = auraSeal(author.sign(hashHeader(encodeHeader(unsealed))));
    const header = encodeHeader({ ...unsealed, digest: [...digest, seal] });
    const block = { parent, number, hash: hashHeader(header), header, body, slot };
    this.#add(block, { state, trie });
    return block;
  }

  /**
   * Makes a block of the best chain final, and all before it.
   * @throws DevnetError `devnet.bad_input` when it is on another fork, or before the last final one
   */
  finalize(block: Block): void {
    if (!this.isBestChain(block) || block.number < this.#finalized.number) {
      throw new DevnetError('devnet.bad_input', `block ${block.number} cannot become final`);
    }
    this.#finalized = block;
    for (const old of this.#snapshots.keys()) {
      const displaced = old.number <= block.number && !this.isBestChain(old);
      const tooOld = old.number < block.number - STATES_KEPT && old !== this.genesis;
      if (displaced || tooOld) this.#snapshots.delete(old);
    }
  }

  /** Returns what ends the subscription. */
  listen(listener: ChainListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the listeners of a block, once it may be known. */
  announce(block: Block): void {
    this.#tell({ kind: 'block', block, isBest: block === this.best });
  }

  /** Tells the listeners of a block that has become final. */
  announceFinalized(block: Block): void {
    this.#tell({ kind: 'finalized', block });
  }

  #tell(event: ChainEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #snapshotOf(block: Block): Snapshot {
    const snapshot = this.#snapshots.get(block);
    if (snapshot === undefined) {
      throw new DevnetError('devnet.state_pruned', `the state of block ${block.number} is not kept`);
    }
    return snapshot;
  }

  #add(block: Block, snapshot: Snapshot): void {
    this.#byHash.set(toHex(block.hash), block);
    this.#snapshots.set(block, snapshot);
    this.#lastSlot = Math.max(this.#lastSlot, block.slot);
    if (block.number < this.#bestChain.length) return;
    for (
      let at: Block | undefined = block;
      at !== undefined && this.#bestChain[at.number] !== at;
      at = at.parent
    ) {
      this.#bestChain[at.number] = at;
    }
  }
}

function readAuthorities(state: State): Bytes[] {
  const reader = new ScaleReader(get(state, AURA_AUTHORITIES) ?? Uint8Array.of(0));
  return Array.from({ length: reader.length() }, () => reader.take(32));
}
