import {
  HASH_BYTES,
  inclusionProof,
  levelOf,
  nodeHash,
  split,
  verifyInclusion,
  type NodeReader,
} from './merkle-tree.ts';

/**
 * What shows that a run of neighbouring leaves stands in a tree: the inclusion proofs (RFC 6962 §2.1.1) of its first and its last
 * leaf. All that is left of the run is on the first one's way to the root, all that is right of it on the last one's.
 */
export interface RangeProof {
  readonly first: readonly Uint8Array[];
  readonly last: readonly Uint8Array[];
}

/**
 * Of the leaves from..to-1 in the tree of `size` leaves, in O(log size) reads.
 * @throws JournalError `journal.out_of_range` for a leaf that is not in that tree
 */
export function rangeProof(read: NodeReader, from: number, to: number, size: number): RangeProof {
  return { first: inclusionProof(read, from, size), last: inclusionProof(read, to - 1, size) };
}

/** A complete subtree of the tree: the hash over the leaves [index * 2^level, (index + 1) * 2^level). */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The fewest complete subtrees that hold the leaves from..to-1 and no other, from left to right: at most 2 log2(to - from). */
export function subtreesOf(from: number, to: number): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = from; at < to;) {
    let [level, width] = [0, 1];
    while (at % (2 * width) === 0 && at + 2 * width <= to) [level, width] = [level + 1, 2 * width];
    subtrees.push({ level, index: at / width });
    at += width;
  }
  return subtrees;
}

/**
 * The hashes of a run of neighbouring leaves, taken in from left to right and kept as the fewest complete subtrees: O(log n)
 * hashes, however long the run. Leaves that are gone are taken in as the subtrees that are still known of them.
 */
export class RangeHashes {
  readonly from: number;
  #to: number;
  readonly #nodes: (Subtree & { readonly hash: Uint8Array })[] = [];
  #firstLeaf: Uint8Array | undefined;
  #lastLeaf: Uint8Array | undefined;

  constructor(from: number) {
    this.from = from;
    this.#to = from;
  }

  /** Behind the last leaf. */
  get to(): number {
    return this.#to;
  }

  addLeaf(hash: Uint8Array): void {
    if (this.#to === this.from) this.#firstLeaf = hash;
    this.#lastLeaf = hash;
    this.#add({ level: 0, index: this.#to, hash });
  }

  /**
   * The next leaves, up to `to`, as the hashes of `subtreesOf` them.
   * @returns false, and takes nothing in, when these are not so many hashes
   */
  addGone(to: number, hashes: readonly Uint8Array[]): boolean {
    const subtrees = subtreesOf(this.#to, to);
    if (subtrees.length !== hashes.length || hashes.some(({ length }) => length !== HASH_BYTES)) return false;
    this.#lastLeaf = undefined;
    subtrees.forEach((subtree, i) => this.#add({ ...subtree, hash: hashes[i] as Uint8Array }));
    return true;
  }

  /** The hashes of the run that follows this one, which must begin where this one ends. */
  append(following: RangeHashes): void {
    if (following.from !== this.#to) throw new RangeError(`${following.from} does not follow ${this.#to}`);
    if (this.#to === this.from) this.#firstLeaf = following.#firstLeaf;
    if (following.#to > following.from) this.#lastLeaf = following.#lastLeaf;
    for (const node of following.#nodes) this.#add(node);
  }

  /** Whether the run stands in the tree; its first and last leaf must not be gone. */
  isIn(tree: { readonly size: number; readonly root: Uint8Array }, proof: RangeProof): boolean {
    const leaves = [
      { leafHash: this.#firstLeaf, leafIndex: this.from, proof: proof.first },
      { leafHash: this.#lastLeaf, leafIndex: this.#to - 1, proof: proof.last },
    ];
    const claim = { treeSize: tree.size, rootHash: tree.root };
    const areIn = leaves.every(
      ({ leafHash, ...leaf }) => leafHash !== undefined && verifyInclusion({ leafHash, ...leaf, ...claim }),
    );
    if (!areIn) return false;
    // Both ends are in; whether what lies between them is, too, shows when the root is calculated through it.
    const root = this.#rootAround(0, tree.size, [...proof.first], [...proof.last]);
    return root !== undefined && Buffer.compare(root, tree.root) === 0;
  }

  #add(node: Subtree & { readonly hash: Uint8Array }): void {
    this.#to += 2 ** node.level;
    let added = node;
    for (let left = this.#nodes.at(-1); left !== undefined; left = this.#nodes.at(-1)) {
      if (left.level !== added.level || left.index % 2 === 1 || left.index + 1 !== added.index) break;
      this.#nodes.pop();
      added = {
        level: left.level + 1,
        index: left.index / 2,
        hash: nodeHash(left.hash, added.hash),
      };
    }
    this.#nodes.push(added);
  }

  /**
   * Root over the leaves [start, end), of which at least one is ours. On the way down, the end of `first` is the sibling on the
   * first leaf's way while that is in here, and the end of `last` that on the last one's.
   */
  #rootAround(
    start: number,
    end: number,
    first: Uint8Array[] | undefined,
    last: Uint8Array[] | undefined,
  ): Uint8Array | undefined {
    if (this.from <= start && end <= this.#to) return this.#rootWithin(start, end);
    const middle = start + split(end - start);
    const [leftOfUs, rightOfUs] = [first?.pop(), last?.pop()];
    if (this.from >= middle) return joined(leftOfUs, this.#rootAround(middle, end, first, last));
    if (this.#to <= middle) return joined(this.#rootAround(start, middle, first, last), rightOfUs);
    return joined(
      this.#rootAround(start, middle, first, undefined),
      this.#rootAround(middle, end, undefined, last),
    );
  }

  /** All of them are ours: a complete subtree was kept as one hash, or as a part of what was cut off at the tree's end. */
  #rootWithin(start: number, end: number): Uint8Array | undefined {
    const width = end - start;
    const left = split(width);
    if (width > 1 && left * 2 !== width)
      return joined(this.#rootWithin(start, start + left), this.#rootWithin(start + left, end));
    const level = levelOf(width);
    return this.#nodes.find((node) => node.level === level && node.index === start / width)?.hash;
  }
}

function joined(left: Uint8Array | undefined, right: Uint8Array | undefined): Uint8Array | undefined {
  return left === undefined || right === undefined ? undefined : nodeHash(left, right);
}

/** Leaf hashes of neighbours, and what is claimed of them. */
export interface RangeClaim {
  readonly leafHashes: readonly Uint8Array[];
  /** Index of the first. */
  readonly from: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  readonly proof: RangeProof;
}

/** Whether these leaves, at these places, are in that tree. */
export function verifyRange({ leafHashes, from, treeSize, rootHash, proof }: RangeClaim): boolean {
  if (leafHashes.some(({ length }) => length !== HASH_BYTES)) return false;
  if (!Number.isSafeInteger(from) || from < 0 || from + leafHashes.length > treeSize) return false;
  const range = new RangeHashes(from);
  for (const hash of leafHashes) range.addLeaf(hash);
  return range.isIn({ size: treeSize, root: rootHash }, proof);
}
