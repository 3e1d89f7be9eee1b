import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { JournalError } from '../errors.ts';
import type { TileWrite } from '../tree/hash-tile.ts';
import { commitError, ioError, readError } from './sqlite-error.ts';
import { DiskReserve } from './disk-reserve.ts';
import { Room, type RoomOptions } from './room.ts';
import { RowDropper, type RowDrop } from './sqlite-drop.ts';
import { SqliteRows, type EntryRow } from './sqlite-rows.ts';
import { CACHE_KIB, checkIsJournal, DATABASE_FILE, migrate } from './sqlite-schema.ts';
import { syncPath } from './sync-path.ts';

/** The one connection that writes. WAL with synchronous=FULL: a commit that returned survives a power cut. */
export class SqliteStore extends SqliteRows {
  readonly #insertEntry: Database.Statement<[number, string, Uint8Array]>;
  readonly #putTile: Database.Statement<[number, number, Uint8Array]>;
  readonly #insertKey: Database.Statement<[number, Uint8Array]>;
  readonly #dropper: RowDropper;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;

  readonly #room: Room;

  constructor(database: Database.Database, room: Room) {
    super(database);
    this.#room = room;
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
   * Durable when it returns, all or nothing: rows that go do so together with the last of `rows`, which says so. When the
   * disk is full, whatever holds more than readings and commands that only look has a reserve.
   * @throws JournalError `journal.disk_full`, `journal.commit_failed`, `journal.corrupt` (effect none),
   * `journal.commit_unknown` (effect unknown: close, open again and look at the size)
   */
  appendGroup(rows: readonly EntryRow[], tiles: readonly TileWrite[], drop?: RowDrop): void {
    const yields = rows.every((row) => row.yields ?? row.kind === 'reading');
    this.#room.prepare(yields);
    try {
      this.#write(rows, tiles, drop);
    } catch (error) {
      if (!this.#room.makeWay(error as JournalError, yields)) throw error;
      this.#write(rows, tiles, drop);
    }
  }

  /** Why a reading, or what yields as one, cannot be taken now, without trying; undefined when it can be tried. */
  refusesReadings(): JournalError | undefined {
    return this.#room.refusal();
  }

  #write(rows: readonly EntryRow[], tiles: readonly TileWrite[], drop?: RowDrop): void {
    let stage: 'before commit' | 'commit' = 'before commit';
    try {
      this.#begin.run();
      // What goes makes room for the entry that says so: a log that is full to its last page must be able to give way.
      const cause = rows.at(-1);
      if (drop !== undefined && cause !== undefined) this.#dropper.drop(drop, cause.index);
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

  /** By keep span, how far retention has come (retention/). */
  retentionProgress(): ReadonlyMap<number, number> {
    return this.#dropper.progress();
  }

  /** Bytes of the file that hold something; what was freed in it is used again before it grows. */
  usedBytes(): number {
    const pages = (name: string): number => this.database.pragma(name, { simple: true }) as number;
    return (pages('page_count') - pages('freelist_count')) * pages('page_size');
  }

  /**
   * Writes what stands in the write-ahead log into the database, durably. After a failed fsync the kernel may take pages of the
   * log for written that are not: SQLite reads them back from memory, and a power cut would take them and all that came after.
   * Closing does this too, but only when nobody else reads the file.
   * @throws JournalError `journal.io`
   */
  foldWriteAheadLog(): void {
    const [folded] = this.database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
    if (folded?.busy !== 0)
      throw new JournalError('journal.io', 'a reader keeps the write-ahead log from being emptied');
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

export type StoreOptions = RoomOptions;

/**
 * Opens the journal for writing, or makes an empty one. The caller holds the writer lock.
 * @throws JournalError `journal.corrupt`, `journal.newer_format`, `journal.io`
 */
export function openStore(directory: string, options: StoreOptions = {}): SqliteStore {
  const file = path.join(directory, DATABASE_FILE);
  const reserve = new DiskReserve(directory, options.reserveBytes ?? 0);
  const open = (): SqliteStore => {
    if (!existsSync(file)) createDatabase(file);
    return openDatabase(file, reserve, options);
  };
  try {
    return withRoom(open, reserve);
  } catch (error) {
    throw readError(error, `cannot open ${file}`);
  }
}

/** On a full disk SQLite finds no room for its own files, and says no more than that: the reserve is for them too. */
function withRoom<T>(open: () => T, reserve: DiskReserve): T {
  try {
    return open();
  } catch (error) {
    const corrupt = readError(error, '').code !== 'journal.io';
    if (corrupt || reserve.freeBytes() >= reserve.bytes || !reserve.release()) throw error;
    return open();
  }
}

/** Opens a journal that was open before: one that is gone is not made anew. @throws as openStore */
export function reopenStore(directory: string, options: StoreOptions): SqliteStore {
  const file = path.join(directory, DATABASE_FILE);
  const reserve = new DiskReserve(directory, options.reserveBytes ?? 0);
  try {
    const store = withRoom(() => openDatabase(file, reserve, options), reserve);
    try {
      store.foldWriteAheadLog();
      return store;
    } catch (error) {
      store.close();
      throw error;
    }
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
  // Before it has its name: a `journal.db` never has a rollback journal, which a reader could not roll back.
  database.pragma('journal_mode = WAL');
  database.close();
  syncPath(draft);
  renameSync(draft, file);
  syncPath(path.dirname(file));
}

function openDatabase(file: string, reserve: DiskReserve, options: StoreOptions): SqliteStore {
  const database = new Database(file, { fileMustExist: true });
  try {
    checkIsJournal(database);
    const mode = database.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal')
      throw new JournalError('journal.io', `${file} cannot be written ahead (mode ${String(mode)})`);
    database.pragma('synchronous = FULL');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    migrate(database);
    return new SqliteStore(database, new Room(database, reserve, options));
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

export { syncPath };
