// Entries out of the raw bytes of a database file or its write-ahead log, for when SQLite gives none: an entry says
// itself where it begins and ends, who signed it and which number it has, so nothing around it needs to be believed.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { MAX_ENTRY_BYTES } from '../entry/cose-sign1.ts';
import { ENTRY_KINDS } from '../entry/entry-payload.ts';

/** Tag 18, a list of four, and the head of a byte string of 24 to 255 bytes: how each of our entries begins. */
const START = Uint8Array.of(0xd2, 0x84, 0x58);
const SIGNATURE_PART_BYTES = 66;
const WAL_HEADER_BYTES = 32;
const WAL_FRAME_HEADER_BYTES = 24;

/** Told how far it is this often. */
const PAGES_BETWEEN_WORDS = 256;

/** One page as it stands somewhere in a file, and the pages that its long rows go on in. */
interface Page {
  readonly bytes: Uint8Array;
  readonly follow: (page: number) => Uint8Array | undefined;
}

/**
 * Everything that looks like an entry: in the database's pages, then in all frames of the log, good or not. Old copies
 * of a row come more than once. Nothing is verified. Memory: a page and an entry.
 * @param onBytes told how much of both files has been looked at
 */
export function* carveEntries(
  file: string,
  pageBytes: number,
  onBytes: (done: number, total: number) => void = () => {},
): Generator<Uint8Array> {
  const database = openPages(file, 0, pageBytes);
  const wal = openPages(`${file}-wal`, WAL_HEADER_BYTES, pageBytes + WAL_FRAME_HEADER_BYTES);
  try {
    const ofDatabase = (page: number): Uint8Array | undefined => database?.read(page - 1);
    const newest = newestFrames(wal);
    const ofBoth = (page: number): Uint8Array | undefined => {
      const frame = newest.get(page);
      return frame === undefined ? ofDatabase(page) : wal?.read(frame)?.subarray(WAL_FRAME_HEADER_BYTES);
    };
    const pages = (database?.count ?? 0) + (wal?.count ?? 0);
    const say = (page: number): void => {
      if (page % PAGES_BETWEEN_WORDS === 0) onBytes(page * pageBytes, pages * pageBytes);
    };
    for (let i = 0; i < (database?.count ?? 0); i++) {
      say(i);
      const bytes = database?.read(i);
      // Long rows of the file itself go on in the file; in what the log has made of it, if it has.
      if (bytes) yield* entriesIn({ bytes, follow: ofDatabase });
      if (bytes && newest.size > 0) yield* entriesIn({ bytes, follow: ofBoth }, 'long');
    }
    for (let i = 0; i < (wal?.count ?? 0); i++) {
      say((database?.count ?? 0) + i);
      const bytes = wal?.read(i)?.subarray(WAL_FRAME_HEADER_BYTES);
      if (bytes) yield* entriesIn({ bytes, follow: ofBoth });
    }
  } finally {
    database?.close();
    wal?.close();
  }
}

function* entriesIn(page: Page, which: 'all' | 'long' = 'all'): Generator<Uint8Array> {
  const bytes = Buffer.from(page.bytes.buffer, page.bytes.byteOffset, page.bytes.byteLength);
  for (let at = bytes.indexOf(START); at >= 0; at = bytes.indexOf(START, at + 1)) {
    const length = entryLength(bytes, at);
    if (length === undefined || length > MAX_ENTRY_BYTES) continue;
    if (at + length <= bytes.length) {
      // A long row may begin near the end of a page, and its first part seem to fit.
      if (which === 'all') yield bytes.slice(at, at + length);
      continue;
    }
    const long = longEntry(page, bytes, at, length);
    if (long !== undefined) yield long;
  }
}

/** Of the COSE_Sign1 message that begins there, from the heads of its parts; undefined when they are none. */
function entryLength(bytes: Uint8Array, at: number): number | undefined {
  const header = 2 + 2 + (bytes[at + 3] ?? 0);
  const payloadAt = at + header + 1;
  if (bytes[payloadAt - 1] !== 0xa0) return undefined;
  const payload = byteString(bytes, payloadAt);
  return payload === undefined ? undefined : header + 1 + payload + SIGNATURE_PART_BYTES;
}

/** Head and content of the byte string that begins there (RFC 8949 §3, major type 2). */
function byteString(bytes: Uint8Array, at: number): number | undefined {
  const head = bytes[at] ?? 0;
  if (head >= 0x40 && head < 0x58) return 1 + head - 0x40;
  if (head === 0x58) return 2 + (bytes[at + 1] ?? 0);
  if (head === 0x59) return 3 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
  return undefined;
}

/**
 * A row that does not fit into its page goes on in a chain of pages (SQLite file format, §1.6). How much of it is in the
 * first one follows from the size of the whole row, and that from the kind, which stands in front of the entry.
 */
function longEntry(page: Page, bytes: Buffer, at: number, length: number): Uint8Array | undefined {
  const kind = ENTRY_KINDS.find((name) => bytes.subarray(0, at).toString('latin1').endsWith(name));
  if (kind === undefined) return undefined;
  const rowHeader = 3 + varintBytes(12 + 2 * length);
  const row = rowHeader + kind.length + length;
  const usable = bytes.length;
  const most = usable - 35;
  if (row <= most) return undefined;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((row - least) % (usable - 4));
  const here = (wanted <= most ? wanted : least) - (row - length);
  if (here <= 0 || at + here + 4 > bytes.length) return undefined;
  const parts = [Buffer.from(bytes.subarray(at, at + here))];
  let missing = length - here;
  let next = bytes.readUInt32BE(at + here);
  while (missing > 0) {
    const overflow = next === 0 ? undefined : page.follow(next);
    if (overflow === undefined) return undefined;
    const content = Buffer.from(overflow);
    next = content.readUInt32BE(0);
    parts.push(content.subarray(4, 4 + missing));
    missing -= Math.min(missing, usable - 4);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function varintBytes(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : 3;
}

interface Pages {
  readonly count: number;
  /** A copy: it stays as it is when the next one is read. */
  readonly read: (index: number) => Uint8Array | undefined;
  readonly close: () => void;
}

/** Same-sized pieces of a file behind `from` bytes; undefined when there is no such file. */
function openPages(file: string, from: number, bytes: number): Pages | undefined {
  if (!existsSync(file)) return undefined;
  const fd = openSync(file, 'r');
  const count = Math.max(0, Math.ceil((fstatSync(fd).size - from) / bytes));
  return {
    count,
    read: (index) => {
      if (index < 0 || index >= count) return undefined;
      // The last one may be cut off: what is missing reads as zeros.
      const piece = new Uint8Array(bytes);
      return readSync(fd, piece, 0, bytes, from + index * bytes) > 0 ? piece : undefined;
    },
    close: () => closeSync(fd),
  };
}

/** Page number to the last frame that holds it. */
function newestFrames(wal: Pages | undefined): ReadonlyMap<number, number> {
  const newest = new Map<number, number>();
  for (let i = 0; i < (wal?.count ?? 0); i++) {
    const head = wal?.read(i);
    if (head) newest.set(new DataView(head.buffer).getUint32(0), i);
  }
  return newest;
}
