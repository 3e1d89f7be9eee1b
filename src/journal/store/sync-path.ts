import { closeSync, fsyncSync, openSync } from 'node:fs';

/** fsync of a file or a directory by its path. */
export function syncPath(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
