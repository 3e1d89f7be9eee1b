// How far the tree of a damaged log is known, from the entries that are left and the hashes that were stored. Pure.
import { equalBytes } from '../bytes.ts';
import type { EntryRange } from '../entry/entry-types.ts';
import { subtreeRoot, TILE_BYTES, TILE_WIDTH } from '../tree/hash-tile.ts';
import { HASH_BYTES, rootOf, type NodeReader } from '../tree/merkle-tree.ts';

/** What is left of 256 entries that stand one after the other. */
export interface TileRemains {
  /** Hashes of the entries that verify, at their places. */
  readonly rows: readonly (Uint8Array | undefined)[];
  /** Leaf hashes as they were stored: of the full tile, or of what an earlier recovery knew of the unfinished one. */
  readonly stored: Uint8Array | undefined;
  /** The hash over all 256 as it was stored one level up. */
  readonly parent: Uint8Array | undefined;
  /** Leaf hashes from the beginning of the tile on that were noted outside of the log. */
  readonly noted: Uint8Array | undefined;
}

export interface TreeToCheck {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface RebuiltTree {
  /** The log can be continued here as far as its own hashes go; nothing in front of it is guessed. */
  readonly size: number;
  /** Undefined where no leaf hashes are known in front of it. */
  readonly root: Uint8Array | undefined;
  /** Entries in front of `size` whose bytes are lost. */
  readonly lost: readonly EntryRange[];
  /** Of the trees to check: those that this one contradicts, or is too short for. */
  readonly contradicted: readonly TreeToCheck[];
}

interface FullTile {
  readonly node: Uint8Array;
  /** Leaf hashes; undefined when only the hash over all of them is known. */
  readonly leaves: Uint8Array | undefined;
  /** Rests on one stored copy alone until a tree of so many leaves of this tile is known to fit; 0: it does not. */
  readonly confirmedBy: number;
  /** First and further entries that are lost in it. */
  readonly missing: readonly number[];
}

/** Takes the remains tile by tile, from the left, until one is not known to its end. Memory: 32 bytes a tile. */
export class TreeRebuild {
  readonly #nodes: Uint8Array[] = [];
  readonly #lost: EntryRange[] = [];
  /** Leaf hashes of the tiles in which a tree to check ends. */
  readonly #kept = new Map<number, Uint8Array>();
  readonly #checks: readonly TreeToCheck[];
  /** Tiles that rest on one stored copy alone: the first entry lost in each, and the size of a tree that confirms it. */
  readonly #provisional: { readonly firstLost: number; readonly confirmedBy: number }[] = [];
  #tail: Uint8Array[] = [];
  #ended = false;

  constructor(checks: readonly TreeToCheck[]) {
    this.#checks = checks;
  }

