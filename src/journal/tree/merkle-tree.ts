import { hash } from 'node:crypto';
import { equalBytes } from '../bytes.ts';
import { JournalError } from '../errors.ts';

export const HASH_BYTES = 32;

/**
 * Hash of the complete subtree over the leaves [index * 2^level, (index + 1) * 2^level); level 0 is a leaf hash. Asked
 * only for subtrees that lie within the tree.
 */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** RFC 6962 §2.1: hash of the empty list. */
export const EMPTY_ROOT: Uint8Array = hash('sha256', '', 'buffer');

/** Where a prefix and what it stands before come together for one hash; nothing of it is kept. */
let leafInput = Buffer.alloc(4_096);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** RFC 6962 §2.1: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const length = 1 + entry.length;
  if (leafInput.length < length) leafInput = Buffer.alloc(length);
  leafInput.set(entry, 1);
  return hash('sha256', leafInput.subarray(0, length), 'buffer');
}

/** RFC 6962 §2.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash('sha256', nodeInput, 'buffer');
}

/** Merkle tree hash of the first `size` leaves, from O(log size) nodes. */
export function rootOf(read: NodeReader, size: number): Uint8Array {
  return size === 0 ? EMPTY_ROOT : rangeRoot(read, 0, size);
}

/**
 * RFC 6962 §2.1.1: the siblings of the leaf's way to the root of the tree of `size` leaves, lowest first.
 * @throws JournalError `journal.out_of_range` unless index < size
 */
export function inclusionProof(read: NodeReader, index: number, size: number): Uint8Array[] {
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw outOfRange(`leaf ${index} is not in a tree of ${size}`);
  }
  const proof: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      proof.push(rangeRoot(read, middle, end));
      end = middle;
    } else {
      proof.push(rangeRoot(read, start, middle));
      start = middle;
    }
  }
  return proof.reverse();
}

/**
 * RFC 6962 §2.1.2: what shows that the tree of `size1` leaves is the beginning of the tree of `size2`. Empty when they
 * are the same tree or the first is empty.
 * @throws JournalError `journal.out_of_range` unless size1 <= size2
 */
export function consistencyProof(read: NodeReader, size1: number, size2: number): Uint8Array[] {
  if (!isCount(size1) || !isCount(size2) || size1 > size2) {
    throw outOfRange(`a tree of ${size1} is no beginning of a tree of ${size2}`);
  }
  if (size1 === 0 || size1 === size2) return [];
  const proof: Uint8Array[] = [];
  let [start, end] = [0, size2];
  // SUBPROOF of the RFC, top down: `known` says that the verifier holds the hash of [start, size1) already.
  let known = true;
  while (end !== size1) {
    const middle = start + split(end - start);
    if (size1 <= middle) {
      proof.push(rangeRoot(read, middle, end));
      end = middle;
    } else {
      proof.push(rangeRoot(read, start, middle));
      start = middle;
      known = false;
    }
  }
  if (!known) proof.push(rangeRoot(read, start, end));
  return proof.reverse();
}

export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { leafIndex, treeSize, proof } = claim;
  if (!isCount(leafIndex) || !isCount(treeSize) || leafIndex >= treeSize) return false;
  if ([claim.leafHash, claim.rootHash, ...proof].some((node) => node.length !== HASH_BYTES)) return false;
  let [fn, sn] = [leafIndex, treeSize - 1];
  let root = claim.leafHash;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      root = nodeHash(sibling, root);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      root = nodeHash(root, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(root, claim.rootHash);
}

export interface ConsistencyClaim {
  readonly size1: number;
  readonly root1: Uint8Array;
  readonly size2: number;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162 §2.1.4.2; an empty first tree is consistent with every tree, by the empty proof. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, root1, size2, root2, proof } = claim;
  if (!isCount(size1) || !isCount(size2) || size1 > size2) return false;
  if ([root1, root2, ...proof].some((node) => node.length !== HASH_BYTES)) return false;
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
  if (size1 === 0) return proof.length === 0 && equalBytes(root1, EMPTY_ROOT);
  let [fn, sn] = [size1 - 1, size2 - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  // fn is now 0 exactly when size1 is a power of two; then the proof starts at the first root itself.
  const [first, ...rest] = fn === 0 ? [root1, ...proof] : proof;
  if (first === undefined || rest.length === 0) return false;
  let [computed1, computed2] = [first, first];
  for (const node of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      computed1 = nodeHash(node, computed1);
      computed2 = nodeHash(node, computed2);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      computed2 = nodeHash(computed2, node);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(computed1, root1) && equalBytes(computed2, root2);
}

/** Root of the leaves [start, end): one read where they are a complete subtree, otherwise split as the RFC does. */
function rangeRoot(read: NodeReader, start: number, end: number): Uint8Array {
  const width = end - start;
  const left = split(width);
  if (width === 1) return read(0, start);
  if (left * 2 === width) return read(levelOf(width), start / width);
  return nodeHash(rangeRoot(read, start, start + left), rangeRoot(read, start + left, end));
}

/** The largest power of two smaller than `width`: where RFC 6962 cuts a tree. Safe up to 2^53, unlike bit shifts. */
export function split(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}

export function levelOf(powerOfTwo: number): number {
  let level = 0;
  for (let width = powerOfTwo; width > 1; width /= 2) level++;
  return level;
}

function isOdd(n: number): boolean {
  return n % 2 === 1;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function outOfRange(message: string): JournalError {
  return new JournalError('journal.out_of_range', message);
}
