import { existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../../../hal/contract/index.ts';
import { decodeEntry } from '../entry/cose-sign1.ts';
import type { JournalError } from '../errors.ts';
import type { KeyHistory } from '../key-history.ts';
import { DiskReserve } from '../store/disk-reserve.ts';
import { ioError } from '../store/sqlite-error.ts';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { createDatabase, syncPath } from '../store/sqlite-store.ts';
import { acquireWriterLock } from '../store/writer-lock.ts';
import { carveEntries } from './carve.ts';
import { DamagedFile } from './damaged-file.ts';
import { forgetDamage, isRecovered, noteDamage, notedDamage, type NotedDamage } from './damage-flag.ts';
import type { HighWaterMark, KnownTree } from './high-water.ts';
import { highWaterFile, readHighWater } from './high-water-file.ts';
import { keysOfDamaged, refuseHandedOver } from './log-keys.ts';
import { finishContinued, placeTree } from './place-tree.ts';
import { planRecovery, type RecoveryFacts, type RecoveryPlan } from './recovery-plan.ts';
import type { OnRecoveryProgress } from './recovery-progress.ts';
import { writeReport } from './recovery-report.ts';
import { draftFile, dropDraft, RECOVERED_PREFIX, salvageEntries, type Salvaged } from './salvage.ts';
import { nextSetAside, setAside, setAsideCount } from './set-aside.ts';
import { undeclared } from './undeclared.ts';
import { examineWal } from './wal-tail.ts';

export interface RecoverOptions {
  readonly directory: string;
  /** Origin of the station's first log. */
  readonly origin: string;
  readonly signer: { readonly publicKey: Uint8Array };
  /** What opening or writing the journal failed with. */
  readonly cause: JournalError;
  /** Trees of this station's logs that are anchored. */
  readonly anchored?: readonly KnownTree[] | undefined;
  /** Of the high-water mark, unless it is in the directory. */
  readonly highWaterFile?: string | undefined;
  /** Recovers nothing: begins another log at once. For when what was recovered does not hold either. */
  readonly minimal?: boolean;
  readonly onProgress?: OnRecoveryProgress | undefined;
  readonly log: Log;
}

export interface Recovery {
  /** What the damaged journal is called now, relative to the directory. */
  readonly keptAs: string;
  readonly action: RecoveryPlan['action'];
  readonly origin: string;
  readonly recoveredEntries: number;
}

/**
 * Sets the journal aside and puts another in its place: the same log with everything that verifies, or the next one of this
 * station where going on would fork it. Its next `boot` entry is followed by `fault` entries that say so. A power cut at any
 * moment leaves a directory in which opening fails with `journal.corrupt` again, and this starts over.
 * @throws JournalError `journal.locked`, `journal.wrong_key`, `journal.io`
 */
export async function recoverJournal(options: RecoverOptions): Promise<Recovery> {
  const { directory, log } = options;
  const lock = acquireWriterLock(directory);
  try {
    makeRoom(directory);
    const noted = noteKeptAs(options);
    const { keptAs } = noted;
    setAside(directory, keptAs);
    const damaged = new DamagedFile(path.join(directory, keptAs));
    try {
      const recovery = await recoverFrom(damaged, keptAs, noted.thorough, options);
      forgetDamage(directory);
      log('warning', 'journal.recovered', { ...recovery });
      return recovery;
    } finally {
      damaged.close();
      dropDraft(directory);
    }
  } finally {
    lock.release();
  }
}

/** On disk before anything is moved: cut off from here on, the next opening fails and the same recovery is made again. */
function noteKeptAs({ directory, cause }: RecoverOptions): NotedDamage & { readonly keptAs: string } {
  const noted = notedDamage(directory);
  const { code, message } = noted ?? cause;
  const unfinished = noted !== undefined && !isRecovered(directory, noted) ? noted.keptAs : undefined;
  const damage = {
    ...{ code, message, thorough: noted?.thorough ?? false },
    keptAs: unfinished ?? nextSetAside(directory),
  };
  noteDamage(directory, damage);
  return damage;
}

async function recoverFrom(
  damaged: DamagedFile,
  keptAs: string,
  thorough: boolean,
  options: RecoverOptions,
): Promise<Recovery> {
  const { directory, origin: stationOrigin, cause, onProgress } = options;
  const known = knownTrees(options);
  const rolledBack = cause.code === 'journal.rolled_back';
  const walDamaged = examineWal(`${damaged.file}-wal`) === 'damaged';
  const base = {
    ...{ stationOrigin, keptAs, cause, known, rolledBack: false },
    setAside: setAsideCount(directory),
  };
  // An old copy that is whole has nothing to recover: it is kept as it is.
  const untried = whyUntried(damaged, options);
  if ((rolledBack && !walDamaged) || untried !== undefined) {
    const facts = { ...base, ...nothing(damaged), rolledBack, untried };
    return begin(directory, planRecovery(facts), facts);
  }
  const keys = keysOfDamaged(damaged, options.signer.publicKey, () =>
    carveEntries(damaged.file, damaged.pageBytes, (done, total) =>
      onProgress?.({ step: 'keys', done, total }),
    ),
  );
  const salvaged = await salvageEntries({
    ...{ directory, stationOrigin, damaged, keys, thorough, walDamaged },
    ...{ knownSize: 0, onProgress },
  });
  try {
    refuseHandedOver(salvaged.draft, keys);
    return await place({ damaged, salvaged, keys, base, mark: readMark(options), directory, onProgress });
  } finally {
    salvaged.draft.close();
  }
}

interface PlaceParts {
  readonly damaged: DamagedFile;
  readonly salvaged: Salvaged;
  readonly keys: KeyHistory;
  readonly base: Pick<
    RecoveryFacts,
    'stationOrigin' | 'keptAs' | 'cause' | 'known' | 'rolledBack' | 'setAside'
  >;
  readonly mark: HighWaterMark | undefined;
  readonly directory: string;
  readonly onProgress: OnRecoveryProgress | undefined;
}

async function place(parts: PlaceParts): Promise<Recovery> {
  const { damaged, salvaged, keys, base, mark, directory, onProgress } = parts;
  const { origin, draft, declared } = salvaged;
  const own = mark?.origin === origin ? mark : undefined;
  const checks = [...base.known.filter((tree) => tree.origin === origin), ...salvaged.vouched];
  const tree = await placeTree({ salvaged, damaged, mark: own, checks, onProgress });
  const holes = undeclared(tree.lost, declared);
  const facts: RecoveryFacts = {
    ...base,
    ...{ origin, entries: salvaged.entries, end: salvaged.end, tree, holes },
    birth: draft.prepare('SELECT 1 FROM entry WHERE leaf_index = 0').get() !== undefined,
  };
  const plan = planRecovery(facts);
  if (plan.action === 'begin') {
    if (salvaged.entries > 0) keepRecovered(directory, base.keptAs, salvaged);
    return begin(directory, plan, facts);
  }
  finishContinued(draft, { tree, keys, declared, holes });
  draft.close();
  writeReport(directory, plan);
  putInPlace(draftFile(directory), path.join(directory, DATABASE_FILE));
  return { keptAs: base.keptAs, action: 'continue', origin: plan.origin, recoveredEntries: salvaged.entries };
}

/** The report first: cut off behind it, nothing stands in the journal's place and all of this is done again. */
function begin(directory: string, plan: RecoveryPlan, { keptAs, entries }: RecoveryFacts): Recovery {
  writeReport(directory, { origin: plan.origin, size: 0, faults: plan.faults });
  createDatabase(path.join(directory, DATABASE_FILE));
  return { keptAs, action: 'begin', origin: plan.origin, recoveredEntries: entries };
}

function keepRecovered(directory: string, keptAs: string, { draft }: Salvaged): void {
  draft.close();
  putInPlace(draftFile(directory), path.join(directory, RECOVERED_PREFIX + (keptAs.split('-').at(-1) ?? '')));
}

function putInPlace(draft: string, file: string): void {
  try {
    syncPath(draft);
    renameSync(draft, file);
    syncPath(path.dirname(file));
  } catch (error) {
    throw ioError(error, `cannot put ${file} in place`);
  }
}

function knownTrees(options: RecoverOptions): KnownTree[] {
  const mark = readMark(options);
  return [...(mark === undefined ? [] : [mark]), ...(options.anchored ?? [])].sort((a, b) => b.size - a.size);
}

function readMark({ directory, highWaterFile: configured }: RecoverOptions): HighWaterMark | undefined {
  const found = readHighWater(highWaterFile(directory, configured));
  return found.state === 'read' ? found.mark : undefined;
}

function nothing(
  damaged: DamagedFile,
): Pick<RecoveryFacts, 'origin' | 'named' | 'entries' | 'end' | 'birth' | 'tree' | 'holes'> {
  const last = damaged.lastIndices().next().value as number | undefined;
  const end = (last ?? -1) + 1;
  const named = nameOf(damaged);
  return { origin: undefined, named, entries: 0, end, birth: false, tree: undefined, holes: [] };
}

function nameOf(damaged: DamagedFile): string | undefined {
  try {
    const first = damaged.row(0);
    return first && decodeEntry(first.cose).entry.station;
  } catch {
    return undefined;
  }
}

function whyUntried({ file }: DamagedFile, { directory, minimal }: RecoverOptions): string | undefined {
  if (minimal === true) return 'what was recovered of it did not hold';
  return hasRoomFor(directory, file)
    ? undefined
    : 'there is no room on the disk to recover what is left of it';
}

/** Recovering writes the whole log once more. */
const ROOM_TO_SPARE = 1.1;
const SPARE_BYTES = 1_048_576;

function hasRoomFor(directory: string, file: string): boolean {
  const bytes = [file, `${file}-wal`].reduce(
    (sum, name) => sum + (existsSync(name) ? statSync(name).size : 0),
    0,
  );
  return freeBytes(directory) > bytes * ROOM_TO_SPARE + SPARE_BYTES;
}

/** On a full disk not even the note of a recovery finds room: the reserve is for this too. */
function makeRoom(directory: string): void {
  if (freeBytes(directory) < SPARE_BYTES) new DiskReserve(directory, SPARE_BYTES).release();
}

function freeBytes(directory: string): number {
  return new DiskReserve(directory, 0).freeBytes();
}
