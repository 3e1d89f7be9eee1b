import { type Bytes } from '../encoding/bytes.ts';

/** The lies that the peers can be told to tell, to see that a light client refuses them. The chains stay right. */
export interface Faults {
  /** GRANDPA commits and justifications carry a signature that is wrong. */
  grandpaSignatures: boolean;
  /** Proofs of storage and of calls have a wrong byte. */
  storageProofs: boolean;
  /** Headers, of the parachain as of the relay chain, are not sealed by the authority whose slot it is. */
  auraSeals: boolean;
}

export function noFaults(): Faults {
  return { grandpaSignatures: false, storageProofs: false, auraSeals: false };
}

/** The same bytes but for one bit, `fromEnd` bytes before the end. */
export function flipBit(bytes: Bytes, fromEnd = 1): Bytes {
  const flipped = bytes.slice();
  const at = flipped.length - fromEnd;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}
