import { HASH_BYTES, nodeHash, type NodeReader } from './merkle-tree.ts';

/**
 * The tree is kept in tiles of 256 hashes, as C2SP tlog-tiles cuts it: the tile `index` of level L holds the hashes of
 * the complete subtrees of 256^L leaves numbered 256 * index to 256 * index + 255. Level 0 holds leaf hashes.
 */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** What must be known of a tree to grow it: at each tile level, the hashes of its last, unfinished tile. */
export interface TreeEdge {
  readonly size: number;
  /** By level; each 0 to 255 hashes, one after the other. */
  readonly partial: readonly Uint8Array[];
}

export interface TileWrite {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

/** At least the first `width` hashes of a tile; asked only for hashes within the tree. */
export type TileReader = (level: number, index: number, width: number) => Uint8Array;

export const EMPTY_EDGE: TreeEdge = { size: 0, partial: [] };

/** Where the edge's unfinished tile of a level stands, and how many hashes it has. */
export function edgeTile(size: number, level: number): { index: number; width: number } {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return { index: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH };
}

/** How many tile levels a tree of this size has begun: 1 up to 255 leaves, 2 up to 65,535, and so on. */
export function tileLevels(size: number): number {
  let levels = 0;
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH)) levels++;
  return levels;
}

/**
 * Adds leaves. The writes bring what is stored up to date: a full tile appears in exactly one of them; an unfinished
 * tile above level 0 each time it has grown; the unfinished tile of level 0 never, for the entries themselves give it.
 */
export function growTree(
  edge: TreeEdge,
  leafHashes: readonly Uint8Array[],
): { edge: TreeEdge; writes: TileWrite[] } {
  const partial = [...edge.partial];
  const writes: TileWrite[] = [];
  let added = leafHashes;
  for (let level = 0; added.length > 0; level++) {
    let { index } = edgeTile(edge.size, level);
    let rest = Buffer.concat([partial[level] ?? new Uint8Array(0), ...added]);
    const parents: Uint8Array[] = [];
    for (; rest.length >= TILE_BYTES; rest = rest.subarray(TILE_BYTES), index++) {
      const hashes = rest.subarray(0, TILE_BYTES);
      writes.push({ level, index, hashes });
      parents.push(subtreeRoot(hashes));
    }
    if (level > 0 && rest.length > 0) writes.push({ level, index, hashes: rest });
    partial[level] = rest;
    added = parents;
  }
  return { edge: { size: edge.size + leafHashes.length, partial }, writes };
}

/** Nodes of a tree of which every tile is stored or, at the edge, known. */
export function nodesFromTiles(readTile: TileReader): NodeReader {
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const width = 2 ** (level % TILE_HEIGHT);
    const tileIndex = Math.floor((index * width) / TILE_WIDTH);
    const offset = index * width - tileIndex * TILE_WIDTH;
    const tile = readTile(tileLevel, tileIndex, offset + width);
    return subtreeRoot(tile.subarray(offset * HASH_BYTES, (offset + width) * HASH_BYTES));
  };
}

/** Nodes of the tree whose edge is known: enough for its root. */
export function nodesFromEdge(edge: TreeEdge): NodeReader {
  return nodesFromTiles((level) => edge.partial[level] ?? new Uint8Array(0));
}

/** Root over a power of two of hashes that stand one after the other. */
export function subtreeRoot(hashes: Uint8Array): Uint8Array {
  if (hashes.length === HASH_BYTES) return hashes;
  const middle = hashes.length / 2;
  return nodeHash(subtreeRoot(hashes.subarray(0, middle)), subtreeRoot(hashes.subarray(middle)));
}
