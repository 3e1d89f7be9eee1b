import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { JournalError } from '../errors.ts';
import { edgeTile, tileLevels, TILE_WIDTH, type TileWrite, type TreeEdge } from '../tree/hash-tile.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle-tree.ts';
import { commitError, ioError, readError } from './sqlite-error.ts';
import { checkIsJournal, DATABASE_FILE, migrate, SIGNING_KEY_SCHEMA } from './sqlite-schema.ts';

export interface EntryRow {
  readonly index: number;
  readonly kind: string;
  readonly cose: Uint8Array;
  /** To be written with it: the key that signs from the next entry on, when this one is a rotation. */
  readonly nextKey?: Uint8Array | undefined;
}

/** Reads of one journal file. All of them throw JournalError `journal.corrupt` or `journal.io`. */
export class SqliteRows {
  protected readonly database: Database.Database;
  readonly #size: Database.Statement<[], number | null>;
  readonly #row: Database.Statement<[number], EntryRow>;
  readonly #rows: Database.Statement<[number, number], EntryRow>;
  readonly #lastOfKind: Database.Statement<[string], EntryRow>;
  readonly #tile: Database.Statement<[number, number], Uint8Array>;

  constructor(database: Database.Database) {
    this.database = database;
    const columns = 'leaf_index AS "index", kind, cose';
    this.#size = database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck();
    this.#row = database.prepare(`SELECT ${columns} FROM entry WHERE leaf_index = ?`);
    this.#rows = database.prepare(
      `SELECT ${columns} FROM entry WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index`,
    );
    // The second condition lets SQLite use the partial index.
    this.#lastOfKind = database.prepare(
      `SELECT ${columns} FROM entry WHERE kind = ? AND kind <> 'reading' ORDER BY leaf_index DESC LIMIT 1`,
    );
    this.#tile = database
      .prepare<[number, number], Uint8Array>('SELECT hashes FROM tile WHERE level = ? AND tile_index = ?')
      .pluck();
  }

  /** Number of entries. */
  size(): number {
    return this.#read(() => (this.#size.get() ?? -1) + 1);
  }

  row(index: number): EntryRow | undefined {
    return this.#read(() => this.#row.get(index));
  }

  /** Rows from..to-1 that are there, in order; keep the range small, it is held in memory. */
  rows(from: number, to: number): EntryRow[] {
    return this.#read(() => this.#rows.all(from, to));
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

  /** At least `width` hashes of a tile; leaf hashes that are in no stored tile yet come from the entries. */
  tile(level: number, index: number, width: number): Uint8Array {
    const stored = this.#read(() => this.#tile.get(level, index));
    const hashes = stored ?? (level === 0 ? this.#hashEntries(index * TILE_WIDTH, width) : new Uint8Array(0));
    if (hashes.length < width * HASH_BYTES) {
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

  #hashEntries(from: number, width: number): Uint8Array {
    return Buffer.concat(this.rows(from, from + width).map((row) => leafHash(row.cose)));
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw readError(error, 'cannot read the journal');
    }
  }
}

/** The one connection that writes. WAL with synchronous=FULL: a commit that returned survives a power cut. */
export class SqliteStore extends SqliteRows {
  readonly #insertEntry: Database.Statement<[number, string, Uint8Array]>;
  readonly #putTile: Database.Statement<[number, number, Uint8Array]>;
  readonly #insertKey: Database.Statement<[number, Uint8Array]>;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;

  constructor(database: Database.Database) {
    super(database);
    this.#insertEntry = database.prepare('INSERT INTO entry (leaf_index, kind, cose) VALUES (?, ?, ?)');
    this.#putTile = database.prepare(
      `INSERT INTO tile (level, tile_index, hashes) VALUES (?, ?, ?)
       ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes`,
    );
    this.#insertKey = database.prepare('INSERT INTO signing_key (first_index, public_key) VALUES (?, ?)');
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /**
   * Durable when it returns, all or nothing.
   * @throws JournalError `journal.disk_full`, `journal.commit_failed`, `journal.corrupt` (effect none),
   * `journal.commit_unknown` (effect unknown: close, open again and look at the size)
   */
  appendGroup(rows: readonly EntryRow[], tiles: readonly TileWrite[]): void {
    let stage: 'before commit' | 'commit' = 'before commit';
    try {
      this.#begin.run();
      for (const { index, kind, cose, nextKey } of rows) {
        this.#insertEntry.run(index, kind, cose);
        if (nextKey !== undefined) this.#insertKey.run(index + 1, nextKey);
      }
      for (const { level, index, hashes } of tiles) this.#putTile.run(level, index, hashes);
      stage = 'commit';
      this.#commit.run();
    } catch (error) {
      throw commitError(error, this.#rollback() ? stage : 'not rolled back');
    }
  }

  /** False when the transaction could not be taken back: this connection must not be used any more. */
  #rollback(): boolean {
    try {
      if (this.database.inTransaction) this.database.exec('ROLLBACK');
    } catch {
      // The error that led here is the one to report.
    }
    return !this.database.inTransaction;
  }
}

export interface StoreOptions {
  /** Upper bound of the database file; at it, appending fails with `journal.disk_full`. */
  readonly maxBytes?: number | undefined;
}

/**
 * Opens the journal for writing, or makes an empty one. The caller holds the writer lock.
 * @throws JournalError `journal.corrupt`, `journal.newer_format`, `journal.io`
 */
export function openStore(directory: string, options: StoreOptions = {}): SqliteStore {
  const file = path.join(directory, DATABASE_FILE);
  try {
    if (!existsSync(file)) createDatabase(file);
    return openDatabase(file, options);
  } catch (error) {
    throw readError(error, `cannot open ${file}`);
  }
}

/** Opens a journal that was open before: one that is gone is not made anew. @throws as openStore */
export function reopenStore(directory: string, options: StoreOptions): SqliteStore {
  const file = path.join(directory, DATABASE_FILE);
  try {
    return openDatabase(file, options);
  } catch (error) {
    throw readError(error, `cannot open ${file} again`);
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
    return new SqliteRows(database);
  } catch (error) {
    database?.close();
    throw readError(error, `cannot open ${file}`);
  }
}

/**
 * The file gets its name only when its schema is complete and synchronised: a `journal.db` without a schema is always
 * damage, never a fresh start that a power cut interrupted.
 */
function createDatabase(file: string): void {
  if (existsSync(`${file}-wal`)) {
    throw new JournalError('journal.corrupt', `${file} is gone, but its write-ahead log is there`);
  }
  const draft = `${file}.draft`;
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(draft + suffix, { force: true });
  const database = new Database(draft);
  migrate(database);
  database.close();
  syncPath(draft);
  renameSync(draft, file);
  syncPath(path.dirname(file));
}

function openDatabase(file: string, { maxBytes }: StoreOptions): SqliteStore {
  const database = new Database(file, { fileMustExist: true });
  try {
    checkIsJournal(database);
    const mode = database.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal')
      throw new JournalError('journal.io', `${file} cannot be written ahead (mode ${String(mode)})`);
    database.pragma('synchronous = FULL');
    migrate(database);
    if (maxBytes !== undefined) {
      const pageBytes = database.pragma('page_size', { simple: true }) as number;
      database.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
    }
    return new SqliteStore(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Makes a state directory, durably. @throws JournalError `journal.io` */
export function makeDirectory(directory: string): void {
  try {
    const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (first !== undefined) syncPath(path.dirname(first));
  } catch (error) {
    throw ioError(error, `cannot make ${directory}`);
  }
}

/** fsync of a file or a directory by its path. */
export function syncPath(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
