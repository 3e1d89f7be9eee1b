import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { JournalError } from './errors.ts';

/** Held as long as the process lives or until released; the kernel lets go of it however the process ends. */
export interface WriterLock {
  release(): void;
}

/**
 * Makes this the only writer of the journal in a directory. Node has no flock, SQLite has: an exclusive transaction on
 * an empty database file that is never written to (so nothing in it can be damaged). The pid beside it is for people.
 * @throws JournalError `journal.locked`, with `details.pid` when the holder left it
 */
export function acquireWriterLock(directory: string): WriterLock {
  const pidFile = path.join(directory, 'journal.pid');
  const database = new Database(path.join(directory, 'journal.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_BUSY') throw error;
    const pid = readPid(pidFile);
    throw new JournalError('journal.locked', `another process writes this journal: pid ${pid ?? 'unknown'}`, {
      details: { directory, pid },
      hint: 'stop the other process, or give this one another state directory',
      cause: error,
    });
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release() {
      if (!database.open) return;
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
