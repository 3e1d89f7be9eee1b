import Database from 'better-sqlite3';
import type { StationErrorOptions } from '../../../hal/contract/index.ts';
import { JournalError } from '../errors.ts';

/**
 * What SQLite says of a file whose content makes no sense; SQLITE_ERROR when a table of ours is not in it, and
 * SQLITE_IOERR_SHORT_READ when it ends in the middle of a page.
 */
const CORRUPT = /^SQLITE_(CORRUPT|NOTADB|FORMAT|ERROR$|IOERR_SHORT_READ)/;

/** A failed read or open, in our words; errors of ours pass unchanged. */
export function readError(error: unknown, what: string): JournalError {
  if (error instanceof JournalError) return error;
  const code = sqliteCode(error);
  if (CORRUPT.test(code)) {
    return new JournalError('journal.corrupt', `${what}: the database file is damaged (${code})`, {
      remedy: 'degrade',
      details: { sqlite: code },
      cause: error,
    });
  }
  return ioError(error, what);
}

/** Whatever SQLite or the file system said, the device is to blame and not the content. */
export function ioError(error: unknown, what: string): JournalError {
  const code = sqliteCode(error);
  return new JournalError('journal.io', `${what}: ${code}`, {
    remedy: 'retry',
    details: { sqlite: code },
    cause: error,
  });
}

/**
 * A failed commit. Only SQLITE_FULL, and what fails before COMMIT, is known to have left nothing behind; any other error
 * of COMMIT may have reached the disk, and after a failed fsync nobody knows (the kernel drops the dirty pages).
 */
export function commitError(
  error: unknown,
  stage: 'before commit' | 'commit' | 'not rolled back',
): JournalError {
  const code = sqliteCode(error);
  const options = { details: { sqlite: code, stage }, cause: error };
  if (stage === 'not rolled back') return commitUnknown(code, options);
  if (code === 'SQLITE_FULL') {
    return new JournalError('journal.disk_full', 'the disk is full; nothing was appended', {
      ...options,
      hint: 'free space on the file system of the state directory',
    });
  }
  if (CORRUPT.test(code)) return readError(error, 'cannot append');
  if (stage === 'before commit') {
    return new JournalError('journal.commit_failed', `nothing was appended: ${code}`, {
      ...options,
      remedy: 'retry',
    });
  }
  return commitUnknown(code, options);
}

function commitUnknown(code: string, options: Partial<StationErrorOptions>): JournalError {
  return new JournalError('journal.commit_unknown', `the commit failed and may have taken effect: ${code}`, {
    ...options,
    effect: 'unknown',
    hint: 'the size of the log, read again, says what is there',
  });
}

/** SQLite's own code, or the message of any other error. */
export function sqliteCode(error: unknown): string {
  if (error instanceof Database.SqliteError) return error.code;
  return error instanceof Error ? error.message : String(error);
}
