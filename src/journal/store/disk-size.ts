import { statSync } from 'node:fs';
import path from 'node:path';
import { DATABASE_FILE } from './sqlite-schema.ts';

/** Bytes of the journal's files in a state directory, write-ahead log included; 0 where there is none. */
export function journalDiskBytes(directory: string): number {
  return ['', '-wal'].reduce(
    (sum, suffix) =>
      sum + (statSync(path.join(directory, DATABASE_FILE + suffix), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
