// Block header of a Substrate chain that hashes with blake2b-256 (Polkadot specification, definition 10 "Block header").
import { ProofError } from './proof-error.ts';
import { ScaleInputError, ScaleReader } from './scale.ts';
import { blake2b256 } from './substrate-trie.ts';

export interface BlockHeader {
  readonly parentHash: Uint8Array;
  readonly number: number;
  readonly stateRoot: Uint8Array;
  readonly extrinsicsRoot: Uint8Array;
  /** blake2b-256 over the header's bytes: the block's hash. */
  readonly hash: Uint8Array;
}

/** Digest items that carry an engine id (4 bytes) before their bytes: consensus, seal, pre-runtime. */
const ENGINE_ITEMS = [4, 5, 6];
const OTHER_ITEM = 0;
const RUNTIME_UPDATED_ITEM = 8;

/**
 * Reads a SCALE-encoded header, digest included, to its last byte.
 * @throws ProofError `chain.header_malformed`.
 */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  try {
    const reader = new ScaleReader(bytes);
    const parentHash = reader.take(32);
    const number = reader.compact();
    const stateRoot = reader.take(32);
    const extrinsicsRoot = reader.take(32);
    for (let items = reader.compact(); items > 0; items--) skipDigestItem(reader);
    reader.end();
    return { parentHash, number, stateRoot, extrinsicsRoot, hash: blake2b256(bytes) };
  } catch (error) {
    if (!(error instanceof ScaleInputError)) throw error;
    throw new ProofError('chain.header_malformed', `not a block header: ${error.message}`);
  }
}

function skipDigestItem(reader: ScaleReader): void {
  const kind = reader.byte();
  if (kind === RUNTIME_UPDATED_ITEM) return;
  if (ENGINE_ITEMS.includes(kind)) reader.take(4);
  else if (kind !== OTHER_ITEM) throw new ScaleInputError(`unknown digest item ${kind}`);
  reader.bytes();
}
