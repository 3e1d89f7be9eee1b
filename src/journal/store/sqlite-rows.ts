import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { ENTRY_KINDS } from '../entry/entry-payload.ts';
import type { EntryRange } from '../entry/entry-types.ts';
import { JournalError } from '../errors.ts';
import { edgeTile, tileLevels, TILE_WIDTH, type TreeEdge } from '../tree/hash-tile.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle-tree.ts';
import { readError } from './sqlite-error.ts';
import {
  CACHE_KIB,
  checkIsJournal,
  DATABASE_FILE,
  SCHEMA_WITH_HOLES,
  SIGNING_KEY_SCHEMA,
} from './sqlite-schema.ts';

export interface EntryRow {
  readonly index: number;
  readonly kind: string;
  readonly cose: Uint8Array;
  /** To be written with it: the key that signs from the next entry on, when this one is a rotation. */
  readonly nextKey?: Uint8Array | undefined;
  /** The reserve of a full disk is not for it. Unless told: a reading. */
  readonly yields?: boolean;
}

/** Reads of one journal file. All of them throw JournalError `journal.corrupt` or `journal.io`. */
export class SqliteRows {
  protected readonly database: Database.Database;
  readonly #size: Database.Statement<[], number | null>;
  /** Absent in a file from before there were holes. */
  readonly #holeEnd: Database.Statement<[], number> | undefined;
  readonly #row: Database.Statement<[number], EntryRow>;
  readonly #rows: Database.Statement<[number, number], EntryRow>;
  readonly #firstRows: Database.Statement<[number, number, number], EntryRow>;
  readonly #readings: Database.Statement<[number, number], EntryRow>;
  readonly #readingIndices: Database.Statement<[number, number], number>;
  readonly #lastOfKind: Database.Statement<[string], EntryRow>;
  readonly #ofKind: Database.Statement<[string, number, number], EntryRow>;
  readonly #firstOfKind: Database.Statement<[string, number, number, number], EntryRow>;
  readonly #tile: Database.Statement<[number, number], Uint8Array>;

