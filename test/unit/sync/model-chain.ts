// A chain reduced to what decides the fate of an extrinsic: nonces, eras, forks and finality. The network is as unkind as it
// may be: whatever was handed over once can turn up in any later block, as long as the chain's own rules allow it.
import type { BlockRef, Hex } from '../../../src/chain/index.ts';

export interface ModelExtrinsic {
  readonly bytes: Hex;
  /** Which account pays; its nonces are its own. */
  readonly account: number;
  readonly nonce: number;
  /** Null: immortal. Its hash is signed, so that it is valid on this chain only. */
  readonly birth: BlockRef | null;
  readonly deathNumber: number;
  /** Of the runtime that it was signed for; null: any. */
  readonly specVersion: number | null;
}

interface ModelBlock {
  readonly ref: BlockRef;
  readonly extrinsics: readonly ModelExtrinsic[];
}

let serials = 0;
const freshHash = (): Hex => `0x${(++serials).toString(16).padStart(64, '0')}`;

export class ModelChain {
  readonly #pool: ModelExtrinsic[] = [];
  readonly #blocks: ModelBlock[] = [{ ref: { number: 0, hash: freshHash() }, extrinsics: [] }];
  #finalizedNumber = 0;
  /** Of the block that is made next. */
  specVersion = 1;
  /** Accounts that cannot pay get nothing into a block. */
  canPay = true;

  get finalized(): BlockRef {
    return (this.#blocks[this.#finalizedNumber] as ModelBlock).ref;
  }

  /** A finalized block of the past; the newest one unless said otherwise. */
  finalizedAt(number = this.#finalizedNumber): BlockRef {
    return (this.#blocks[Math.max(0, Math.min(number, this.#finalizedNumber))] as ModelBlock).ref;
  }

  nonceAt(account: number, { number }: Pick<BlockRef, 'number'>): number {
    return this.#nonceOf(account, this.#blocks.slice(0, number + 1));
  }

  bestNonce(account: number): number {
    return this.#nonceOf(account, this.#blocks);
  }

  get best(): BlockRef {
    return (this.#blocks.at(-1) as ModelBlock).ref;
  }

  gossip(extrinsic: ModelExtrinsic): void {
    if (!this.#pool.some(({ bytes }) => bytes === extrinsic.bytes)) this.#pool.push(extrinsic);
  }

  /** A block with those of the pool that `wanted` picks and the rules allow; the pool's order decides between equal nonces. */
  mine(wanted: (index: number) => boolean): BlockRef {
    const number = this.#blocks.length;
    const extrinsics: ModelExtrinsic[] = [];
    const used = new Map<number, number>();
    for (const [index, extrinsic] of this.#pool.entries()) {
      const { account } = extrinsic;
      const nonce = used.get(account) ?? this.bestNonce(account);
      if (!wanted(index) || !this.canPay || extrinsic.nonce !== nonce || !this.#isValid(extrinsic, number))
        continue;
      extrinsics.push(extrinsic);
      used.set(account, nonce + 1);
    }
    const ref = { number, hash: freshHash() };
    this.#blocks.push({ ref, extrinsics });
    return ref;
  }

  #isValid({ birth, deathNumber, specVersion }: ModelExtrinsic, number: number): boolean {
    if (specVersion !== null && specVersion !== this.specVersion) return false;
    if (birth === null) return true;
    return (
      birth.number < number && number < deathNumber && this.#blocks[birth.number]?.ref.hash === birth.hash
    );
  }

  finalize(count: number): void {
    this.#finalizedNumber = Math.min(this.#finalizedNumber + count, this.#blocks.length - 1);
  }

  /** Another fork wins: the newest unfinalized blocks are gone. */
  reorganize(count: number): void {
    this.#blocks.length = Math.max(this.#blocks.length - count, this.#finalizedNumber + 1);
  }

  /** The block of the best chain that holds it. */
  holding(bytes: Hex): BlockRef | undefined {
    return this.#blocks.find(({ extrinsics }) => extrinsics.some((x) => x.bytes === bytes))?.ref;
  }

  /**
   * The finalized block up to `upTo` that holds it, as long as it is at most `reach` blocks below the finalized one. Who asks
   * for blocks that there are not gets no answer.
   */
  locate(bytes: Hex, upTo: BlockRef, reach: number): BlockRef | 'absent' | 'out-of-reach' | 'no answer' {
    if (upTo.number > this.#finalizedNumber || this.#blocks[upTo.number]?.ref.hash !== upTo.hash)
      return 'no answer';
    const found = this.#blocks
      .slice(0, upTo.number + 1)
      .find(({ extrinsics }) => extrinsics.some((x) => x.bytes === bytes));
    if (found === undefined) return 'absent';
    return this.#finalizedNumber - found.ref.number > reach ? 'out-of-reach' : found.ref;
  }

  /** How often each extrinsic is in the finalized chain. */
  finalizedInclusions(): ReadonlyMap<Hex, number> {
    const counts = new Map<Hex, number>();
    for (const { extrinsics } of this.#blocks.slice(0, this.#finalizedNumber + 1)) {
      for (const { bytes } of extrinsics) counts.set(bytes, (counts.get(bytes) ?? 0) + 1);
    }
    return counts;
  }

  #nonceOf(account: number, blocks: readonly ModelBlock[]): number {
    return blocks.reduce(
      (sum, { extrinsics }) => sum + extrinsics.filter((x) => x.account === account).length,
      0,
    );
  }
}
