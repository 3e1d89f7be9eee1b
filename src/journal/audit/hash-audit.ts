import type Database from 'better-sqlite3';
import { equalBytes } from '../bytes.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from '../tree/merkle-tree.ts';
import { Bad } from './bad.ts';
import type { DeclaredHoles } from './declared-holes.ts';

/** The size of a tile (C2SP tlog-tiles). */
const WIDTH = 256;

/** Builds the tree again from its leaves, and holds every stored hash against it. Shares no code with the writer's tree. */
export class HashAudit {
  /** Leaves so far. */
  size = 0;
  readonly #tile: Database.Statement<[number, number], unknown>;
  /** Roots of complete subtrees from left to right, each smaller than the one before: a binary counter with hashes. */
  readonly #subtrees: { height: number; root: Uint8Array }[] = [];
  /** Hashes of the tile being filled, by tile level. */
  readonly #tiles: Uint8Array[][] = [];

  constructor(database: Database.Database) {
    this.#tile = database
      .prepare<[number, number], unknown>('SELECT hashes FROM tile WHERE level = ? AND tile_index = ?')
      .pluck();
  }

  /** RFC 6962 root of the leaves so far. */
  root(): Uint8Array {
    const roots = this.#subtrees.map(({ root }) => root).reverse();
    return roots.length === 0 ? EMPTY_ROOT : roots.reduce((right, left) => nodeHash(left, right));
  }

  addLeaf(hash: Uint8Array): void {
    this.#addNode({ height: 0, root: hash });
  }

  /** The next leaf is gone: the stored hash stands for it. @throws Bad when there is none */
  addGoneLeaf(): void {
    const stored = this.#tile.get(0, Math.floor(this.size / WIDTH));
    const offset = (this.size % WIDTH) * HASH_BYTES;
    if (!(stored instanceof Uint8Array) || stored.length < offset + HASH_BYTES) {
      throw new Bad(this.size, 'the entry is gone, and its hash too');
    }
    this.addLeaf(Uint8Array.from(stored.subarray(offset, offset + HASH_BYTES)));
  }

  /** Whether the next leaves are a whole tile of which not even the leaf hashes are stored any more. */
  get nextTileIsGone(): boolean {
    return this.size % WIDTH === 0 && this.#tile.get(0, this.size / WIDTH) === undefined;
  }

  /** The next 256 leaves are gone: the hash one level up stands for them. @throws Bad when there is none */
  addGoneTile(): void {
    const number = this.size / WIDTH;
    const stored = this.#tile.get(1, Math.floor(number / WIDTH));
    const offset = (number % WIDTH) * HASH_BYTES;
    if (!(stored instanceof Uint8Array) || stored.length < offset + HASH_BYTES) {
      throw new Bad(this.size, 'the entries are gone, and the hash over them too');
    }
    const root = Uint8Array.from(stored.subarray(offset, offset + HASH_BYTES));
    this.#addNode({ height: 8, root });
  }

  /**
   * What is stored of unfinished tiles may have grown since, and new tiles may have come, but only as far as there are entries
   * now; full tiles of leaf hashes may be gone, as far as every entry of theirs is declared gone. Call within a transaction.
   */
  checkEdge(database: Database.Database, holes: DeclaredHoles): void {
    for (const [level, hashes] of this.#tiles.entries()) {
      if (level === 0 || hashes.length === 0) continue;
      const index = Math.floor(this.size / WIDTH ** (level + 1));
      const stored = this.#tile.get(level, index);
      const prefix =
        stored instanceof Uint8Array ? stored.subarray(0, hashes.length * HASH_BYTES) : undefined;
      if (prefix === undefined || !equalBytes(prefix, Buffer.concat(hashes)))
        throw badTile(level, index, stored);
    }
    const now =
      (database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck().get() ?? -1) + 1;
    const tiles = database.prepare<[], { level: number; tiles: number; last: number; bytes: number }>(
      'SELECT level, count(*) AS tiles, max(tile_index) AS last, sum(length(hashes)) AS bytes FROM tile GROUP BY level',
    );
    for (const { level, last, bytes, tiles: count } of tiles.iterate()) {
      const stored = Math.floor(now / WIDTH ** Math.max(level, 1)) * (level === 0 ? WIDTH : 1);
      const gone = level === 0 ? goneTiles(database, last, holes) : 0;
      // Level 0 has full tiles only, and what recovery knew of the unfinished one.
      const hashes = stored - gone * WIDTH + (level === 0 ? this.#unfinishedLeaves(now) : 0);
      if (hashes === 0 || bytes !== hashes * HASH_BYTES || count !== last + 1 - gone) {
        throw new Bad(now, `level ${level} has hashes for which there are no entries, or too few`);
      }
    }
  }

  /** Hashes of lost entries in the unfinished tile, and of those in front of them: they are there while it is unfinished. */
  #unfinishedLeaves(now: number): number {
    const index = Math.floor(now / WIDTH);
    const stored = this.#tile.get(0, index);
    if (stored === undefined) return 0;
    const seen = Math.floor(this.size / WIDTH) === index ? Buffer.concat(this.#tiles[0] ?? []) : undefined;
    const fits = (bytes: Uint8Array): boolean =>
      bytes.length <= (now % WIDTH) * HASH_BYTES &&
      (seen === undefined || equalBytes(bytes.subarray(0, seen.length), seen.subarray(0, bytes.length)));
    if (!(stored instanceof Uint8Array) || !fits(stored)) {
      throw new Bad(now, 'level 0 has hashes for which there are no entries, or that do not fit them');
    }
    return stored.length / HASH_BYTES;
  }

  #addNode(added: { height: number; root: Uint8Array }): void {
    const first = this.size;
    let node = added;
    if (node.height % 8 === 0) this.#addToTile(first, node.height / 8, node.root);
    for (let left = this.#subtrees.at(-1); left?.height === node.height; left = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      node = { height: node.height + 1, root: nodeHash(left.root, node.root) };
      if (node.height % 8 === 0) this.#addToTile(first, node.height / 8, node.root);
    }
    this.#subtrees.push(node);
    this.size += 2 ** added.height;
  }

  #addToTile(at: number, level: number, hash: Uint8Array): void {
    const tile = (this.#tiles[level] ??= []);
    tile.push(hash);
    if (tile.length < WIDTH) return;
    const index = Math.floor(at / WIDTH ** (level + 1));
    const stored = this.#tile.get(level, index);
    if (!(stored instanceof Uint8Array) || !equalBytes(stored, Buffer.concat(tile))) {
      throw badTile(level, index, stored);
    }
    this.#tiles[level] = [];
  }
}

function goneTiles(database: Database.Database, last: number, holes: DeclaredHoles): number {
  const indices = database
    .prepare<[], number>('SELECT tile_index FROM tile WHERE level = 0 ORDER BY tile_index')
    .pluck();
  let [gone, next] = [0, 0];
  for (const index of indices.iterate()) {
    for (; next < index; next++, gone++) {
      if (!holes.covers(next * WIDTH, (next + 1) * WIDTH)) throw badTile(0, next, undefined);
    }
    next = index + 1;
  }
  return next === last + 1 ? gone : 0;
}

function badTile(level: number, index: number, stored: unknown): Bad {
  const fault = stored === undefined ? 'is missing' : 'does not fit the entries';
  return new Bad(index * WIDTH ** (level + 1), `stored tile ${index} of level ${level} ${fault}`);
}
