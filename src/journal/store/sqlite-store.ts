import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { JournalError } from '../errors.ts';
import type { TileWrite } from '../tree/hash-tile.ts';
import { commitError, ioError, readError } from './sqlite-error.ts';
import { headroomBytes } from '../retention/retention-plan.ts';
import { RowDropper, type RowDrop } from './sqlite-drop.ts';
import { SqliteRows, type EntryRow } from './sqlite-rows.ts';
import { checkIsJournal, DATABASE_FILE, migrate } from './sqlite-schema.ts';
import { syncPath } from './sync-path.ts';

/** The one connection that writes. WAL with synchronous=FULL: a commit that returned survives a power cut. */
export class SqliteStore extends SqliteRows {
  readonly #insertEntry: Database.Statement<[number, string, Uint8Array]>;
  readonly #putTile: Database.Statement<[number, number, Uint8Array]>;
  readonly #insertKey: Database.Statement<[number, Uint8Array]>;
  readonly #dropper: RowDropper;
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
    this.#dropper = new RowDropper(database);
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /**
   * Durable when it returns, all or nothing: rows that go do so together with the last of `rows`, which says so.
   * @throws JournalError `journal.disk_full`, `journal.commit_failed`, `journal.corrupt` (effect none),
   * `journal.commit_unknown` (effect unknown: close, open again and look at the size)
   */
  appendGroup(rows: readonly EntryRow[], tiles: readonly TileWrite[], drop?: RowDrop): void {
    let stage: 'before commit' | 'commit' = 'before commit';
    try {
      this.#begin.run();
      for (const { index, kind, cose, nextKey } of rows) {
        this.#insertEntry.run(index, kind, cose);
        if (nextKey !== undefined) this.#insertKey.run(index + 1, nextKey);
      }
      for (const { level, index, hashes } of tiles) this.#putTile.run(level, index, hashes);
      const cause = rows.at(-1);
      if (drop !== undefined && cause !== undefined) this.#dropper.drop(drop, cause.index);
      stage = 'commit';
      this.#commit.run();
    } catch (error) {
      throw commitError(error, this.#rollback() ? stage : 'not rolled back');
    }
  }

  /** By keep span, how far retention has come (retention/). */
  retentionProgress(): ReadonlyMap<number, number> {
    return this.#dropper.progress();
  }

  /** Bytes of the file that hold something; what was freed in it is used again before it grows. */
  usedBytes(): number {
    const pages = (name: string): number => this.database.pragma(name, { simple: true }) as number;
    return (pages('page_count') - pages('freelist_count')) * pages('page_size');
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

/**
 * The file gets its name only when its schema is complete and synchronised: a `journal.db` without a schema is always
 * damage, never a fresh start that a power cut interrupted.
 */
export function createDatabase(file: string): void {
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
    if (maxBytes !== undefined) bound(database, maxBytes);
    return new SqliteStore(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite lets its write-ahead log grow to so many pages before it is written back. */
const WAL_PAGES = 1_000;

/** The file and its write-ahead log together: of a small bound the latter must not take most. */
function bound(database: Database.Database, maxBytes: number): void {
  const pageBytes = database.pragma('page_size', { simple: true }) as number;
  const walPages = Math.min(WAL_PAGES, Math.floor(headroomBytes(maxBytes) / 2 / pageBytes));
  database.pragma(`wal_autocheckpoint = ${Math.max(1, walPages)}`);
  database.pragma(`journal_size_limit = ${walPages * pageBytes}`);
  database.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
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

export { syncPath };
