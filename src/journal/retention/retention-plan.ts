import type { EntryRange, RetentionReason } from '../entry/entry-types.ts';
import { TILE_WIDTH } from '../tree/hash-tile.ts';

/** What one step goes through at most, unless a keep span is longer: about 1.5 MB of readings, 22 KiB of ranges at the worst. */
const MAX_BATCH_TILES = 16;
/** Of a small log a step is a small part, because what it deletes passes through the write-ahead log. */
const BATCHES_IN_LIMIT = 64;

/**
 * How coarse old readings that are not anchored may become, step by step: the first and last reading of each meter stay in
 * every 256 entries, then in every 4,096, then in every 65,536. Totals survive each of them. All are whole tiles.
 */
export const KEEP_SPANS = [TILE_WIDTH, 16 * TILE_WIDTH, 256 * TILE_WIDTH] as const;

const MAX_HEADROOM_BYTES = 16 * 1024 * 1024;

/**
 * Bytes of the bound that are not for entries: for the write-ahead log (a quarter of it between two checkpoints), for what one
 * step of retention adds to that, and for what is written between two looks at the size.
 */
export function headroomBytes(maxBytes: number): number {
  return Math.min(MAX_HEADROOM_BYTES, Math.floor(maxBytes / 4));
}

/** How far each way of giving way has come; each goes from the oldest entry to the newest. */
export interface RetentionProgress {
  /** No reading is left in front of this entry. */
  readonly emptied: number;
  /** By KEEP_SPANS: thinned to that span in front of this entry. */
  readonly thinned: readonly number[];
}

export interface RetentionState {
  readonly size: number;
  /** What the log occupies, free pages of its file not counted, and what it may. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** A reading with all that is stored for it, roughly. */
  readonly entryBytes: number;
  /** Entries in front of these are covered by a final anchor, and kept elsewhere. */
  readonly anchoredSize: number;
  readonly exportedSize: number;
  readonly progress: RetentionProgress;
}

/** The next step: readings in this stretch give way. Without a keep span all of them do. */
export interface RetentionPass {
  readonly reason: RetentionReason;
  /** Whole tiles. */
  readonly stretch: EntryRange;
  readonly keepSpan?: number;
}

/**
 * Which readings give way next; undefined when the log is within its limit or nothing more may go. In this order, oldest
 * first: readings that are anchored and exported; those that are anchored; and thinning of those that are not anchored. The
 * newest that fit half of the limit are thinned only when everything older is as coarse as it gets.
 */
export function nextPass(state: RetentionState): RetentionPass | undefined {
  if (state.usedBytes <= state.limitBytes) return undefined;
  const end = prunableEnd(state.size);
  const anchored = Math.min(floorTo(state.anchoredSize, TILE_WIDTH), end);
  const exported = Math.min(floorTo(state.exportedSize, TILE_WIDTH), anchored);
  const { emptied } = state.progress;
  const batch = batchEntries(state);
  const empty = (reason: RetentionReason, to: number): RetentionPass => ({
    reason,
    stretch: { from: emptied, to: Math.min(emptied + batch, to) },
  });
  if (emptied < exported) return empty('retention.anchored-exported', exported);
  if (emptied < anchored) return empty('retention.anchored', anchored);
  const recent = Math.floor(state.limitBytes / 2 / state.entryBytes);
  return nextThinning(state.progress, end - recent, batch) ?? nextThinning(state.progress, end, batch);
}

function batchEntries({ limitBytes, entryBytes }: RetentionState): number {
  const tiles = Math.floor(limitBytes / BATCHES_IN_LIMIT / entryBytes / TILE_WIDTH);
  return Math.min(MAX_BATCH_TILES, Math.max(1, tiles)) * TILE_WIDTH;
}

