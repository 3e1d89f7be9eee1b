import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ioError } from './sqlite-error.ts';
import { syncPath } from './sqlite-store.ts';

/**
 * Puts a small file in place, whole or not at all: draft, fsync, rename, fsync of the directory. A power cut leaves the
 * old content or the new one.
 * @throws JournalError `journal.io`
 */
export function replaceFile(file: string, content: string, mode = 0o600): void {
  const draft = `${file}.draft`;
  try {
    const fd = openSync(draft, 'w', mode);
    try {
      // Unlike writeSync it goes on after a short write.
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
    syncPath(path.dirname(file));
  } catch (error) {
    removeQuietly(draft);
    throw ioError(error, `cannot write ${file}`);
  }
}

/** The error that led here is the one to report. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The next draft takes its place.
  }
}

/** Undefined when there is no such file. Anything else that stands in the way of reading it counts as empty. */
export function readSmallFile(file: string, maxBytes: number): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile() || found.size > maxBytes) return '';
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
