import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { JournalError } from '../errors.ts';
import { ioError, sqliteCode } from './sqlite-error.ts';

/** Held as long as the process lives or until released; the kernel lets go of it however the process ends. */
export interface WriterLock {
  release(): void;
}

/**
 * Makes this the only writer of the journal in a directory. Node has no flock, SQLite has: an exclusive transaction on
 * an empty database file that is never written to (so nothing in it can be damaged). The pid beside it is for people.
 * @throws JournalError `journal.locked`, with `details.pid` when the holder left it; `journal.io`
 */
export function acquireWriterLock(directory: string): WriterLock {
  const pidFile = path.join(directory, 'journal.pid');
  let database: Database.Database | undefined;
  try {
    database = new Database(path.join(directory, 'journal.lock'), { timeout: 0 });
    // In memory: with a rollback journal on disk, a full disk would refuse the lock.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (sqliteCode(error) !== 'SQLITE_BUSY') throw ioError(error, 'cannot lock the journal');
    const pid = readPid(pidFile);
    throw new JournalError('journal.locked', `another process writes this journal: pid ${pid ?? 'unknown'}`, {
      details: { directory, pid },
      hint: 'stop the other process, or give this one another state directory',
      cause: error,
    });
  }
  const held = database;
  writePid(pidFile);
  return {
    release() {
      if (!held.open) return;
      rmSync(pidFile, { force: true });
      held.close();
    },
  };
}

/** The lock holds without it: a full disk must not keep the journal closed. */
function writePid(file: string): void {
  try {
    writeFileSync(file, `${process.pid}\n`);
  } catch {
    rmSync(file, { force: true });
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
