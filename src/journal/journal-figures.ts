import { decodeEntry } from './entry/cose-sign1.ts';
import type { EntryTime, JournalReader } from './journal-reader.ts';
import { DEFAULT_GROUP_COMMIT_MS } from './journal-port.ts';
import { findJournalWriter } from './store/writer-lock-probe.ts';
import { logPace, type LogPace } from './wear/log-pace.ts';
import { projectedLifeDays, writeRate, type WriteRate } from './wear/wear-estimate.ts';
import { emmcHealth, writtenBytes, type EmmcHealth } from './wear/written-bytes.ts';

/** What `journal stat --json` prints, and what is answered to whoever asks from afar. */
export interface JournalFigures {
  readonly origin: string;
  /** Hexadecimal, as the root. */
  readonly publicKey: string;
  readonly size: number;
  readonly root: string;
  readonly oldest: EntryTime;
  readonly newest: EntryTime;
  readonly bootCount: number;
  readonly bytes: number;
  readonly pruned: { readonly entries: number; readonly ranges: number };
  /** Entries that a final anchor covers. */
  readonly anchoredSize: number;
  readonly backlog: number;
  readonly flash: FlashFigures;
}

export interface FlashFigures {
  /** Null: the service does not run, or not for long, and the log is too young to tell. */
  readonly written: WriteRate | null;
  readonly enduranceBytes: number | null;
  readonly lifeYears: number | null;
  /** What the eMMCs of this machine say themselves. */
  readonly emmc: readonly EmmcHealth[];
}

export interface FiguresWanted {
  readonly directory: string;
  readonly anchoredSize: number;
  readonly groupCommitMs?: number | undefined;
  readonly flashEnduranceBytes?: number | undefined;
  /** Of the newest entries, from which the log's pace is taken. */
  readonly paceEntries?: number;
}

const PACE_ENTRIES = 5_000;
const DAYS_A_YEAR = 365.25;

/** @throws JournalError as the reader */
export function journalFigures(reader: JournalReader, wanted: FiguresWanted): JournalFigures {
  const { anchoredSize } = wanted;
  const { publicKey, root, ...stat } = reader.stat();
  return {
    ...stat,
    root: Buffer.from(root).toString('hex'),
    publicKey: Buffer.from(publicKey).toString('hex'),
    anchoredSize,
    backlog: Math.max(0, stat.size - anchoredSize),
    flash: flashFigures(reader, wanted),
  };
}

function flashFigures(reader: JournalReader, wanted: FiguresWanted): FlashFigures {
  const { directory, groupCommitMs = DEFAULT_GROUP_COMMIT_MS, paceEntries = PACE_ENTRIES } = wanted;
  const { pid } = findJournalWriter(directory);
  const log = paceOf(reader, paceEntries);
  const writer = pid === undefined ? undefined : writtenBytes(pid);
  const written = writeRate({ writer, log, groupCommitMs }) ?? null;
  const enduranceBytes = wanted.flashEnduranceBytes ?? null;
  const days =
    written === null || enduranceBytes === null ? null : projectedLifeDays(written, enduranceBytes);
  const lifeYears = days === null ? null : Math.round((days / DAYS_A_YEAR) * 10) / 10;
  return { written, enduranceBytes, lifeYears, emmc: emmcHealth() };
}

function paceOf(reader: JournalReader, entries: number): LogPace {
  const newest = reader.entries(Math.max(0, reader.size - entries));
  return logPace(newest, ({ cose }) => decodeEntry(cose).entry.sinceBootMs);
}
