// What SQLite does not say of a write-ahead log: it reads up to the first frame that does not fit and takes the rest for
// the torn end of a commit that was never acknowledged. A flipped bit in an old frame looks the same to it, and takes
// every commit behind it along. https://sqlite.org/fileformat2.html#the_write_ahead_log
import { closeSync, existsSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit says in which byte order the checksums are; the rest is fixed. */
const MAGIC = 0x377f0682;

export type WalState =
  | 'whole'
  /** Commits stand behind a place that does not fit: they were acknowledged, and SQLite will not read them. */
  | 'damaged';

interface Frame {
  readonly salts: bigint;
  readonly commit: boolean;
  /** Its checksum as stored. */
  readonly stored: bigint;
  /** The checksum it should have, given that of the frame before it. */
  readonly expected: bigint;
}

/**
 * Reads a write-ahead log of any length in constant memory. A torn last commit, which a power cut leaves, is whole: with
 * synchronous=FULL a commit begins only when the one before it is on disk, so what is torn holds one commit mark at most.
 */
export function examineWal(file: string): WalState {
  if (!existsSync(file)) return 'whole';
  const fd = openSync(file, 'r');
  try {
    const header = readAt(fd, 0, HEADER_BYTES);
    if (header.byteLength < HEADER_BYTES) return 'whole';
    const zero = new Uint8Array(header.buffer).every((byte) => byte === 0);
    const bigEndian = (header.getUint32(0) & 1) === 1;
    const sum = checksum(header, 0, 24, 0n, bigEndian);
    const goodHeader = (header.getUint32(0) & ~1) >>> 0 === MAGIC && sum === header.getBigUint64(24);
    if (!goodHeader) return zero ? 'whole' : 'damaged';
    return walk(fd, header, bigEndian);
  } finally {
    closeSync(fd);
  }
}

function walk(fd: number, header: DataView, bigEndian: boolean): WalState {
  const frameBytes = FRAME_HEADER_BYTES + header.getUint32(8);
  const salts = header.getBigUint64(16);
  let before = header.getBigUint64(24);
  let broken = false;
  /** Commit marks since the last place that did not fit. */
  let commits = 0;
  for (let offset = HEADER_BYTES; ; offset += frameBytes) {
    const frame = readFrame(fd, offset, frameBytes, before, bigEndian);
    if (frame === undefined) return 'whole';
    const fits = frame.expected === frame.stored;
    // Frames of an earlier round through the file have other salts; they are all in the database.
    if (frame.salts !== salts) {
      broken = true;
      commits = 0;
    } else if (!fits) {
      broken = true;
      commits = frame.commit ? 1 : 0;
    } else if (broken && frame.commit) {
      commits++;
    }
    if (commits >= 2) return 'damaged';
    before = frame.stored;
  }
}

function readFrame(
  fd: number,
  offset: number,
  bytes: number,
  before: bigint,
  bigEndian: boolean,
): Frame | undefined {
  const view = readAt(fd, offset, bytes);
  if (view.byteLength < bytes) return undefined;
  const head = checksum(view, 0, 8, before, bigEndian);
  return {
    commit: view.getUint32(4) !== 0,
    salts: view.getBigUint64(8),
    stored: view.getBigUint64(16),
    expected: checksum(view, FRAME_HEADER_BYTES, bytes, head, bigEndian),
  };
}

/** As SQLite's walChecksumBytes: two running sums over pairs of words, here both in one 64-bit number. */
function checksum(view: DataView, from: number, to: number, start: bigint, bigEndian: boolean): bigint {
  let s1 = Number(start >> 32n);
  let s2 = Number(start & 0xffffffffn);
  for (let at = from; at < to; at += 8) {
    s1 = (s1 + view.getUint32(at, !bigEndian) + s2) >>> 0;
    s2 = (s2 + view.getUint32(at + 4, !bigEndian) + s1) >>> 0;
  }
  return (BigInt(s1) << 32n) | BigInt(s2);
}

function readAt(fd: number, offset: number, bytes: number): DataView {
  const buffer = new Uint8Array(bytes);
  const read = readSync(fd, buffer, 0, bytes, offset);
  return new DataView(buffer.buffer, 0, read);
}
