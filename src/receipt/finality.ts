import type { Hex } from '../chain/index.ts';

/** The block that a receipt says its anchor stands in. */
export interface AnchoredBlock {
  readonly genesisHash: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
}

export interface FinalityAnswer {
  /** Genesis hash of the chain that was asked. */
  readonly genesisHash: Hex;
  readonly verdict: 'final' | 'not-final-yet' | 'not-canonical' | 'unknown';
  /** Who was asked, for people: `light client`, a node's URL. */
  readonly askedOf: string;
  readonly by: 'node' | 'light client';
  /** The newest final block that it knew of. */
  readonly finalizedNumber: number;
}

/** What came of asking: an answer, or why there is none. */
export type FinalityInquiry = FinalityAnswer | { readonly unanswered: string };

/** Somebody who follows the chain: a light client, or a node that has to be trusted for its answer. */
export interface BlockFinality {
  /** Asks anew on every call; rejects with a `chain.*` StationError when nobody answers. */
  isFinal(block: AnchoredBlock): Promise<FinalityAnswer>;
}
