// What an opening finds out about the log before anything is written: is it all there, is it the newest copy, and what must
// its next entries say.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { equalBytes } from '../bytes.ts';
import type { FaultBody } from '../entry/entry-types.ts';
import { JournalError } from '../errors.ts';
import type { JournalOptions } from '../journal-port.ts';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { nodesFromTiles } from '../tree/hash-tile.ts';
import { rootOf } from '../tree/merkle-tree.ts';
import type { SqliteRows } from '../store/sqlite-rows.ts';
import { forgetDamage, isRecovered, notedDamage } from './damage-flag.ts';
import type { HighWaterMark, KnownTree } from './high-water.ts';
import { highWaterFile, readHighWater, type FoundMark } from './high-water-file.ts';
import { logNumber } from './origin-chain.ts';
import { forgetReport, readReport, type RecoveryReport } from './recovery-report.ts';
import { setAsideCount } from './set-aside.ts';
import { examineWal } from './wal-tail.ts';

/** What lies beside the database, read before SQLite touches it. */
export interface Surroundings {
  readonly found: FoundMark;
  readonly report: RecoveryReport | undefined;
  /** The last run did not end in good order, and what it wrote last should be in a file that is gone. */
  readonly walMissing: boolean;
}

/**
 * @throws JournalError `journal.corrupt` when damage was noted, a recovery was cut off, or commits cannot be read any more;
 * `journal.lost` when there was a journal and there is none
 */
export function lookAround({ directory, highWater }: JournalOptions): Surroundings {
  refuseNoted(directory);
  const database = path.join(directory, DATABASE_FILE);
  const wal = `${database}-wal`;
  const found = readHighWater(highWaterFile(directory, highWater?.file));
  if (!existsSync(database)) {
    if (existsSync(wal))
      throw new JournalError('journal.corrupt', `${database} is gone, but its write-ahead log is there`);
    if (found.state !== 'missing' || setAsideCount(directory) > 0)
      throw new JournalError('journal.lost', 'there was a journal here, and it is gone');
  } else if (examineWal(wal) === 'damaged') {
    throw new JournalError(
      'journal.corrupt',
      'the write-ahead log is damaged in front of commits that were acknowledged',
    );
  }
  const walMissing = found.state === 'read' && found.mark.running && existsSync(database) && !existsSync(wal);
  return { found, report: readReport(directory), walMissing };
}

function refuseNoted(directory: string): void {
  const noted = notedDamage(directory);
  if (noted === undefined) return;
  if (!isRecovered(directory, noted))
    throw new JournalError('journal.corrupt', noted.message, { details: { noted } });
  forgetDamage(directory);
}

/**
 * The name of a log that has no entry yet.
 * @throws JournalError `journal.lost` when it should have entries
 */
export function originOfEmpty(
  { origin, anchored = [] }: Pick<JournalOptions, 'origin' | 'anchored'>,
  { found, report }: Surroundings,
): string {
  if (report?.size === 0) return report.origin;
  const own = [...(found.state === 'read' ? [found.mark] : []), ...anchored].some(
    (tree) => tree.size > 0 && logNumber(origin, tree.origin) !== undefined,
  );
  if (own) throw new JournalError('journal.lost', 'the journal is empty, and entries of it are known');
  return origin;
}

/** Where a log ends that is about to be continued. */
export interface LogEnd {
  readonly stationOrigin: string;
  readonly origin: string;
  readonly size: number;
  /** Of its last `boot` entry; undefined when that was written before there were high-water marks. */
  readonly opening: number | undefined;
}

/**
 * Holds the log against what is known of it from elsewhere, in a few reads however long it is.
 * @returns how many of its first entries have hashes that lead to a known root
 * @throws JournalError `journal.rolled_back` when entries are missing at its end or it is an earlier log than the last one;
 * `journal.corrupt` when it does not begin with a tree that was known
 */
