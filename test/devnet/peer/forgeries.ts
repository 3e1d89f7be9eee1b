// What a peer shows instead of the truth. Everything here is well-formed: a client finds out only by checking.
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import { auraSeal, decodeHeader, encodeHeader, hashHeader } from '../chain/block.ts';
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeCompact, encodeVec, ScaleReader } from '../encoding/scale.ts';

/** The same bytes but for one bit, `fromEnd` bytes before the end. */
export function flipBit(bytes: Bytes, fromEnd = 1): Bytes {
  const flipped = bytes.slice();
  const at = flipped.length - fromEnd;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}

/** A pair of nobody in any authority or voter set of these chains. */
function stranger(type: 'sr25519' | 'ed25519', number = 0): KeyringPair {
  return new Keyring({ type }).addFromUri(`//Mallory//${number}`);
}

/** The same header over another state, sealed for the same slot by a key that is no authority. */
export function forgeHeader(header: Bytes): Bytes {
  const { digest, ...rest } = decodeHeader(header);
  const unsealed = { ...rest, stateRoot: flipBit(rest.stateRoot), digest: digest.slice(0, -1) };
  const seal = auraSeal(stranger('sr25519').sign(hashHeader(encodeHeader(unsealed))));
  return encodeHeader({ ...unsealed, digest: [...unsealed.digest, seal] });
}

const HASH_AND_NUMBER = 36;
const SIGNATURE = 64;
const VOTER = 32;
const PRECOMMIT = 1;

interface Vote {
  readonly target: Bytes;
  readonly signature: Bytes;
  readonly voter: Bytes;
}

/** `GrandpaJustification` of sp-consensus-grandpa. */
interface Justification {
  readonly round: Bytes;
  readonly target: Bytes;
  readonly votes: readonly Vote[];
  /** Encoded, with their number. */
  readonly ancestries: Bytes;
}

/** `FullCommitMessage` of sc-consensus-grandpa, with its `CompactCommit`. */
interface Commit {
  readonly round: Bytes;
  readonly setId: Bytes;
  readonly target: Bytes;
  readonly votes: readonly Vote[];
}

/** Another bit in the last signature. */
export function spoilJustification(justification: Bytes): Bytes {
  const decoded = decodeJustification(justification);
  return encodeJustification({ ...decoded, votes: spoilLast(decoded.votes) });
}

/** Another bit in the last signature. */
export function spoilCommit(commit: Bytes): Bytes {
  const decoded = decodeCommit(commit);
  return encodeCommit({ ...decoded, votes: spoilLast(decoded.votes) });
}

/** As many votes, rightly signed, by keys that are no voters. The set is that of the commit of the same round. */
export function foreignJustification(justification: Bytes, commit: Bytes): Bytes {
  const decoded = decodeJustification(justification);
  const { setId } = decodeCommit(commit);
  return encodeJustification({ ...decoded, votes: foreignVotes({ ...decoded, setId }) });
}

/** As many votes, rightly signed, by keys that are no voters. */
export function foreignCommit(commit: Bytes): Bytes {
  const decoded = decodeCommit(commit);
  return encodeCommit({ ...decoded, votes: foreignVotes(decoded) });
}

function spoilLast(votes: readonly Vote[]): Vote[] {
  return votes.map((vote, index) =>
    index === votes.length - 1 ? { ...vote, signature: flipBit(vote.signature) } : vote,
  );
}

function foreignVotes({ round, setId, votes }: Omit<Commit, 'target'>): Vote[] {
  return votes.map(({ target }, index) => {
    const pair = stranger('ed25519', index);
    const signature = pair.sign(concat(Uint8Array.of(PRECOMMIT), target, round, setId));
    return { target, signature, voter: pair.publicKey };
  });
}

function decodeJustification(justification: Bytes): Justification {
  const reader = new ScaleReader(justification);
  const round = reader.take(8);
  const target = reader.take(HASH_AND_NUMBER);
  const votes = Array.from({ length: reader.length() }, () => ({
    target: reader.take(HASH_AND_NUMBER),
    signature: reader.take(SIGNATURE),
    voter: reader.take(VOTER),
  }));
  return { round, target, votes, ancestries: reader.rest() };
}

function encodeJustification({ round, target, votes, ancestries }: Justification): Bytes {
  const encoded = votes.map((vote) => concat(vote.target, vote.signature, vote.voter));
  return concat(round, target, encodeVec(encoded), ancestries);
}

function decodeCommit(commit: Bytes): Commit {
  const reader = new ScaleReader(commit);
  const round = reader.take(8);
  const setId = reader.take(8);
  const target = reader.take(HASH_AND_NUMBER);
  const targets = Array.from({ length: reader.length() }, () => reader.take(HASH_AND_NUMBER));
  reader.length();
  const votes = targets.map((voted) => ({
    target: voted,
    signature: reader.take(SIGNATURE),
    voter: reader.take(VOTER),
  }));
  return { round, setId, target, votes };
}

function encodeCommit({ round, setId, target, votes }: Commit): Bytes {
  return concat(
    round,
    setId,
    target,
    encodeVec(votes.map((vote) => vote.target)),
    encodeCompact(votes.length),
    ...votes.map(({ signature, voter }) => concat(signature, voter)),
  );
}
