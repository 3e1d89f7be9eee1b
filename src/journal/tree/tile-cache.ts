import { TILE_BYTES, TILE_WIDTH } from './hash-tile.ts';
import { HASH_BYTES, nodeHash, type NodeReader } from './merkle-tree.ts';

/** Levels of the tree that one tile spans: its own hashes and the nodes above them, but for its root. */
const TILE_HEIGHT = 8;

/**
 * At least the first `width` hashes of a tile. `known` is what was read of it before, which has not changed: a log only
 * grows.
 */
export type GrowingTileReader = (
  level: number,
  index: number,
  width: number,
  known: Uint8Array,
) => Uint8Array;

/**
 * Nodes of one log that only grows, for proof after proof. The tiles read last are kept with the nodes that were
 * calculated in them, `maxTiles` times about 16 KiB: of neighbouring entries each further proof costs a look-up, and the
 * hashes of an unfinished tile, which come from its entries, are calculated once.
 */
export function nodesFromCachedTiles(read: GrowingTileReader, maxTiles: number): NodeReader {
  const tiles = new Map<string, CachedTile>();
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const height = level % TILE_HEIGHT;
    const width = 2 ** height;
    const tileIndex = Math.floor((index * width) / TILE_WIDTH);
    const place = index - (tileIndex * TILE_WIDTH) / width;
    const key = `${tileLevel}/${tileIndex}`;
    const tile = tiles.get(key) ?? new CachedTile();
    tile.grow((place + 1) * width, (needed, known) => read(tileLevel, tileIndex, needed, known));
    tiles.delete(key);
    tiles.set(key, tile); // now the one used last
    const [oldest] = tiles.keys();
    if (tiles.size > maxTiles && oldest !== undefined) tiles.delete(oldest);
    return tile.node(height, place);
  };
}

class CachedTile {
  #hashes = new Uint8Array(0);
  /** As in a binary heap: 1 is the root, the nodes below n are 2n and 2n + 1. Those at 256 and above are `#hashes`. */
  readonly #nodes = new Uint8Array(TILE_BYTES);
  readonly #calculated = new Uint8Array(TILE_WIDTH);

  grow(width: number, read: (width: number, known: Uint8Array) => Uint8Array): void {
    if (this.#hashes.length < width * HASH_BYTES) this.#hashes = new Uint8Array(read(width, this.#hashes));
  }

  /** The root over 2^height of the tile's hashes; they have been read. */
  node(height: number, place: number): Uint8Array {
    if (height === 0) return Buffer.from(this.#hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES));
    const heap = TILE_WIDTH / 2 ** height + place;
    const at = heap * HASH_BYTES;
    if (this.#calculated[heap] === 0) {
      const left = this.node(height - 1, 2 * place);
      this.#nodes.set(nodeHash(left, this.node(height - 1, 2 * place + 1)), at);
      this.#calculated[heap] = 1;
    }
    return Buffer.from(this.#nodes.subarray(at, at + HASH_BYTES));
  }
}