  constructor(database: Database.Database) {
    this.database = database;
    const columns = 'leaf_index AS "index", kind, cose';
    this.#size = database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck();
    // Holes lie apart: the last one by its beginning is the last one by its end.
    this.#holeEnd = this.#hasHoles()
      ? database.prepare<[], number>('SELECT end_index FROM hole ORDER BY first_index DESC LIMIT 1').pluck()
      : undefined;
    this.#row = database.prepare(`SELECT ${columns} FROM entry WHERE leaf_index = ?`);
    this.#rows = database.prepare(
      `SELECT ${columns} FROM entry WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index`,
    );
    const between = 'FROM entry WHERE leaf_index >= ? AND leaf_index < ?';
    this.#firstRows = database.prepare(`SELECT ${columns} ${between} ORDER BY leaf_index LIMIT ?`);
    this.#readings = database.prepare(
      `SELECT ${columns} ${between} AND kind = 'reading' ORDER BY leaf_index`,
    );
    this.#readingIndices = database
      .prepare<[number, number], number>(
        `SELECT leaf_index ${between} AND kind = 'reading' ORDER BY leaf_index`,
      )
      .pluck();
    // The second condition lets SQLite use the partial index.
    this.#lastOfKind = database.prepare(
      `SELECT ${columns} FROM entry WHERE kind = ? AND kind <> 'reading' ORDER BY leaf_index DESC LIMIT 1`,
    );
    this.#ofKind = database.prepare(
      `SELECT ${columns} FROM entry WHERE kind = ? AND kind <> 'reading' AND leaf_index < ?
       ORDER BY leaf_index DESC LIMIT ?`,
    );
    this.#firstOfKind = database.prepare(
      `SELECT ${columns} FROM entry WHERE kind = ? AND kind <> 'reading' AND leaf_index >= ? AND leaf_index < ?
       ORDER BY leaf_index LIMIT ?`,
    );
    this.#tile = database
      .prepare<[number, number], Uint8Array>('SELECT hashes FROM tile WHERE level = ? AND tile_index = ?')
      .pluck();
  }

  /** Number of entries. The last of them may be gone: a log of which the end was lost goes on behind it. */
  size(): number {
    return this.#read(() => Math.max((this.#size.get() ?? -1) + 1, this.#holeEnd?.get() ?? 0));
  }

  row(index: number): EntryRow | undefined {
    return this.#read(() => this.#row.get(index));
  }

  /** Rows from..to-1 that are there, in order; keep the range small, it is held in memory. */
  rows(from: number, to: number): EntryRow[] {
    return this.#read(() => this.#rows.all(from, to));
  }

  /** The first `limit` rows from..to-1 that are there, in order. */
  firstRows(from: number, to: number, limit: number): EntryRow[] {
    return this.#read(() => this.#firstRows.all(from, to, limit));
  }

  /** Readings from..to-1 that are there. */
  readings(from: number, to: number): EntryRow[] {
    return this.#read(() => this.#readings.all(from, to));
  }

  /** Their indices alone. */
  readingIndices(from: number, to: number): number[] {
    return this.#read(() => this.#readingIndices.all(from, to));
  }

  /** Which of the entries from..to-1 are gone, as the table says: derived from signed entries, and believed by no auditor. */
  holes(from: number, to: number): EntryRange[] {
    return this.#read(() => {
      if (!this.#hasHoles()) return [];
      return this.database
        .prepare<[number, number, number], EntryRange>(
          `SELECT first_index AS "from", end_index AS "to" FROM hole
           WHERE first_index >= coalesce((SELECT max(first_index) FROM hole WHERE first_index <= ?), 0)
             AND first_index < ? AND end_index > ? ORDER BY first_index`,
        )
        .all(from, to, from);
    });
  }

  /** How many entries are gone, and in how many runs. */
  pruned(): { readonly entries: number; readonly ranges: number } {
    return this.#read(() => {
      if (!this.#hasHoles()) return { entries: 0, ranges: 0 };
      const sums = this.database
        .prepare<[], { entries: number | null; ranges: number }>(
          'SELECT sum(end_index - first_index) AS entries, count(*) AS ranges FROM hole',
        )
        .get();
      return { entries: sums?.entries ?? 0, ranges: sums?.ranges ?? 0 };
    });
  }

  /** The table of later keys, unverified (key-history.ts); empty in a file from before there were any. */
  signingKeys(): { readonly firstIndex: number; readonly publicKey: Uint8Array }[] {
    return this.#read(() => {
      if ((this.database.pragma('user_version', { simple: true }) as number) < SIGNING_KEY_SCHEMA) return [];
      return this.database
        .prepare<[], { firstIndex: number; publicKey: Uint8Array }>(
          'SELECT first_index AS firstIndex, public_key AS publicKey FROM signing_key ORDER BY first_index',
        )
        .all();
    });
  }

  lastOfKind(kind: 'boot'): EntryRow | undefined {
    return this.#read(() => this.#lastOfKind.get(kind));
  }

  /** Index of the newest entry that is no reading; a damaged index by kind does not hide it, it only takes longer. */
  lastOther(): number | undefined {
    try {
      const newest = ENTRY_KINDS.flatMap((kind) => this.ofKind(kind, Number.MAX_SAFE_INTEGER, 1));
      return newest.length === 0 ? undefined : Math.max(...newest.map(({ index }) => index));
    } catch (error) {
      if (!(error instanceof JournalError) || error.code !== 'journal.corrupt') throw error;
      const walk = `SELECT leaf_index FROM entry NOT INDEXED WHERE kind <> 'reading' ORDER BY leaf_index DESC LIMIT 1`;
      return this.#read(() => this.database.prepare<[], number>(walk).pluck().get());
    }
  }

  /** The newest `limit` rows of a kind that is not `reading` before an index, newest first. */
  ofKind(kind: string, before: number, limit: number): EntryRow[] {
    return this.#read(() => this.#ofKind.all(kind, before, limit));
  }

  /** The first `limit` rows from..to-1 of a kind that is not `reading`, in order. */
  firstOfKind(kind: string, from: number, to: number, limit: number): EntryRow[] {
    return this.#read(() => this.#firstOfKind.all(kind, from, to, limit));
  }

  /** At least `width` hashes of a tile; leaf hashes that are in no stored tile yet come from the entries. */
  tile(level: number, index: number, width: number): Uint8Array {
    const stored = this.#read(() => this.#tile.get(level, index)) ?? new Uint8Array(0);
    const hashes = level === 0 ? this.#withEntries(stored, index * TILE_WIDTH, width) : stored;
    if (hashes.length < width * HASH_BYTES) {
      const from = index * TILE_WIDTH;
      if (level === 0 && this.#isGone(from, from + TILE_WIDTH)) {
        throw new JournalError(
          'journal.pruned',
          `the hashes of entries ${from} to ${from + TILE_WIDTH - 1} are gone`,
          {
            details: { from, to: from + TILE_WIDTH },
            hint: 'prove it against a tree of another size: the last anchored one, or the log as it is',
          },
        );
      }
      throw new JournalError('journal.corrupt', `tile ${index} of level ${level} is missing or too short`, {
        remedy: 'degrade',
        details: { level, index, width, found: hashes.length / HASH_BYTES },
      });
    }
    return hashes;
  }

  /** What is needed to go on: at most 255 entries and a few tiles are read, however long the log. */
  edge(size: number): TreeEdge {
    const partial = Array.from({ length: tileLevels(size) }, (_, level) => {
      const { index, width } = edgeTile(size, level);
      return width === 0 ? new Uint8Array(0) : this.tile(level, index, width).slice(0, width * HASH_BYTES);
    });
    return { size, partial };
  }

  close(): void {
    this.database.close();
  }

  #hasHoles(): boolean {
    return (this.database.pragma('user_version', { simple: true }) as number) >= SCHEMA_WITH_HOLES;
  }

  #isGone(from: number, to: number): boolean {
    let covered = from;
    for (const hole of this.holes(from, to)) if (hole.from <= covered) covered = hole.to;
    return covered >= to;
  }

  /** Of an unfinished tile there are stored hashes only up to the last entry that is lost. */
  #withEntries(stored: Uint8Array, from: number, width: number): Uint8Array {
    const known = stored.length / HASH_BYTES;
    if (known >= width) return stored;
    const hashed = this.#hashEntries(from + known, width - known);
    return known === 0 ? hashed : Buffer.concat([stored, hashed]);
  }

  #hashEntries(from: number, width: number): Uint8Array {
    const hashes = this.rows(from, from + width).map(({ index, cose }) => {
      // In a damaged page a row may lack what its table demands of it.
      if (!((cose as unknown) instanceof Uint8Array)) {
        throw new JournalError('journal.corrupt', `the row of entry ${index} holds no bytes`, {
          remedy: 'degrade',
        });
      }
      return leafHash(cose);
    });
    return Buffer.concat(hashes);
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw readError(error, 'cannot read the journal');
    }
  }
}

/** Opens the journal for reading, also while another process writes it. @throws JournalError `journal.missing`, … */
export function openRows(directory: string): SqliteRows {
  const file = path.join(directory, DATABASE_FILE);
  if (!existsSync(file)) {
    throw new JournalError('journal.missing', `there is no journal in ${directory}`, {
      hint: 'give the state directory of a station that has run',
    });
  }
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    checkIsJournal(database);
    database.pragma(`cache_size = -${CACHE_KIB}`);
    return new SqliteRows(database);
  } catch (error) {
    database?.close();
    throw readError(error, `cannot open ${file}`);
  }
}
