// GRANDPA finality proofs, and the hand-over from one set of voters to the next (Polkadot specification, "Finality").
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Block } from '../chain/block.ts';
import { type Bytes, concat, utf8 } from '../encoding/bytes.ts';
import { encodeBytes, encodeCompact, encodeUint, encodeVec } from '../encoding/scale.ts';

export interface FinalityProof {
  readonly block: Block;
  readonly round: bigint;
  readonly setId: bigint;
  /** What warp sync and block responses carry: self-contained (`GrandpaJustification`). */
  readonly justification: Bytes;
  /** What is gossiped: round, set id, `CompactCommit`. */
  readonly commit: Bytes;
}

const PRECOMMIT = 1;
const WEIGHT = 1;

export class GrandpaVoters {
  /** ed25519 pairs, the voters of the present set. */
  #pairs: readonly KeyringPair[];
  #setId = 0n;
  #round = 0n;

  constructor(pairs: readonly KeyringPair[]) {
    this.#pairs = pairs;
  }

  get setId(): bigint {
    return this.#setId;
  }

  /** The round of the present set that ended last. */
  get round(): bigint {
    return this.#round;
  }

  /** A round in which as many voters precommit to `block` as must: more than two thirds. */
  finalize(block: Block): FinalityProof {
    this.#round += 1n;
    const round = encodeUint(this.#round, 8);
    const setId = encodeUint(this.#setId, 8);
    const target = concat(block.hash, encodeUint(block.number, 4));
    const signed = concat(Uint8Array.of(PRECOMMIT), target, round, setId);
    const enough = this.#pairs.slice(0, thresholdOf(this.#pairs.length));
    const votes = enough.map((pair) => ({ voter: pair.publicKey, signature: pair.sign(signed) }));
    const noAncestries = encodeCompact(0);
    return {
      block,
      round: this.#round,
      setId: this.#setId,
      justification: concat(
        round,
        target,
        encodeVec(votes.map(({ voter, signature }) => concat(target, signature, voter))),
        noAncestries,
      ),
      commit: concat(
        round,
        setId,
        target,
        encodeVec(votes.map(() => target)),
        encodeVec(votes.map(({ voter, signature }) => concat(signature, voter))),
      ),
    };
  }

  /** The next set begins, with round 1. */
  handOver(pairs: readonly KeyringPair[]): void {
    this.#pairs = pairs;
    this.#setId += 1n;
    this.#round = 0n;
  }
}

/** Voters, of equal weight, that are a supermajority: `n - (n - 1) / 3`, rounded down (finality-grandpa, `threshold`). */
export function thresholdOf(voters: number): number {
  return voters - Math.floor((voters - 1) / 3);
}

/** `AuthorityList`: as the runtime stores it, and as digests carry it. */
export function encodeAuthorityList(pairs: readonly KeyringPair[]): Bytes {
  return encodeVec(pairs.map(({ publicKey }) => concat(publicKey, encodeUint(WEIGHT, 8))));
}

const CONSENSUS = 4;
const SCHEDULED_CHANGE = 1;
const NO_DELAY = encodeUint(0, 4);

/**
 * Digest item `Consensus("FRNK", ScheduledChange { next_authorities, delay: 0 })`: the block that carries it is the last
 * one that the present voters finalize. Runtimes schedule without delay, and warp sync proofs rely on it.
 */
export function scheduledChange(next: readonly KeyringPair[]): Bytes {
  const log = concat(Uint8Array.of(SCHEDULED_CHANGE), encodeAuthorityList(next), NO_DELAY);
  return concat(Uint8Array.of(CONSENSUS), utf8('FRNK'), encodeBytes(log));
}
