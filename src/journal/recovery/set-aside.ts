import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { ioError } from '../store/sqlite-error.ts';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { syncPath } from '../store/sqlite-store.ts';

const SET_ASIDE = /^journal\.db\.damaged-(\d+)(?:-wal|-shm)?$/;

/** How many journals were set aside here; their files are numbered from 1. */
export function setAsideCount(directory: string): number {
  const numbers = readdirSync(directory).map((name) => Number(SET_ASIDE.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** What the next journal that is set aside will be called. */
export function nextSetAside(directory: string): string {
  return `${DATABASE_FILE}.damaged-${setAsideCount(directory) + 1}`;
}

/**
 * Renames the database and its write-ahead log (with `-wal`, so that SQLite still finds it), durably; the content stays as it
 * is, and nothing of it is ever deleted by us. Called again after a power cut in the middle, it finishes what it began.
 * @throws JournalError `journal.io`
 */
export function setAside(directory: string, keptAs: string): void {
  const at = (name: string): boolean => existsSync(path.join(directory, name));
  try {
    // The database first: the other way round, cut off here, it would open without its last commits.
    for (const suffix of ['', '-wal']) {
      if (!at(DATABASE_FILE + suffix) || at(keptAs + suffix)) continue;
      renameSync(path.join(directory, DATABASE_FILE + suffix), path.join(directory, keptAs + suffix));
      syncPath(directory);
    }
  } catch (error) {
    throw ioError(error, `cannot set ${DATABASE_FILE} aside`);
  }
}
