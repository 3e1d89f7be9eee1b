import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { FaultFact } from '../entry/entry-types.ts';
import { openJournalReader } from '../journal-reader.ts';
import { JournalError } from '../errors.ts';
import { ioError } from '../store/sqlite-error.ts';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { syncPath } from '../store/sqlite-store.ts';
import { acquireWriterLock } from '../store/writer-lock.ts';
import { HIGH_WATER_FILE, highWaterFile } from './high-water-file.ts';
import { writeReport } from './recovery-report.ts';

/** A log that nobody can write on any more, in a directory of its own, where every command that only reads finds it. */
export interface KeptLog {
  /** Name of that directory, in the state directory. */
  readonly keptAs: string;
  /** Null where the log cannot be read. */
  readonly origin: string | null;
  readonly size: number | null;
  /** RFC 6962 root over all of it, hexadecimal. */
  readonly root: string | null;
}

const KEPT = /^without-key-(\d+)$/;

/**
 * Puts a log whose key is lost aside, whole and as it is, and leaves word of it for the log that follows: its `boot` entry is
 * followed by a `fault` entry that names this one, its size and its root. Cut off at any moment, the log is in the one place or
 * in the other, and calling this again where it still is starts over.
 * @param newOrigin the name of the log that follows
 * @param configuredMark where the log's high-water mark is, unless it is in the directory: it goes with the log
 * @throws JournalError `journal.locked`, `journal.missing`, `journal.io`
 */
export function setAsideKeylessLog(directory: string, newOrigin: string, configuredMark?: string): KeptLog {
  const file = path.join(directory, DATABASE_FILE);
  if (!existsSync(file)) throw new JournalError('journal.missing', `there is no journal in ${directory}`);
  const lock = acquireWriterLock(directory);
  try {
    foldWal(file);
    const kept: KeptLog = { keptAs: nextName(directory), ...describe(directory) };
    // Of the log that is still here this says nothing: it is of another name.
    writeReport(directory, { origin: newOrigin, size: 0, faults: [faultOf(kept)] });
    const target = path.join(directory, kept.keptAs);
    moveMark(highWaterFile(directory, configuredMark), target);
    moveTo(directory, target);
    return kept;
  } finally {
    lock.release();
  }
}

function faultOf({ keptAs, origin, size, root }: KeptLog) {
  const facts: FaultFact[] = [
    { name: 'keptAs', value: keptAs },
    { name: 'log', value: origin ?? 'unreadable' },
    { name: 'size', value: String(size ?? 'unknown') },
    { name: 'root', value: root ?? 'unknown' },
  ];
  const message =
    'the key of the log before this one is lost: it is kept, and another identity begins another log';
  return { code: 'identity.seed_lost', message, facts };
}

function describe(directory: string): Omit<KeptLog, 'keptAs'> {
  try {
    const reader = openJournalReader(directory);
    try {
      const { origin, size } = reader;
      return { origin, size, root: Buffer.from(reader.rootAt(size)).toString('hex') };
    } finally {
      reader.close();
    }
  } catch (error) {
    if (error instanceof JournalError) return { origin: null, size: null, root: null };
    throw error;
  }
}

/** So that one file holds it all and one rename moves it. A damaged one keeps its write-ahead log, which is moved first. */
function foldWal(file: string): void {
  try {
    const database = new Database(file, { fileMustExist: true });
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
  } catch {
    // Not SQLite's any more: kept as it is.
  }
}

/** The high-water mark is of that log, and says nothing about the next one. It may be on another file system. */
function moveMark(mark: string, target: string): void {
  if (!existsSync(mark)) return;
  try {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const copy = path.join(target, HIGH_WATER_FILE);
    copyFileSync(mark, copy);
    syncPath(copy);
    syncPath(target);
    rmSync(mark);
    syncPath(path.dirname(mark));
  } catch (error) {
    throw ioError(error, `cannot move ${mark} to ${target}`);
  }
}

function moveTo(directory: string, target: string): void {
  try {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    for (const name of [`${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, DATABASE_FILE]) {
      const from = path.join(directory, name);
      if (existsSync(from)) renameSync(from, path.join(target, name));
    }
    syncPath(target);
    syncPath(directory);
  } catch (error) {
    throw ioError(error, `cannot move ${DATABASE_FILE} to ${target}`);
  }
}

function nextName(directory: string): string {
  const numbers = readdirSync(directory).map((name) => Number(KEPT.exec(name)?.[1] ?? 0));
  const last = Math.max(0, ...numbers);
  // Begun and cut off: no database in there yet.
  const begun = last > 0 && !existsSync(path.join(directory, `without-key-${last}`, DATABASE_FILE));
  return `without-key-${begun ? last : last + 1}`;
}
