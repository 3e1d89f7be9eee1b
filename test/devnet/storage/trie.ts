// The state trie, built anew from all of a small state, and the proofs that `/light/2` carries.
import { type Bytes, blake2b256, fromHex, toHex } from '../encoding/bytes.ts';
import { encodeBytes, encodeCompact, encodeVec } from '../encoding/scale.ts';
import { type State } from './state.ts';
import { isInlined, makeTrieNode, nibblesOf, type StateVersion, type TrieNode } from './trie-node.ts';

/** Root of a trie without any entry. */
export const EMPTY_TRIE_ROOT = blake2b256(Uint8Array.of(0));

/** The runtime's code is in each state: a leaf this big is made, and hashed, once. */
const REMEMBERED_ABOVE = 65_536;
const rememberedLeaves: Record<StateVersion, WeakMap<Bytes, TrieNode>> = {
  0: new WeakMap(),
  1: new WeakMap(),
};

interface Entry {
  readonly nibbles: readonly number[];
  readonly value: Bytes;
}

export class Trie {
  readonly root: Bytes;
  readonly #top: TrieNode | undefined;

  constructor(state: State, stateVersion: StateVersion) {
    const entries = [...state]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ nibbles: nibblesOf(fromHex(key)), value }));
    this.#top = entries.length === 0 ? undefined : build(entries, 0, stateVersion);
    this.root = this.#top === undefined ? EMPTY_TRIE_ROOT : blake2b256(this.#top.encoded);
  }

  /**
   * The nodes on the way to each key, and the values found that are outside of their node: SCALE `Vec<Vec<u8>>`. The top
   * node is always there: clients refuse a proof without it.
   */
  proofOfKeys(keys: readonly Bytes[]): Bytes {
    const proof = new Proof();
    if (this.#top !== undefined) proof.addNode(this.#top, true);
    for (const key of keys) this.#addPath(proof, nibblesOf(key));
    return proof.encode();
  }

  #addPath(proof: Proof, key: readonly number[]): void {
    let depth = 0;
    for (let node = this.#top; node !== undefined;) {
      proof.addNode(node, node === this.#top);
      const here = depth + node.partialKey.length;
      if (node.partialKey.some((nibble, i) => key[depth + i] !== nibble)) return;
      const next = key[here];
      if (next === undefined) {
        proof.addValue(node);
        return;
      }
      node = node.children[next];
      depth = here + 1;
    }
  }
}

/** `entries` are sorted and share their first `depth` nibbles. */
function build(entries: readonly Entry[], depth: number, stateVersion: StateVersion): TrieNode {
  if (entries.length === 1 && entries[0] !== undefined) return makeLeaf(entries[0], depth, stateVersion);
  const first = entries[0]?.nibbles ?? [];
  const last = entries.at(-1)?.nibbles ?? [];
  let fork = depth;
  while (fork < first.length && first[fork] === last[fork]) fork++;
  const endsHere = first.length === fork ? entries[0] : undefined;
  const children = Array.from({ length: 16 }, (_, nibble) => {
    const below = entries.filter((entry) => entry.nibbles[fork] === nibble);
    return below.length === 0 ? undefined : build(below, fork + 1, stateVersion);
  });
  return makeTrieNode(first.slice(depth, fork), endsHere?.value, children, stateVersion);
}

function makeLeaf({ nibbles, value }: Entry, depth: number, stateVersion: StateVersion): TrieNode {
  const partialKey = nibbles.slice(depth);
  const remembered = rememberedLeaves[stateVersion].get(value);
  if (remembered?.partialKey.join() === partialKey.join()) return remembered;
  const leaf = makeTrieNode(partialKey, value, [], stateVersion);
  if (value.length > REMEMBERED_ABOVE) rememberedLeaves[stateVersion].set(value, leaf);
  return leaf;
}

/** A proof holds no entry twice, and no node that is short enough to stand in its parent. */
class Proof {
  readonly #entries = new Map<string, Bytes>();

  addNode(node: TrieNode, isRoot: boolean): void {
    if (isRoot || !isInlined(node)) this.#entries.set(toHex(node.encoded), node.encoded);
  }

  addValue(node: TrieNode): void {
    if (node.valueHash !== undefined && node.value !== undefined) {
      this.#entries.set(toHex(node.valueHash), node.value);
    }
  }

  encode(): Bytes {
    return encodeVec([...this.#entries.values()].map(encodeBytes));
  }
}

/** Root of the trie that maps SCALE compact indices to `items`: the `extrinsics_root` of a header. */
export function orderedTrieRoot(items: readonly Bytes[], stateVersion: StateVersion): Bytes {
  return new Trie(new Map(items.map((item, i) => [toHex(encodeCompact(i)), item])), stateVersion).root;
}
