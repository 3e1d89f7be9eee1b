import { decodeEntry } from '../entry/cose-sign1.ts';
import type { RetentionGapBody } from '../entry/entry-types.ts';
import { JournalError } from '../errors.ts';
import type { RowDrop } from '../store/sqlite-drop.ts';
import type { EntryRow } from '../store/sqlite-rows.ts';
import { TILE_WIDTH } from '../tree/hash-tile.ts';
import { afterPass, headroomBytes, KEEP_SPANS, nextPass, pieces, rangesToDrop } from './retention-plan.ts';
import type { CandidateReading, RetentionPass, RetentionProgress, RetentionState } from './retention-plan.ts';

/** What the log may take, and what of it is safe elsewhere. */
export interface RetentionLimits {
  /** Upper bound of the log's files together, in bytes. */
  readonly maxBytes: number;
  /** Entries that a final anchor covers. */
  readonly anchoredSize: number;
  /** Entries that were exported for good. */
  readonly exportedSize: number;
  /** Entries in front of this are published, where readings are; they are emptied no sooner. Absent: nobody publishes them. */
  readonly publishedSize?: number;
  /** Sizes of trees that proofs will be asked for, such as anchored ones: few, for each may cost a tile of 8 KiB. */
  readonly provableSizes?: readonly number[];
}

export interface RetentionOutcome {
  /** `exhausted`: above the limit, and nothing more may go. */
  readonly state: 'within' | 'exhausted';
  readonly dropped: number;
  readonly usedBytes: number;
  /** What may be in use: the bound less room for the write-ahead log and for what comes until the next look. */
  readonly limitBytes: number;
}

/** The journal as retention needs it. `drop` is durable when it resolves, and rejects as Journal.append does. */
export interface RetainedLog {
  readonly size: number;
  usedBytes(): number;
  progress(): ReadonlyMap<number, number>;
  readings(from: number, to: number): EntryRow[];
  readingIndices(from: number, to: number): number[];
  drop(body: Omit<RetentionGapBody, 'root'>, rows: RowDrop): Promise<void>;
}

/** A reading's row besides its COSE message: keys, kind, leaf hash, its part of half-filled pages. */
const ROW_OVERHEAD_BYTES = 64;

/**
 * Lets readings give way until the log is within its limit or nothing more may go, in steps of at most 16 tiles (or one keep
 * span), the event loop free in between. Each step is one commit: the signed `gap` entry, and the rows that it names gone.
 */
export async function retain(log: RetainedLog, limits: RetentionLimits): Promise<RetentionOutcome> {
  const limitBytes = limits.maxBytes - headroomBytes(limits.maxBytes);
  const keepTiles = new Set((limits.provableSizes ?? []).map((size) => Math.floor(size / TILE_WIDTH)));
  let progress = storedProgress(log.progress());
  let dropped = 0;
  for (;;) {
    const state = stateOf(log, limits, limitBytes, progress);
    const pass = nextPass(state);
    if (pass === undefined) {
      const { usedBytes } = state;
      return { state: usedBytes <= limitBytes ? 'within' : 'exhausted', dropped, usedBytes, limitBytes };
    }
    const ranges = rangesToDrop(await candidatesOf(log, pass), pass);
    for (const piece of pieces(ranges, pass.stretch)) {
      const entries = piece.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
      if (entries === 0) continue;
      await log.drop(
        { ...pass, ...piece, dropped: [{ kind: 'reading', entries }] },
        { ...piece, keepSpan: pass.keepSpan ?? 0, keepTiles },
      );
      dropped += entries;
    }
    progress = afterPass(progress, pass);
    await new Promise(setImmediate);
  }
}

function storedProgress(bySpan: ReadonlyMap<number, number>): RetentionProgress {
  return { emptied: bySpan.get(0) ?? 0, thinned: KEEP_SPANS.map((span) => bySpan.get(span) ?? 0) };
}

function stateOf(
  log: RetainedLog,
  { anchoredSize: covered, publishedSize = Infinity, exportedSize }: RetentionLimits,
  limitBytes: number,
  progress: RetentionProgress,
): RetentionState {
  const { size } = log;
  // What is still to be published is as precious as what is still to be anchored: at the bound it is thinned, no more.
  const anchoredSize = Math.min(covered, publishedSize);
  const sample = log.readings(Math.max(0, size - TILE_WIDTH), size);
  const bytes = sample.reduce((sum, { cose }) => sum + cose.length, 0);
  const entryBytes = ROW_OVERHEAD_BYTES + bytes / Math.max(1, sample.length);
  return { size, usedBytes: log.usedBytes(), limitBytes, entryBytes, anchoredSize, exportedSize, progress };
}

/** A pass that thins must know the meter of each reading: they are decoded tile by tile, the event loop free in between. */
async function candidatesOf(log: RetainedLog, pass: RetentionPass): Promise<CandidateReading[]> {
  const { from, to } = pass.stretch;
  if (pass.keepSpan === undefined) return log.readingIndices(from, to).map((index) => ({ index }));
  const candidates: CandidateReading[] = [];
  for (let start = from; start < to; start += TILE_WIDTH) {
    const rows = log.readings(start, Math.min(start + TILE_WIDTH, to));
    for (const { index, cose } of rows) {
      const meter = meterOf(cose);
      if (meter !== undefined) candidates.push({ index, meter });
    }
    if (rows.length > 0) await new Promise(setImmediate);
  }
  return candidates;
}

/** Undefined for what is no reading that can be read back: such a row stays, for the auditor to find. */
function meterOf(cose: Uint8Array): string | undefined {
  try {
    const { entry } = decodeEntry(cose);
    return entry.kind === 'reading'
      ? JSON.stringify([entry.body.profileId, entry.body.meterSerial])
      : undefined;
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}
