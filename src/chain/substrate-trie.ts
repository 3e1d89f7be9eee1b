// The trie of Substrate: base-16 Merkle-Patricia with blake2b-256 (Polkadot specification, §2.3 "State storage and the
// storage trie"; node formats of trie layouts V0 and V1). Just what ordered roots and their proofs need.
import { blake2b } from '@noble/hashes/blake2.js';
import { concatBytes, encodeBytes, encodeCompact, ScaleInputError, ScaleReader } from './scale.ts';

/** V0 keeps values inside of their node; V1 replaces a value above 32 bytes by its hash (PSP: state version). */
export type TrieLayout = 'V0' | 'V1';

/** What a node holds: the value itself, or in layout V1 the hash of a long one. */
export type TrieValue =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'hash'; readonly hash: Uint8Array };

/** A child reference shorter than 32 bytes is the child itself, otherwise it is its hash. */
export interface TrieNode {
  readonly partialKey: readonly number[];
  readonly value: TrieValue | undefined;
  readonly children: ReadonlyMap<number, Uint8Array>;
}

export const HASH_LENGTH = 32;
const EMPTY_TRIE_NODE = Uint8Array.of(0);
/** An index is at most a u32: five bytes as a compact integer. No path is deeper than its key has nibbles. */
const MAX_PARTIAL_NIBBLES = 64;

export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, { dkLen: HASH_LENGTH });
}

export function nibblesOf(bytes: Uint8Array): number[] {
  return Array.from(bytes, (byte) => [byte >> 4, byte & 15]).flat();
}

/** The key of the value at `index` in an ordered trie, in nibbles. */
export function orderedKey(index: number): number[] {
  return nibblesOf(encodeCompact(index));
}

interface Leaf {
  readonly key: readonly number[];
  readonly value: Uint8Array;
}

/** A trie built once from a list of values, keyed by their position (`ordered_trie_root` of Substrate). */
export interface OrderedTrie {
  readonly root: Uint8Array;
  /** Nodes that are hashed on their own on the way from the root to the value at `index`, the root first. */
  pathTo(index: number): Uint8Array[];
}

export function buildOrderedTrie(values: readonly Uint8Array[], layout: TrieLayout): OrderedTrie {
  const leaves = values
    .map((value, index): Leaf => ({ key: orderedKey(index), value }))
    .sort((a, b) => compareKeys(a.key, b.key));
  const nodes = new Map<string, Uint8Array>();
  const rootNode = leaves.length === 0 ? EMPTY_TRIE_NODE : encodeSubtree(leaves, 0, layout, nodes);
  return {
    root: blake2b256(rootNode),
    pathTo(index) {
      const path = [rootNode];
      const key = orderedKey(index);
      for (let depth = 1; depth <= key.length; depth++) {
        const node = nodes.get(key.slice(0, depth).join());
        if (node !== undefined && node.length >= HASH_LENGTH) path.push(node);
      }
      return path;
    },
  };
}

/** Encodes the subtree of sorted leaves that share their first `depth` nibbles; notes each child by its path. */
function encodeSubtree(
  leaves: readonly Leaf[],
  depth: number,
  layout: TrieLayout,
  nodes: Map<string, Uint8Array>,
): Uint8Array {
  const first = leaves[0]!;
  const last = leaves.at(-1)!;
  let end = depth;
  while (end < first.key.length && first.key[end] === last.key[end]) end++;
  const partialKey = first.key.slice(depth, end);
  if (leaves.length === 1)
    return encodeNode({ partialKey, value: valueOf(first.value, layout), children: new Map() });
  // Compact integers are prefix-free: no leaf ends at a branch.
  const children = new Map<number, Uint8Array>();
  for (let from = 0; from < leaves.length;) {
    const nibble = leaves[from]!.key[end]!;
    let to = from + 1;
    while (to < leaves.length && leaves[to]!.key[end] === nibble) to++;
    const child = encodeSubtree(leaves.slice(from, to), end + 1, layout, nodes);
    nodes.set(first.key.slice(0, end).concat(nibble).join(), child);
    children.set(nibble, child.length < HASH_LENGTH ? child : blake2b256(child));
    from = to;
  }
  return encodeNode({ partialKey, value: undefined, children });
}

