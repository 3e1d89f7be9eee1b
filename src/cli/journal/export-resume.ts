import type { FileHandle } from 'node:fs/promises';
import type { JournalReader, StoredEntry } from '../../journal/index.ts';
import type { ExportFormat, RecordPlace } from './export-format.ts';
import type { FoundRecords } from './export-records.ts';
import { UsageError } from '../usage-error.ts';

/** The file up to `keepBytes` is what an uninterrupted export would have begun with; `nextIndex` comes next. */
export interface ResumePoint {
  readonly keepBytes: number;
  readonly nextIndex: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Where to go on in a file that an export of `range` left unfinished, found from the file itself. Its first and its last
 * whole record are compared with the log, and what was begun behind them with what should follow, so that a file which is
 * something else is never cut off. An entry that retention has dropped since cannot be compared: its index is believed.
 * @throws UsageError `usage.not_resumable`
 */
export async function findResumePoint(
  file: FileHandle,
  format: ExportFormat,
  reader: JournalReader,
  range: Range,
): Promise<ResumePoint> {
  const { size } = await file.stat();
  const start = Buffer.from(format.header);
  const head = await readRange(file, 0, Math.min(size, start.length));
  if (!head.equals(start.subarray(0, head.length))) throw notResumable('it begins otherwise');
  if (size <= start.length) return { keepBytes: 0, nextIndex: range.from };
  const found = await format.find(file, start.length, size);
  if (found === undefined) throw notResumable('it is in another format, or damaged');
  const point = goOnBehind(found, format, reader, range);
  const tail = await readRange(file, found.end, size);
  const upcoming = entryAt(reader, point.nextIndex, range.to);
  const fits = upcoming === undefined || startsWith(format.entry(upcoming), tail);
  if (tail.length > 0 && point.keepBytes === found.end && (!fits || point.nextIndex === range.to)) {
    throw notResumable('what stands at its end is not what comes next');
  }
  return point;
}

function goOnBehind(
  { first, last, lastStart, end }: FoundRecords,
  format: ExportFormat,
  reader: JournalReader,
  range: Range,
): ResumePoint {
  if (first === undefined || last === undefined) return { keepBytes: end, nextIndex: range.from };
  const begin = placeOf(first, format, reader);
  const beginIndex = begin.kind === 'entry' ? begin.index : begin.from;
  // In a sequence of entries a run that is missing leaves no record.
  if (beginIndex < range.from || hasEntries(reader, range.from, beginIndex)) {
    throw notResumable(`it begins with entry ${beginIndex}, not ${range.from}`);
  }
  const place = placeOf(last, format, reader);
  // How far a run of missing entries goes is asked again.
  if (place.kind === 'missing') return { keepBytes: lastStart, nextIndex: place.from };
  if (place.index >= range.to) throw notResumable(`it already holds entry ${place.index}`);
  return { keepBytes: end, nextIndex: place.index + 1 };
}

/** What a record is about, if it is what this log would have given. */
function placeOf(record: Buffer, format: ExportFormat, reader: JournalReader): RecordPlace {
  const place = format.place(record);
  if (place === undefined) throw notResumable('it is in another format, or damaged');
  if (place.kind === 'missing') return place;
  if (place.index >= reader.size) throw notResumable(`the log has no entry ${place.index}`);
  const stored = entryAt(reader, place.index, place.index + 1);
  if (stored !== undefined && !record.equals(Buffer.from(format.entry(stored)))) {
    throw notResumable(`its entry ${place.index} is not that of this log`);
  }
  return place;
}

/** The entry with exactly that index, if it is below `to` and still there. */
function entryAt(reader: JournalReader, index: number, to: number): StoredEntry | undefined {
  if (index >= to) return undefined;
  const { value } = reader.entries(index, index + 1).next() as IteratorResult<StoredEntry, undefined>;
  return value;
}

function hasEntries(reader: JournalReader, from: number, to: number): boolean {
  return from < to && reader.entries(from, to).next().done !== true;
}

function startsWith(whole: Uint8Array | string, part: Buffer): boolean {
  return Buffer.from(whole).subarray(0, part.length).equals(part);
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  return bytes.subarray(0, bytesRead);
}

function notResumable(why: string): UsageError {
  return new UsageError('usage.not_resumable', `this file is no unfinished export of that kind: ${why}`, {
    hint: 'give the same --from and --format as before, or begin anew without --resume',
  });
}
