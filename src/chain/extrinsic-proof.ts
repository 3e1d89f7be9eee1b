// That an extrinsic stands in a block: a Merkle proof under the header's extrinsics root, which Substrate calculates
// as the ordered trie root over all extrinsics of the block (frame_system, `extrinsics_data_root`). No light client and
// no node offers such a proof ready-made: whoever has the block's body makes it.
import { ProofError } from './proof-error.ts';
import { equalBytes, ScaleInputError } from './scale.ts';
import {
  blake2b256,
  buildOrderedTrie,
  decodeNode,
  HASH_LENGTH,
  orderedKey,
  type TrieLayout,
  type TrieValue,
} from './substrate-trie.ts';

/** Runtimes with a system version of 2 use layout V1 for extrinsics, all before it V0. */
const LAYOUTS: readonly TrieLayout[] = ['V0', 'V1'];
/** The compact form of a u32 index has at most ten nibbles, so a path has at most eleven nodes. */
const MAX_PROOF_NODES = 11;
/** Above any block length in use (5 MiB); bounds what a hostile receipt can make us hash. */
const MAX_NODE_BYTES = 6 * 2 ** 20;
const MAX_INDEX = 2 ** 32 - 1;

export type ProofVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

/**
 * Proves the extrinsic at `index`. `extrinsics` are all of the block's body, in order, each with its length prefix (as
 * `chain_getBlock` gives them). The proof is the list of trie nodes from the root down to the leaf.
 * @throws ProofError `chain.extrinsics_root_mismatch` when these are not the extrinsics under that root;
 *   `chain.extrinsic_missing` when there is none at `index`.
 */
export function buildExtrinsicProof(
  extrinsics: readonly Uint8Array[],
  index: number,
  extrinsicsRoot: Uint8Array,
): Uint8Array[] {
  if (extrinsics[index] === undefined) {
    throw new ProofError('chain.extrinsic_missing', `the block has no extrinsic ${index}`, {
      index,
      extrinsics: extrinsics.length,
    });
  }
  for (const layout of LAYOUTS) {
    const trie = buildOrderedTrie(extrinsics, layout);
    if (equalBytes(trie.root, extrinsicsRoot)) return trie.pathTo(index);
  }
  throw new ProofError(
    'chain.extrinsics_root_mismatch',
    "the body does not belong to the header's extrinsics root",
    {
      extrinsics: extrinsics.length,
    },
  );
}

/**
 * Whether `extrinsic` (with its length prefix) stands at `index` under `extrinsicsRoot`. Total: any input gives a
 * verdict. Strict: exactly the nodes of the path, in order; one missing, doubled or left over is refused.
 */
export function verifyExtrinsicProof(
  extrinsicsRoot: Uint8Array,
  index: number,
  extrinsic: Uint8Array,
  proof: readonly Uint8Array[],
): ProofVerdict {
  const why = whyNotProved(extrinsicsRoot, index, extrinsic, proof);
  return why === undefined ? { ok: true } : { ok: false, why };
}

function whyNotProved(
  extrinsicsRoot: Uint8Array,
  index: number,
  extrinsic: Uint8Array,
  proof: readonly Uint8Array[],
): string | undefined {
  if (extrinsicsRoot.length !== HASH_LENGTH) return 'the extrinsics root is not 32 bytes';
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) return 'the index is not a u32';
  if (proof.length > MAX_PROOF_NODES) return `more than ${MAX_PROOF_NODES} nodes`;
  if (proof.some((node) => node.length > MAX_NODE_BYTES)) return 'a node is too large';
  try {
    const found = valueAt(extrinsicsRoot, orderedKey(index), proof);
    if (typeof found === 'string') return found;
    const same =
      found.kind === 'inline'
        ? equalBytes(found.bytes, extrinsic)
        : equalBytes(found.hash, blake2b256(extrinsic));
    return same ? undefined : `another extrinsic stands at index ${index}`;
  } catch (error) {
    if (error instanceof ScaleInputError) return `not a trie node: ${error.message}`;
    throw error;
  }
}

/** Walks down from the root along `key`, taking a node of the proof wherever a parent refers to a child by hash. */
function valueAt(root: Uint8Array, key: readonly number[], proof: readonly Uint8Array[]): TrieValue | string {
  let reference = root;
  let used = 0;
  for (let depth = 0; ;) {
    let encoded = reference;
    if (reference.length === HASH_LENGTH) {
      const node = proof[used++];
      if (node === undefined) return 'a node is missing';
      if (!equalBytes(blake2b256(node), reference))
        return `node ${used - 1} has another hash than its parent says`;
      // A shorter one would stand in its parent; only the root is hashed whatever its length.
      if (used > 1 && node.length < HASH_LENGTH) return `node ${used - 1} is too short to be hashed`;
      encoded = node;
    }
    const node = decodeNode(encoded);
    if (node.partialKey.some((nibble, i) => nibble !== key[depth + i]))
      return 'the path leads to another index';
    depth += node.partialKey.length;
    if (depth === key.length) {
      if (used !== proof.length) return `${proof.length - used} nodes are not on the path`;
      return node.value ?? 'no extrinsic stands at this index';
    }
    const child = node.children.get(key[depth]!);
    if (child === undefined) return 'no extrinsic stands at this index';
    reference = child;
    depth++;
  }
}
