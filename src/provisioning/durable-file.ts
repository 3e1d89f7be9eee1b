import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** So drafts are called, each by a name of its own: what a power cut leaves of one is noise, and is swept. */
export const DRAFT = /^\..*\.draft$/;

/**
 * Puts a file in the place of whatever had its name, durably: a power cut leaves the old one or the new one, whole.
 * @throws what the file system says
 */
export function replaceFile(file: string, content: Uint8Array | string, mode = 0o600): void {
  const draft = writeDraft(file, content, mode);
  renameSync(draft, file);
  syncDirectory(path.dirname(file));
}

/**
 * Gives a file a name that nothing has yet, durably. link(2) refuses an existing name, so that of two that do this at once one
 * fails with EEXIST; rename(2) would let both believe.
 * @throws what the file system says
 */
export function createFile(file: string, content: Uint8Array | string, mode = 0o600): void {
  const draft = writeDraft(file, content, mode);
  try {
    linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  syncDirectory(path.dirname(file));
}

/** Takes a name away, durably; one that is not there is no error. */
export function removeFile(file: string): void {
  rmSync(file, { force: true });
  syncDirectory(path.dirname(file));
}

export function makeDirectory(directory: string, mode = 0o700): void {
  const first = mkdirSync(directory, { recursive: true, mode });
  if (first !== undefined) syncDirectory(path.dirname(first));
}

export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeDraft(file: string, content: Uint8Array | string, mode: number): string {
  const name = `.${path.basename(file)}.${randomBytes(8).toString('hex')}.draft`;
  const draft = path.join(path.dirname(file), name);
  const fd = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return draft;
}