function valueOf(value: Uint8Array, layout: TrieLayout): TrieValue {
  return layout === 'V1' && value.length > HASH_LENGTH
    ? { kind: 'hash', hash: blake2b256(value) }
    : { kind: 'inline', bytes: value };
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((nibble, i) => nibble !== b[i]);
  return at < 0 ? 0 : (a[at] ?? -1) - (b[at] ?? -1);
}

/** Prefix bits of a node's first byte, and how many of its bits count nibbles. */
const HEADERS = [
  { prefix: 0b01, bits: 6, branch: false, value: 'inline' },
  { prefix: 0b10, bits: 6, branch: true, value: undefined },
  { prefix: 0b11, bits: 6, branch: true, value: 'inline' },
  { prefix: 0b001, bits: 5, branch: false, value: 'hash' },
  { prefix: 0b0001, bits: 4, branch: true, value: 'hash' },
] as const;

export function encodeNode(node: TrieNode): Uint8Array {
  const branch = node.children.size > 0;
  const header = HEADERS.find((each) => each.branch === branch && each.value === node.value?.kind);
  if (header === undefined) throw new RangeError('a trie node without children must have a value');
  const parts = [encodePartialKey(header, node.partialKey)];
  const children = [...node.children].sort(([a], [b]) => a - b);
  if (branch) {
    const bitmap = children.reduce((bits, [nibble]) => bits | (1 << nibble), 0);
    parts.push(Uint8Array.of(bitmap & 0xff, bitmap >> 8));
  }
  if (node.value !== undefined) {
    parts.push(node.value.kind === 'hash' ? node.value.hash : encodeBytes(node.value.bytes));
  }
  for (const [, reference] of children) parts.push(encodeBytes(reference));
  return concatBytes(parts);
}

function encodePartialKey(header: (typeof HEADERS)[number], key: readonly number[]): Uint8Array {
  const max = (1 << header.bits) - 1;
  const bytes = [(header.prefix << header.bits) | Math.min(key.length, max)];
  for (let rest = key.length - max; rest >= 0; rest -= 255) bytes.push(Math.min(rest, 255));
  const even = key.length % 2 === 0 ? key : [0, ...key];
  for (let i = 0; i < even.length; i += 2) bytes.push(even[i]! * 16 + even[i + 1]!);
  return Uint8Array.from(bytes);
}

/**
 * Reads one node in full and strictly: no byte left over, no empty branch, padding nibble zero.
 * @throws ScaleInputError when the bytes are no node.
 */
export function decodeNode(bytes: Uint8Array): TrieNode {
  const reader = new ScaleReader(bytes);
  const first = reader.byte();
  const header = HEADERS.find(({ prefix, bits }) => first >> bits === prefix);
  if (header === undefined) throw new ScaleInputError(`no trie node begins with byte ${first}`);
  const partialKey = decodePartialKey(reader, first & ((1 << header.bits) - 1), (1 << header.bits) - 1);
  const bitmap = header.branch ? reader.byte() | (reader.byte() << 8) : 0;
  if (header.branch && bitmap === 0) throw new ScaleInputError('a branch without children');
  const value = decodeValue(reader, header.value);
  const children = new Map<number, Uint8Array>();
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((bitmap & (1 << nibble)) === 0) continue;
    const reference = reader.bytes();
    if (reference.length === 0 || reference.length > HASH_LENGTH) {
      throw new ScaleInputError(`a child reference of ${reference.length} bytes`);
    }
    children.set(nibble, reference);
  }
  reader.end();
  return { partialKey, value, children };
}

function decodePartialKey(reader: ScaleReader, counted: number, max: number): number[] {
  let length = counted;
  if (counted === max) {
    let more = 255;
    while (more === 255) {
      more = reader.byte();
      length += more;
      if (length > MAX_PARTIAL_NIBBLES) throw new ScaleInputError('a partial key that is too long');
    }
  }
  const nibbles = nibblesOf(reader.take(Math.ceil(length / 2)));
  if (length % 2 === 0) return nibbles;
  if (nibbles[0] !== 0) throw new ScaleInputError('padding of a partial key is not zero');
  return nibbles.slice(1);
}

function decodeValue(reader: ScaleReader, kind: 'inline' | 'hash' | undefined): TrieValue | undefined {
  if (kind === undefined) return undefined;
  return kind === 'hash' ? { kind, hash: reader.take(HASH_LENGTH) } : { kind, bytes: reader.bytes() };
}
