import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { FaultBody } from './entry/entry-types.ts';
import { DATABASE_FILE } from './store/sqlite-schema.ts';
import { syncPath } from './store/sqlite-store.ts';
import { acquireWriterLock } from './store/writer-lock.ts';

const SET_ASIDE = /^journal\.db\.damaged-(\d+)(?:-wal|-shm)?$/;

/**
 * Renames the database and its write-ahead log to `journal.db.damaged-<n>` (with `-wal`, so that SQLite still finds it),
 * durably. The content is kept as it is. The next journal opened here is a new one that says so.
 * @returns the new name of the database, relative to the directory
 * @throws JournalError `journal.locked` while someone writes the journal
 */
export function setAsideDamagedJournal(directory: string): string {
  const lock = acquireWriterLock(directory);
  try {
    // The database first: cut off here, its log without it is no journal (openStore says so) and gets the same number
    // when this is called again. The other way round, the database would open without its last commits.
    const last = lastSetAside(directory);
    const at = (name: string) => existsSync(path.join(directory, name));
    const before = `${DATABASE_FILE}.damaged-${last}`;
    const halfDone = !at(DATABASE_FILE) && at(before) && !at(`${before}-wal`);
    const name = halfDone ? before : `${DATABASE_FILE}.damaged-${last + 1}`;
    for (const suffix of ['', '-wal', '-shm']) {
      const from = path.join(directory, DATABASE_FILE + suffix);
      if (existsSync(from)) renameSync(from, path.join(directory, name + suffix));
    }
    syncPath(directory);
    return name;
  } finally {
    lock.release();
  }
}

/** The body of the `fault` entry for the newest journal that was set aside; undefined when there is none. */
export function describeSetAside(directory: string): FaultBody | undefined {
  const number = lastSetAside(directory);
  if (number === 0) return undefined;
  const name = `${DATABASE_FILE}.damaged-${number}`;
  return {
    code: 'journal.corrupt',
    message: 'the journal before this one is damaged and was set aside',
    facts: [
      { name: 'keptAs', value: name },
      { name: 'lastKnownSize', value: readableSize(path.join(directory, name)) ?? 'unreadable' },
    ],
  };
}

function lastSetAside(directory: string): number {
  const numbers = readdirSync(directory).map((name) => Number(SET_ASIDE.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** As far as SQLite can still say. Opened read-only: the file is evidence. */
function readableSize(file: string): string | undefined {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    const last = database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck().get();
    return String((last ?? -1) + 1);
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}
