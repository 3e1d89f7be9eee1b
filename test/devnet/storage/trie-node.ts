// One node of Substrate's base-16 Merkle Patricia trie (Polkadot specification, "State Storage Trie": node header,
// partial key, children bitmap, value, children).
import { type Bytes, blake2b256, concat, EMPTY } from '../encoding/bytes.ts';
import { encodeBytes, encodeUint } from '../encoding/scale.ts';

/** 0: values are in their nodes. 1: values above 32 bytes are in the trie as their hash, and beside it in proofs. */
export type StateVersion = 0 | 1;

export interface TrieNode {
  readonly partialKey: readonly number[];
  readonly value: Bytes | undefined;
  /** Set when the value is kept outside of the node. */
  readonly valueHash: Bytes | undefined;
  readonly children: readonly (TrieNode | undefined)[];
  readonly encoded: Bytes;
  /** How its parent names it: the encoding itself when that is short, otherwise its blake2b-256. */
  readonly reference: Bytes;
}

/** A node shorter than this stands in its parent as it is, a longer one as its hash. */
const INLINE_BELOW = 32;
export const OUTSIDE_ABOVE = 32;

export function isInlined(node: TrieNode): boolean {
  return node.encoded.length < INLINE_BELOW;
}

/** Builds a node and its encoding. */
export function makeTrieNode(
  partialKey: readonly number[],
  value: Bytes | undefined,
  children: readonly (TrieNode | undefined)[],
  stateVersion: StateVersion,
): TrieNode {
  const outside = stateVersion === 1 && value !== undefined && value.length > OUTSIDE_ABOVE;
  const valueHash = outside ? blake2b256(value) : undefined;
  const hasChildren = children.some((child) => child !== undefined);
  const bitmap = children.reduce((bits, child, i) => (child === undefined ? bits : bits | (1 << i)), 0);
  const encoded = concat(
    encodeHeader(partialKey.length, hasChildren, value !== undefined, outside),
    packNibbles(partialKey),
    hasChildren ? encodeUint(bitmap, 2) : EMPTY,
    valueHash ?? (value === undefined ? EMPTY : encodeBytes(value)),
    ...children.map((child) => (child === undefined ? EMPTY : encodeBytes(child.reference))),
  );
  const reference = encoded.length < INLINE_BELOW ? encoded : blake2b256(encoded);
  return { partialKey, value, valueHash, children, encoded, reference };
}

/** Variant bits, then the length of the partial key in nibbles: what the first byte cannot hold follows, 255 a byte. */
function encodeHeader(
  nibbles: number,
  hasChildren: boolean,
  hasValue: boolean,
  valueOutside: boolean,
): Bytes {
  const { variant, lengthBits } = valueOutside
    ? { variant: hasChildren ? 0b0001 : 0b001, lengthBits: hasChildren ? 4 : 5 }
    : { variant: hasChildren ? (hasValue ? 0b11 : 0b10) : 0b01, lengthBits: 6 };
  const most = (1 << lengthBits) - 1;
  const header = [(variant << lengthBits) | Math.min(nibbles, most)];
  for (let rest = nibbles - most; rest >= 0; rest -= 255) header.push(Math.min(rest, 255));
  return Uint8Array.from(header);
}

/** Two nibbles a byte; an odd number of them begins with a zero. */
function packNibbles(nibbles: readonly number[]): Bytes {
  const even = nibbles.length % 2 === 0 ? nibbles : [0, ...nibbles];
  return Uint8Array.from(
    { length: even.length / 2 },
    (_, i) => (even[2 * i] ?? 0) * 16 + (even[2 * i + 1] ?? 0),
  );
}

export function nibblesOf(key: Bytes): number[] {
  return Array.from(key, (byte) => [byte >> 4, byte & 15]).flat();
}
