import path from 'node:path';
import Database from 'better-sqlite3';
import { sqliteCode, ioError } from '../store/sqlite-error.ts';
import { readSmallFile, replaceFile } from '../store/durable-file.ts';
import { formatHighWater, MAX_MARK_BYTES, parseHighWater, type HighWaterMark } from './high-water.ts';
import type { KnownTree } from './high-water.ts';
import { logNumber } from './origin-chain.ts';

export const HIGH_WATER_FILE = 'journal.high-water';

/** How long the command line waits for the service to finish writing the mark, or the other way round. */
const LOCK_WAIT_MS = 5_000;

export type FoundMark =
  { readonly state: 'missing' | 'damaged' } | { readonly state: 'read'; readonly mark: HighWaterMark };

/** Where the mark of a state directory is, unless it is configured elsewhere. */
export function highWaterFile(directory: string, configured?: string): string {
  return configured ?? path.join(directory, HIGH_WATER_FILE);
}

export function readHighWater(file: string): FoundMark {
  const text = readSmallFile(file, MAX_MARK_BYTES);
  if (text === undefined) return { state: 'missing' };
  const mark = parseHighWater(text);
  return mark === undefined ? { state: 'damaged' } : { state: 'read', mark };
}

/**
 * Puts a mark in place, durably. A tree of the same log that is larger, because another process signed it meanwhile, is
 * kept. @throws JournalError `journal.io`
 */
export function writeHighWater(file: string, mark: HighWaterMark): HighWaterMark {
  return locked(file, () => {
    const before = readHighWater(file);
    const larger =
      before.state === 'read' && before.mark.origin === mark.origin && before.mark.size > mark.size;
    const written = larger ? { ...before.mark, ...onlyOwn(mark) } : mark;
    replaceFile(file, formatHighWater(written));
    return written;
  });
}

function onlyOwn({ opening, running, seal }: HighWaterMark): Partial<HighWaterMark> {
  return { opening, running, ...(seal === undefined ? {} : { seal }) };
}

/**
 * Notes a tree before a checkpoint of it is signed by another process than the one that writes the journal. Where there
 * is no good mark this does nothing: that is for the service to notice.
 * @throws JournalError `journal.io`: then nothing must be signed
 */
export function raiseHighWater(file: string, tree: KnownTree): void {
  const found = readHighWater(file);
  if (!isRaisedBy(found, tree)) return;
  locked(file, () => {
    const now = readHighWater(file);
    if (now.state !== 'read' || !isRaisedBy(now, tree)) return;
    replaceFile(file, formatHighWater({ ...now.mark, ...tree, leaves: new Uint8Array(0) }));
  });
}

function isRaisedBy(found: FoundMark, tree: KnownTree): boolean {
  return found.state === 'read' && found.mark.origin === tree.origin && found.mark.size < tree.size;
}

/** Which log of the station a mark is of; 0 for a mark of somebody else. */
export function markedLog(stationOrigin: string, mark: HighWaterMark): number {
  return logNumber(stationOrigin, mark.origin) ?? 0;
}

/** As with the writer's lock, SQLite's exclusive transaction stands in for flock; nothing is written to its file. */
function locked<T>(file: string, action: () => T): T {
  let database: Database.Database | undefined;
  try {
    database = new Database(`${file}.lock`, { timeout: LOCK_WAIT_MS });
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    throw ioError(error, `cannot lock ${file}: ${sqliteCode(error)}`);
  }
  try {
    return action();
  } finally {
    database.close();
  }
}
