import { closeSync, fsyncSync, openSync } from 'node:fs';
import path from 'node:path';
import { ioError } from './sqlite-error.ts';
import { DATABASE_FILE } from './sqlite-schema.ts';

/**
 * Makes durable whatever of a journal can be read now, for another process than the writer, before it signs a tree. A writer
 * fsyncs before it shows a commit, but one that was killed in between leaves frames that only the page cache holds, and the
 * next reader of the write-ahead log finds them committed. If the power went after a checkpoint of them was signed, the log
 * would go on without them: forked. The write-ahead log first: what a reader finds stands there or, moved and already synced
 * by the writer, in the database.
 * @throws JournalError `journal.io`: then nothing must be signed
 */
export function syncJournal(directory: string): void {
  for (const suffix of ['-wal', '']) {
    const file = path.join(directory, DATABASE_FILE + suffix);
    try {
      const fd = openSync(file, 'r');
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      // A log that was closed in good order has none.
      if (!(missing && suffix === '-wal')) throw ioError(error, `cannot make ${file} durable`);
    }
  }
}
