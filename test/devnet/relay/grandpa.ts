// GRANDPA finality proofs with one voter set that never changes (Polkadot specification, "GRANDPA").
import type { KeyringPair } from '@polkadot/keyring/types';
import { type Block } from '../chain/block.ts';
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeCompact, encodeUint, encodeVec } from '../encoding/scale.ts';

export interface FinalityProof {
  /** What warp sync and block responses carry: self-contained. */
  readonly justification: Bytes;
  /** What is gossiped: round, set id, compact commit. */
  readonly commit: Bytes;
}

const PRECOMMIT = 1;

export class GrandpaVoters {
  readonly setId = 0n;
  readonly #pairs: readonly KeyringPair[];
  #round = 0n;

  /** ed25519 pairs. */
  constructor(pairs: readonly KeyringPair[]) {
    this.#pairs = pairs;
  }

  /** The round that ended last. */
  get round(): bigint {
    return this.#round;
  }

  /** A round in which every voter precommits to `block`. */
  finalize(block: Block): FinalityProof {
    this.#round += 1n;
    const round = encodeUint(this.#round, 8);
    const setId = encodeUint(this.setId, 8);
    const target = concat(block.hash, encodeUint(block.number, 4));
    const signed = concat(Uint8Array.of(PRECOMMIT), target, round, setId);
    const votes = this.#pairs.map((pair) => ({ voter: pair.publicKey, signature: pair.sign(signed) }));
    const noAncestries = encodeCompact(0);
    return {
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
}
