import type { FileHandle } from 'node:fs/promises';
import { MAX_ENTRY_BYTES } from '../../journal/index.ts';

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
    let length = sign1Length(chunk, at);
    for (; typeof length === 'number'; length = sign1Length(chunk, at)) {
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

/** Tag 18 and a list of four (RFC 9052 §4.2), as entries have it: byte string, empty map, byte string, byte string. */
function sign1Length(bytes: Uint8Array, start: number): number | 'cut off' | 'none' {
  let at = start;
  for (const part of [0xd2, 0x84, 'bytes', 0xa0, 'bytes', 'bytes']) {
    const head = bytes[at];
    if (head === undefined) return 'cut off';
    if (typeof part === 'number') {
      if (head !== part) return 'none';
      at++;
      continue;
    }
    const length = byteStringLength(bytes, at, head);
    if (length === undefined || at + length - start > MAX_ENTRY_BYTES) return 'none';
    at += length;
  }
  return at > bytes.length ? 'cut off' : at - start;
}

/** Of head and content, RFC 8949 §3.1 major type 2. When the head itself is cut off, whatever is longer than that. */
function byteStringLength(bytes: Uint8Array, at: number, head: number): number | undefined {
  if (head >= 0x40 && head <= 0x57) return 1 + (head - 0x40);
  const width = { 0x58: 1, 0x59: 2, 0x5a: 4 }[head];
  if (width === undefined) return undefined;
  if (at + width >= bytes.length) return 1 + width;
  return 1 + width + Buffer.from(bytes).readUIntBE(at + 1, width);
}

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
