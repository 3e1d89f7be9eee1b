// The chain as one peer shows it, with the lies that it has been told to tell.
import { type Block, hashHeader } from '../chain/block.ts';
import { type Chain } from '../chain/chain.ts';
import { type RuntimeCall } from '../chain/runtime.ts';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { type FinalityProof, type GrandpaVoters } from '../relay/grandpa.ts';
import { type Trie } from '../storage/trie.ts';
import { type Faults, noFaults } from './faults.ts';
import {
  flipBit,
  foreignCommit,
  foreignJustification,
  forgeHeader,
  spoilCommit,
  spoilJustification,
} from './forgeries.ts';

/** A chain with finality of its own: the relay chain. */
export interface Finality {
  readonly grandpa: GrandpaVoters;
  readonly finalityProofOf: (block: Block) => FinalityProof | undefined;
  /** The final blocks that end a set of voters, oldest first. */
  readonly handOvers: readonly Block[];
}

interface Heads {
  readonly best: Block;
  readonly finalized: Block;
}

const HASH_BYTES = 32;

export class PeerView {
  readonly #chain: Chain;
  readonly #finality: Finality | undefined;
  readonly #faults: Faults = noFaults();
  /** Forged headers by the block that they stand for, and those blocks by the hash of the forged header. */
  readonly #forged = new WeakMap<Block, Bytes>();
  readonly #byForgedHash = new Map<string, Block>();
  /** What a stale peer knows. */
  #frozen: Heads | undefined;

  constructor(chain: Chain, finality: Finality | undefined) {
    this.#chain = chain;
    this.#finality = finality;
  }

  get faults(): Readonly<Faults> {
    return this.#faults;
  }

  setFaults(faults: Partial<Faults>): void {
    Object.assign(this.#faults, faults);
    const { best, finalized } = this.#chain;
    if (!this.#faults.stale) this.#frozen = undefined;
    else this.#frozen ??= { best, finalized };
  }

  get genesis(): Block {
    return this.#chain.genesis;
  }

  get best(): Block {
    return (this.#frozen ?? this.#chain).best;
  }

  get finalized(): Block {
    return (this.#frozen ?? this.#chain).finalized;
  }

  /** The final blocks that end a set of voters, oldest first. */
  get handOvers(): readonly Block[] {
    return (this.#finality?.handOvers ?? []).filter(({ number }) => number <= this.finalized.number);
  }

  blockByHash(hash: Bytes): Block | undefined {
    const block = this.#chain.blockByHash(hash) ?? this.#byForgedHash.get(toHex(hash));
    return block !== undefined && block.number <= this.best.number ? block : undefined;
  }

  /** On the best chain that the peer knows. */
  blockByNumber(number: number): Block | undefined {
    if (this.#frozen === undefined) return this.#chain.blockByNumber(number);
    let block: Block | undefined = this.#frozen.best;
    while (block !== undefined && block.number > number) block = this.parentOf(block);
    return block?.number === number ? block : undefined;
  }

  parentOf(block: Block): Block | undefined {
    return block.number === 0 ? undefined : this.#chain.blockByHash(block.header.subarray(0, HASH_BYTES));
  }

  /** The block whose content is told when this one is asked for. */
  contentOf(block: Block): Block {
    return this.#faults.otherBlocks ? (this.parentOf(block) ?? block) : block;
  }

  headerOf(block: Block): Bytes {
    if (block.number === 0) return block.header;
    if (this.#faults.forgedHeaders) return this.#forge(block);
    return this.#faults.auraSeals ? flipBit(block.header) : block.header;
  }

  bodyOf({ body }: Block): readonly Bytes[] {
    return this.#faults.incompleteBodies ? body.slice(0, -1) : body;
  }

  justificationOf(block: Block): Bytes | undefined {
    const proof = this.#finality?.finalityProofOf(block);
    if (proof === undefined) return undefined;
    if (this.#faults.foreignVoters) return foreignJustification(proof.justification, proof.commit);
    return this.#faults.grandpaSignatures ? spoilJustification(proof.justification) : proof.justification;
  }

  commitOf(block: Block): Bytes | undefined {
    const commit = this.#finality?.finalityProofOf(block)?.commit;
    if (commit === undefined) return undefined;
    if (this.#faults.foreignVoters) return foreignCommit(commit);
    return this.#faults.grandpaSignatures ? spoilCommit(commit) : commit;
  }

  /** @throws DevnetError `devnet.state_pruned` */
  trieAt(block: Block): Trie {
    return this.#chain.trieAt(block);
  }

  /** @throws DevnetError `devnet.state_pruned` or `devnet.runtime_failed` */
  proofOfCall(block: Block, call: RuntimeCall): Promise<Bytes> {
    return this.#chain.proofOfCall(block, call);
  }

  /** A proof of state as it is told. */
  present(proof: Bytes): Bytes {
    return this.#faults.storageProofs ? flipBit(proof) : proof;
  }

  #forge(block: Block): Bytes {
    const known = this.#forged.get(block);
    if (known !== undefined) return known;
    const header = forgeHeader(block.header);
    this.#forged.set(block, header);
    this.#byForgedHash.set(toHex(hashHeader(header)), block);
    return header;
  }
}