  /** The next 256 entries. Returns what is to be stored of a full tile, undefined at the end of what is known. */
  add(remains: TileRemains): { readonly leaves: Uint8Array | undefined } | undefined {
    if (this.#ended) return undefined;
    const tile = this.#nodes.length;
    const full = fullTile(remains);
    if (full === undefined) {
      this.#ended = true;
      this.#tail = knownPrefix(remains);
      this.#note(knownButLost(remains, this.#tail.length));
      if (this.#isChecked(tile)) this.#kept.set(tile, Buffer.concat(this.#tail));
      return undefined;
    }
    this.#nodes.push(full.node);
    this.#note(full.missing);
    const [firstLost] = full.missing;
    const start = tile * TILE_WIDTH;
    if (full.confirmedBy > 0 && firstLost !== undefined)
      this.#provisional.push({ firstLost: start + firstLost, confirmedBy: start + full.confirmedBy });
    if (full.leaves !== undefined && this.#isChecked(tile)) this.#kept.set(tile, full.leaves);
    return { leaves: full.leaves };
  }

  /** Hashes of the complete subtrees of 256 entries, in order. */
  get nodes(): readonly Uint8Array[] {
    return this.#nodes;
  }

  /** Leaf hashes behind the last full tile, as far as they are known. */
  get tail(): readonly Uint8Array[] {
    return this.#tail;
  }

  result(): RebuiltTree {
    const whole = this.#nodes.length * TILE_WIDTH + this.#tail.length;
    const fitting = this.#checks.filter((check) => this.#fits(check, whole) === true);
    const confirmed = Math.max(0, ...fitting.map(({ size }) => size));
    const doubtful = this.#provisional.find(({ confirmedBy }) => confirmedBy > confirmed);
    const size = doubtful === undefined ? whole : doubtful.firstLost;
    const contradicted = this.#checks.filter(
      (check) => check.size > size || this.#fits(check, whole) === false,
    );
    const lost = this.#lost.filter(({ from }) => from < size);
    return { size, root: this.#rootAt(size), lost, contradicted };
  }

  #isChecked(tile: number): boolean {
    return this.#checks.some(({ size }) => Math.floor(size / TILE_WIDTH) === tile);
  }

  /** Undefined when it cannot be told: the tree ends among leaves of which only the hash over all is known. */
  #fits({ size, root }: TreeToCheck, whole: number): boolean | undefined {
    if (size > whole) return undefined;
    const found = this.#rootAt(size);
    return found === undefined ? undefined : equalBytes(found, root);
  }

  #rootAt(size: number): Uint8Array | undefined {
    const tile = Math.floor(size / TILE_WIDTH);
    const leaves = tile === this.#nodes.length ? Buffer.concat(this.#tail) : this.#kept.get(tile);
    if (size % TILE_WIDTH > 0 && (leaves?.length ?? 0) < (size % TILE_WIDTH) * HASH_BYTES) return undefined;
    return rootOf(this.#nodeReader(tile, leaves ?? new Uint8Array(0)), size);
  }

  #nodeReader(tile: number, leaves: Uint8Array): NodeReader {
    return (level, index) => {
      const width = 2 ** level;
      const first = index * width;
      if (level >= 8) {
        const count = width / TILE_WIDTH;
        return subtreeRoot(Buffer.concat(this.#nodes.slice(first / TILE_WIDTH, first / TILE_WIDTH + count)));
      }
      const offset = (first - tile * TILE_WIDTH) * HASH_BYTES;
      return subtreeRoot(leaves.subarray(offset, offset + width * HASH_BYTES));
    };
  }

  #note(missing: readonly number[]): void {
    const start = (this.#nodes.length - (this.#ended ? 0 : 1)) * TILE_WIDTH;
    for (const place of missing) {
      const index = start + place;
      const last = this.#lost.at(-1);
      if (last?.to === index) this.#lost[this.#lost.length - 1] = { from: last.from, to: index + 1 };
      else this.#lost.push({ from: index, to: index + 1 });
    }
  }
}

function fullTile(remains: TileRemains): FullTile | undefined {
  const { rows, stored, parent } = remains;
  const missing = missingPlaces(rows);
  if (missing.length === 0) {
    const leaves = Buffer.concat(rows as readonly Uint8Array[]);
    return { node: subtreeRoot(leaves), leaves, confirmedBy: 0, missing };
  }
  const lastMissing = (missing.at(-1) ?? 0) + 1;
  if (stored?.length === TILE_BYTES && fitsRows(stored, rows)) {
    const node = subtreeRoot(stored);
    // Two copies that agree: neither is damaged. Otherwise a tree known elsewhere must confirm it.
    const confirmed = parent !== undefined && equalBytes(parent, node);
    if (confirmed || parent === undefined)
      return { node, leaves: stored, confirmedBy: confirmed ? 0 : lastMissing, missing };
  }
  const noted = knownPrefix(remains);
  if (noted.length === TILE_WIDTH) {
    const leaves = Buffer.concat(noted);
    const node = subtreeRoot(leaves);
    const confirmed = parent !== undefined && equalBytes(parent, node);
    return { node, leaves, confirmedBy: confirmed ? 0 : lastMissing, missing };
  }
  if (parent === undefined) return undefined;
  // Which of the rows left are the right ones cannot be shown without their neighbours' hashes: the tile goes as a whole.
  const all = rows.map((_, place) => place);
  return { node: parent, leaves: undefined, confirmedBy: TILE_WIDTH, missing: all };
}

/** Leaf hashes from the tile's beginning on, of entries that are there or were noted outside of the log. */
function knownPrefix({ rows, noted, stored }: TileRemains): Uint8Array[] {
  const known: Uint8Array[] = [];
  // An earlier recovery stored the leaves of an unfinished tile.
  const unfinished = stored?.length === TILE_BYTES ? undefined : stored;
  for (let place = 0; place < TILE_WIDTH; place++) {
    const hash = rows[place] ?? hashAt(noted, place) ?? hashAt(unfinished, place);
    if (hash === undefined) break;
    known.push(hash);
  }
  return known;
}

function hashAt(hashes: Uint8Array | undefined, place: number): Uint8Array | undefined {
  const hash = hashes?.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
  return hash?.length === HASH_BYTES ? hash : undefined;
}

function knownButLost({ rows }: TileRemains, known: number): number[] {
  return missingPlaces(rows.slice(0, known));
}

function missingPlaces(rows: readonly (Uint8Array | undefined)[]): number[] {
  return rows.flatMap((hash, place) => (hash === undefined ? [place] : []));
}

function fitsRows(stored: Uint8Array, rows: readonly (Uint8Array | undefined)[]): boolean {
  return rows.every(
    (hash, place) =>
      hash === undefined || equalBytes(hash, stored.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)),
  );
}
