import Database from 'better-sqlite3';
import type { SigningKey } from '../key-history.ts';
import { HASH_BYTES } from '../tree/merkle-tree.ts';
import { TILE_BYTES, TILE_WIDTH } from '../tree/hash-tile.ts';

export interface FoundRow {
  readonly index: number;
  readonly kind: string;
  readonly cose: Uint8Array;
}

/** A page of SQLite's default size, which is what we write. */
export const DEFAULT_PAGE_BYTES = 4096;
/** Rows with an impossible number that are passed over in search of the last real one. */
const MAX_WILD_ROWS = 64;

/**
 * A journal of which any page may be ruined, read as far as SQLite gives anything. Never throws: what cannot be read is not
 * there. Opened read-only, so that the file stays the evidence that it is; its write-ahead log is read along with it.
 */
export class DamagedFile {
  readonly file: string;
  readonly #database: Database.Database | undefined;
  /** Something could not be read: other means than SQLite may find more. */
  refused = false;

  constructor(file: string) {
    this.file = file;
    this.#database = this.#try(() => new Database(file, { readonly: true, fileMustExist: true }));
  }

  get pageBytes(): number {
    return this.#one<number>('PRAGMA page_size') ?? DEFAULT_PAGE_BYTES;
  }

  /** Numbers of the last rows, newest first: more than one, because the number itself may be what is damaged. */
  *lastIndices(): Generator<number> {
    let below = Number.MAX_SAFE_INTEGER;
    for (let tries = 0; tries < MAX_WILD_ROWS; tries++) {
      const last = this.#one<number | null>('SELECT max(leaf_index) FROM entry WHERE leaf_index < ?', below);
      if (typeof last !== 'number' || last < 0) return;
      yield last;
      below = last;
    }
  }

  row(index: number): FoundRow | undefined {
    return this.#select(index, index + 1)?.[0];
  }

  /** Rows from..to-1. A page that cannot be read costs its own rows and no others. */
  rows(from: number, to: number): FoundRow[] {
    const found = this.#select(from, to);
    if (found !== undefined) return found;
    if (to - from <= 1) return [];
    const middle = from + Math.floor((to - from) / 2);
    return [...this.rows(from, middle), ...this.rows(middle, to)];
  }

  /** The hashes of a tile as stored; undefined when there are none or they are no hashes. */
  tile(level: number, index: number): Uint8Array | undefined {
    const sql = 'SELECT hashes FROM tile WHERE level = ? AND tile_index = ?';
    const hashes = this.#one<unknown>(sql, level, index);
    if (!(hashes instanceof Uint8Array) || hashes.length % HASH_BYTES !== 0) return undefined;
    return hashes.length <= TILE_BYTES ? hashes : undefined;
  }

  /** The hash of a complete subtree of 256^level leaves, from the tile that holds it. */
  hash(level: number, index: number): Uint8Array | undefined {
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    const hash = this.tile(level, Math.floor(index / TILE_WIDTH))?.subarray(at, at + HASH_BYTES);
    return hash?.length === HASH_BYTES ? hash : undefined;
  }

  /** For key-history.ts, which believes signed entries only. */
  signingKeys(): SigningKey[] {
    const sql =
      'SELECT first_index AS firstIndex, public_key AS publicKey FROM signing_key ORDER BY first_index';
    return this.#try(() => this.#database?.prepare<[], SigningKey>(sql).all()) ?? [];
  }

  close(): void {
    this.#database?.close();
  }

  #select(from: number, to: number): FoundRow[] | undefined {
    const sql = `SELECT leaf_index AS "index", kind, cose FROM entry
                 WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index`;
    const rows = this.#try(() => this.#database?.prepare<[number, number], FoundRow>(sql).all(from, to));
    return rows?.filter((row) => row.cose instanceof Uint8Array && typeof row.kind === 'string');
  }

  #one<T>(sql: string, ...parameters: number[]): T | undefined {
    return this.#try(() =>
      this.#database
        ?.prepare<number[], T>(sql)
        .pluck()
        .get(...parameters),
    );
  }

  #try<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch {
      this.refused = true;
      return undefined;
    }
  }
}
