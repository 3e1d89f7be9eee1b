import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { sqliteCode } from './sqlite-error.ts';

/** Whether a process writes the journal of a directory, and which, as far as it said. */
export interface JournalWriter {
  readonly running: boolean;
  readonly pid: number | undefined;
}

/**
 * Asks whether the writer's lock is held, without taking it: a shared look at the lock's database, which an exclusive
 * holder refuses. A service that starts within the same microseconds may be refused once; its supervisor starts it again.
 */
export function findJournalWriter(directory: string): JournalWriter {
  const file = path.join(directory, 'journal.lock');
  if (!existsSync(file)) return { running: false, pid: undefined };
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, timeout: 0 });
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return { running: false, pid: undefined };
  } catch (error) {
    if (sqliteCode(error) !== 'SQLITE_BUSY') return { running: false, pid: undefined };
    return { running: true, pid: readPid(path.join(directory, 'journal.pid')) };
  } finally {
    database?.close();
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
