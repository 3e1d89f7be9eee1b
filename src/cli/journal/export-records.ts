import type { FileHandle } from 'node:fs/promises';
import { entryLength, MAX_ENTRY_BYTES } from '../../journal/index.ts';

/** The whole records of a file, as far as continuing it needs them. */
export interface FoundRecords {
  /** Undefined, both, when there is no whole record. */
  readonly first: Buffer | undefined;
  readonly last: Buffer | undefined;
  /** Where the last whole record begins and ends. Behind `end` stands at most the beginning of another one. */
  readonly lastStart: number;
  readonly end: number;
}

/**
 * Looks at the records between `from` and `size`, in constant memory. Undefined when what is there cannot be records of
 * that form, wherever they were cut off.
 */
export type RecordFinder = (
  file: FileHandle,
  from: number,
  size: number,
) => Promise<FoundRecords | undefined>;

/** More than any line: an entry is 64 KiB at most, and JSON can make six bytes of one (a control character), or base64. */
export const MAX_RECORD_BYTES = 16 * MAX_ENTRY_BYTES;
const NEWLINE = 0x0a;

/** Lines: reads the two ends of the file only. */
export const lastLine: RecordFinder = async (file, from, size) => {
  const head = await readPart(file, from, Math.min(size, from + MAX_RECORD_BYTES));
  const firstEnd = head.indexOf(NEWLINE) + 1;
  if (firstEnd === 0) {
    if (head.length === MAX_RECORD_BYTES) return undefined;
    return { first: undefined, last: undefined, lastStart: from, end: from };
  }
  const tailFrom = Math.max(from, size - 2 * MAX_RECORD_BYTES);
  const tail = await readPart(file, tailFrom, size);
  const end = tail.lastIndexOf(NEWLINE) + 1;
  const before = end < 2 ? -1 : tail.lastIndexOf(NEWLINE, end - 2);
  if (end === 0 || tail.length - end > MAX_RECORD_BYTES || (before === -1 && tailFrom > from))
    return undefined;
  return {
    first: head.subarray(0, firstEnd),
    last: tail.subarray(before + 1, end),
    lastStart: tailFrom + before + 1,
    end: tailFrom + end,
  };
};

/** COSE_Sign1 messages one after the other: only from the front can be told where one begins. */
export const lastSign1: RecordFinder = async (file, from, size) => {
  let first: Buffer | undefined;
  let last: Buffer | undefined;
  let [lastStart, end] = [from, from];
  while (end < size) {
    const chunk = await readPart(file, end, Math.min(size, end + MAX_RECORD_BYTES));
    let at = 0;
    let length = entryLength(chunk, at);
    for (; typeof length === 'number'; length = entryLength(chunk, at)) {
      last = chunk.subarray(at, at + length);
      first ??= last;
      lastStart = end + at;
      at += length;
    }
    if (length === 'none') return undefined;
    if (at === 0) break;
    end += at;
  }
  return { first, last, lastStart, end };
};

async function readPart(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, from + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
