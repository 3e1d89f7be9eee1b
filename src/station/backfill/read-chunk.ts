import { JournalError, type EntryRange, type JournalReader } from '../../journal/index.ts';
import { MAX_CHUNK_BYTES, type TransferGone } from '../../remote/index.ts';

/** Rows read at a time: about what fits into one message. */
const ROWS = 64;
/** Runs that are gone, of one read; more of them come with the next. */
const MAX_RUNS = 64;

/** What is sent next. */
export interface Chunk {
  /** Runs that are gone, in front of the entries and between them, with the hashes that stand for them. */
  readonly gone: TransferGone['gone'];
  /** Undefined when no entry is left. */
  readonly first: number | undefined;
  /** Entries as they are signed, one after the other. */
  readonly bytes: Buffer;
  /** Of the last entry in it. */
  readonly last: number | undefined;
  /** What comes behind. */
  readonly next: number;
}

/**
 * The entries from `next` on, as far as one message holds them; an entry that is larger than any message is alone in its chunk.
 * @param range what was asked for: of a run at its very beginning or end no hash is of use
 */
export function readChunk(reader: JournalReader, range: EntryRange, next: number): Chunk {
  const entries: Uint8Array[] = [];
  const gone: EntryRange[] = [];
  let [at, bytes] = [next, 0];
  let first: number | undefined;
  let last: number | undefined;
  walk: while (at < range.to && gone.length < MAX_RUNS) {
    const end = Math.min(range.to, at + ROWS);
    for (const { index, cose } of reader.entries(at, end)) {
      if (entries.length > 0 && bytes + cose.length > MAX_CHUNK_BYTES) break walk;
      if (index > at) addRun(gone, at, index);
      entries.push(cose);
      bytes += cose.length;
      first ??= index;
      last = index;
      at = index + 1;
      if (bytes >= MAX_CHUNK_BYTES) break walk;
    }
    if (at < end) at = passHole(reader, gone, { from: at, to: range.to });
  }
  return {
    gone: gone.map((run) => withHashes(reader, run, range, next === range.from ? first : range.from)),
    ...{ first, last, bytes: Buffer.concat(entries), next: at },
  };
}

/** From..: nothing is there up to the end of what was read, and perhaps further. */
function passHole(reader: JournalReader, gone: EntryRange[], { from, to }: EntryRange): number {
  let at = from;
  for (const hole of reader.holes(from, Math.min(to, from + ROWS))) {
    if (hole.from <= at) at = Math.max(at, Math.min(hole.to, to));
  }
  // Retention may have taken them between the two reads: then the next look sees it.
  if (at > from) addRun(gone, from, at);
  return at;
}

function addRun(gone: EntryRange[], from: number, to: number): void {
  const before = gone.at(-1);
  if (before?.to === from) gone[gone.length - 1] = { from: before.from, to };
  else gone.push({ from, to });
}

/**
 * Runs of entries from..next-1 that are gone, for whoever goes on at `next` and has not kept what was told of them; their hashes
 * are asked for a few at a time, because an old log has tens of thousands.
 */
export function runsBefore(reader: JournalReader, range: EntryRange, next: number): readonly EntryRange[] {
  const runs: EntryRange[] = [];
  for (const hole of range.from < next ? reader.holes(range.from, next) : [])
    addRun(runs, Math.max(hole.from, range.from), Math.min(hole.to, next));
  return runs;
}

/** As many of them as are read in one piece, from `at` on. */
export function goneAt(
  reader: JournalReader,
  runs: readonly EntryRange[],
  { at, range }: { readonly at: number; readonly range: EntryRange },
): TransferGone['gone'] {
  return runs.slice(at, at + MAX_RUNS).map((run) => withHashes(reader, run, range, range.from + 1));
}

function withHashes(
  reader: JournalReader,
  run: EntryRange,
  range: EntryRange,
  firstThere: number | undefined,
): TransferGone['gone'][number] {
  const atAnEnd = run.to >= range.to || firstThere === undefined || run.from < firstThere;
  return { ...run, hashes: atAnEnd ? [] : hashesOf(reader, run).map(toHex) };
}

/** None where they were not kept, because more went than this run: then whoever has those entries shows less. */
function hashesOf(reader: JournalReader, { from, to }: EntryRange): readonly Uint8Array[] {
  try {
    return reader.subtreeHashes(from, to);
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.pruned') return [];
    throw error;
  }
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