export function compareWithKnown(
  store: SqliteRows,
  end: LogEnd,
  found: FoundMark,
  anchored: readonly KnownTree[] = [],
): number {
  const mark = found.state === 'read' ? found.mark : undefined;
  if (mark !== undefined) compareOpening(store, end, mark);
  const known: [string, KnownTree][] = anchored.map((tree) => ['the last anchored checkpoint', tree]);
  if (mark !== undefined) known.push(['the high-water mark', mark]);
  let compared = 0;
  for (const [source, tree] of known) {
    const number = logNumber(end.stationOrigin, tree.origin) ?? 0;
    if (number > (logNumber(end.stationOrigin, end.origin) ?? 0))
      throw rolledBack(`${source} is of a later log, ${tree.origin}`, end, tree);
    if (tree.origin !== end.origin) continue;
    if (tree.size > end.size)
      throw rolledBack(`the log has ${end.size} entries, ${source} says ${tree.size}`, end, tree);
    const root = rootIfKnown(store, tree.size);
    if (root !== undefined && !equalBytes(root, tree.root))
      throw new JournalError('journal.corrupt', `the log does not begin with the tree of ${source}`, {
        details: { size: tree.size },
      });
    if (root !== undefined) compared = Math.max(compared, tree.size);
  }
  return compared;
}

function compareOpening(store: SqliteRows, end: LogEnd, mark: HighWaterMark): void {
  if (mark.origin !== end.origin || end.opening === undefined || end.opening >= mark.opening) return;
  // The last `boot` entry may be among what was lost in damage: a log that holds the mark's tree is no older than the mark.
  const root = mark.size <= end.size ? rootIfKnown(store, mark.size) : undefined;
  if (root !== undefined && equalBytes(root, mark.root)) return;
  throw rolledBack(
    `the log was opened ${end.opening} times, the high-water mark says ${mark.opening}`,
    end,
    mark,
  );
}

/** Undefined where retention has dropped the hashes that it takes. */
function rootIfKnown(store: SqliteRows, size: number): Uint8Array | undefined {
  try {
    return rootOf(nodesFromTiles(store.tile.bind(store)), size);
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.pruned') return undefined;
    throw error;
  }
}

function rolledBack(message: string, { origin, size }: LogEnd, known: KnownTree): JournalError {
  return new JournalError('journal.rolled_back', message, {
    remedy: 'degrade',
    details: { origin, size, knownOrigin: known.origin, knownSize: known.size },
    hint: 'an old copy of the journal was put back, or the disk lost what it had acknowledged',
  });
}

/** What the `boot` entry must be followed by, in the same commit. */
export function faultsToRecord(
  store: SqliteRows,
  { found, report, walMissing }: Surroundings,
  { stationOrigin, origin, size, opening }: LogEnd,
  directory: string,
): readonly FaultBody[] {
  if (report !== undefined && report.origin === origin) {
    if (!isRecorded(store, report)) return report.faults;
    forgetReport(directory);
  }
  const faults: FaultBody[] = [];
  // A log from before there were marks has none to lose, and a new one has not made it yet.
  if (found.state === 'damaged' || (found.state === 'missing' && opening !== undefined)) {
    faults.push({
      code: 'journal.high_water_lost',
      message: `the high-water mark of the journal is ${found.state}; an older copy of the journal would not have been noticed`,
    });
  }
  const foreign = found.state === 'read' && logNumber(stationOrigin, found.mark.origin) === undefined;
  if (foreign && opening !== undefined) {
    faults.push({
      code: 'journal.high_water_lost',
      message:
        'the high-water mark is of another station or identity; an older copy of the journal would not have been noticed',
      facts: [{ name: 'log', value: found.mark.origin }],
    });
  }
  // Whether another identity's log was closed in good order says nothing about this one.
  if (walMissing && !foreign) {
    faults.push({
      code: 'journal.wal_missing',
      message:
        'the last run was cut off and its write-ahead log is gone: entries behind its last checkpoint may be lost',
      facts: [{ name: 'size', value: String(size) }],
    });
  }
  return faults;
}

/** Its `fault` entries stand behind the first `boot` entry. */
function isRecorded(store: SqliteRows, { size, faults }: RecoveryReport): boolean {
  return store.row(size + faults.length)?.kind === 'fault';
}
