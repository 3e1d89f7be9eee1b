// A chain reduced to what decides the fate of an extrinsic: nonces, eras, forks and finality. The network is as unkind as it
// may be: whatever was handed over once can turn up in any later block, as long as the chain's own rules allow it.
import type { BlockRef, Hex } from '../../../src/chain/index.ts';

export interface ModelExtrinsic {
  readonly bytes: Hex;
  readonly nonce: number;
  readonly birthNumber: number;
  readonly deathNumber: number;
}

interface ModelBlock {
  readonly ref: BlockRef;
  readonly extrinsics: readonly ModelExtrinsic[];
}

const hashOf = (serial: number): Hex => `0x${serial.toString(16).padStart(64, '0')}`;

export class ModelChain {
  readonly #pool: ModelExtrinsic[] = [];
  readonly #blocks: ModelBlock[] = [{ ref: { number: 0, hash: hashOf(0) }, extrinsics: [] }];
  #finalizedNumber = 0;
  #serial = 1;

  get finalized(): BlockRef {
    return (this.#blocks[this.#finalizedNumber] as ModelBlock).ref;
  }

  get finalizedNonce(): number {
    return this.#nonceOf(this.#blocks.slice(0, this.#finalizedNumber + 1));
  }

  get bestNonce(): number {
    return this.#nonceOf(this.#blocks);
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
    let nonce = this.bestNonce;
    for (const [index, extrinsic] of this.#pool.entries()) {
      const inEra = extrinsic.birthNumber < number && number < extrinsic.deathNumber;
      if (!wanted(index) || !inEra || extrinsic.nonce !== nonce) continue;
      extrinsics.push(extrinsic);
      nonce++;
    }
    const ref = { number, hash: hashOf(this.#serial++) };
    this.#blocks.push({ ref, extrinsics });
    return ref;
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

  /** The finalized block up to `upTo` that holds it, as long as it is at most `reach` blocks below the finalized one. */
  locate(bytes: Hex, upTo: number, reach: number): BlockRef | 'absent' | 'out-of-reach' {
    const found = this.#blocks
      .slice(0, upTo + 1)
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

  #nonceOf(blocks: readonly ModelBlock[]): number {
    return blocks.reduce((sum, { extrinsics }) => sum + extrinsics.length, 0);
  }
}