function nextThinning(
  { emptied, thinned }: RetentionProgress,
  end: number,
  batch: number,
): RetentionPass | undefined {
  for (const [level, keepSpan] of KEEP_SPANS.entries()) {
    // A span of which only a part was recorded (`pieces`) is gone through again: what stays of it is the same.
    const from = floorTo(Math.max(thinned[level] ?? 0, emptied), keepSpan);
    const to = Math.min(from + Math.max(floorTo(batch, keepSpan), keepSpan), floorTo(end, keepSpan));
    if (from < to) return { reason: 'retention.thinned', stretch: { from, to }, keepSpan };
  }
  return undefined;
}

export function afterPass(
  progress: RetentionProgress,
  { stretch, keepSpan }: RetentionPass,
): RetentionProgress {
  if (keepSpan === undefined) return { ...progress, emptied: Math.max(progress.emptied, stretch.to) };
  return {
    ...progress,
    thinned: KEEP_SPANS.map((span, level) => {
      const done = progress.thinned[level] ?? 0;
      return span === keepSpan ? Math.max(done, stretch.to) : done;
    }),
  };
}

/**
 * The unfinished tile never gives way, for its leaf hashes are those of its entries; nor does the one in front of it, which is
 * looked at when the log is opened.
 */
function prunableEnd(size: number): number {
  return Math.max(0, floorTo(size, TILE_WIDTH) - TILE_WIDTH);
}

export interface CandidateReading {
  readonly index: number;
  /** Which meter it is of; looked at only by a pass that thins. */
  readonly meter?: string;
}

/** What goes of the readings that are left in a pass's stretch, in ascending order: ranges, ascending and apart. */
export function rangesToDrop(
  readings: readonly CandidateReading[],
  { keepSpan }: RetentionPass,
): readonly EntryRange[] {
  const kept = keepSpan === undefined ? new Set<number>() : firstAndLast(readings, keepSpan);
  const ranges: { from: number; to: number }[] = [];
  for (const { index } of readings) {
    if (kept.has(index)) continue;
    const last = ranges.at(-1);
    if (last?.to === index) last.to++;
    else ranges.push({ from: index, to: index + 1 });
  }
  return ranges;
}

/** What one entry can name: a range takes up to 11 bytes of the 64 KiB that an entry may have. */
const MAX_RANGES_IN_ENTRY = 4_000;

/**
 * A pass in pieces that an entry can hold, cut between tiles: many meters at scattered rates leave a range beside nearly every
 * reading. The pieces cover the stretch, in order; most passes are one.
 */
export function pieces(
  ranges: readonly EntryRange[],
  stretch: EntryRange,
  most: number = MAX_RANGES_IN_ENTRY,
): readonly { readonly ranges: readonly EntryRange[]; readonly stretch: EntryRange }[] {
  const cut: { ranges: EntryRange[]; stretch: { from: number; to: number } }[] = [];
  for (let tile = stretch.from; tile < stretch.to; tile += TILE_WIDTH) {
    const to = Math.min(tile + TILE_WIDTH, stretch.to);
    const inTile = ranges
      .filter((range) => range.from < to && range.to > tile)
      .map((range) => ({ from: Math.max(range.from, tile), to: Math.min(range.to, to) }));
    const last = cut.at(-1);
    if (last === undefined || last.ranges.length + inTile.length > most) {
      cut.push({ ranges: inTile, stretch: { from: tile, to } });
      continue;
    }
    last.stretch.to = to;
    for (const range of inTile) {
      const before = last.ranges.at(-1);
      if (before?.to === range.from)
        last.ranges[last.ranges.length - 1] = { from: before.from, to: range.to };
      else last.ranges.push(range);
    }
  }
  return cut;
}

function firstAndLast(readings: readonly CandidateReading[], keepSpan: number): ReadonlySet<number> {
  const ends = new Map<string, { first: number; last: number }>();
  for (const { index, meter = '' } of readings) {
    const key = `${Math.floor(index / keepSpan)} ${meter}`;
    ends.set(key, { first: ends.get(key)?.first ?? index, last: index });
  }
  return new Set([...ends.values()].flatMap(({ first, last }) => [first, last]));
}

function floorTo(index: number, step: number): number {
  return Math.max(0, Math.floor(index / step) * step);
}
