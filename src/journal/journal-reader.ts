import { decodeEntry } from './entry/cose-sign1.ts';
import { journalDiskBytes } from './store/disk-size.ts';
import type { EntryKind, EntryRange, JournalEntry } from './entry/entry-types.ts';
import { JournalError } from './errors.ts';
import { KeyHistory, readKeyHistory } from './key-history.ts';
import { TILE_WIDTH } from './tree/hash-tile.ts';
import {
  consistencyProof,
  HASH_BYTES,
  inclusionProof,
  leafHash,
  rootOf,
  type NodeReader,
} from './tree/merkle-tree.ts';
import { rangeProof, subtreesOf, type RangeProof } from './tree/range-proof.ts';
import { nodesFromCachedTiles } from './tree/tile-cache.ts';
import { openRows, type SqliteRows } from './store/sqlite-rows.ts';

/** Rows fetched at a time when iterating: about a quarter of a megabyte. */
const CHUNK = 256;
/** Rows of each kind that are not readings: they may be larger. */
const CHUNK_OF_KIND = 32;
/** Tiles kept for the next proof: half a megabyte. Three or four hold every node that one proof needs. */
const CACHED_TILES = 32;

export interface StoredEntry {
  readonly index: number;
  readonly kind: EntryKind;
  /** The COSE_Sign1 message as it was signed; not verified by reading it. */
  readonly cose: Uint8Array;
}

export interface JournalStat {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly oldest: EntryTime;
  readonly newest: EntryTime;
  readonly bootCount: number;
  /** Database and write-ahead log on the file system. */
  readonly bytes: number;
  /** Entries that gave way or were lost, and in how many runs. */
  readonly pruned: { readonly entries: number; readonly ranges: number };
}

export interface EntryTime {
  readonly index: number;
  readonly timeMs: number;
}

/**
 * Reads a journal, also while the service writes it: a connection of its own, entries never change, the size only
 * grows, and old readings may go. Every method throws JournalError `journal.corrupt` or `journal.io` when the file cannot be
 * read, `journal.out_of_range` for what is not in the log, and `journal.pruned` for what is not in it any more.
 */
export interface JournalReader {
  /** From entry 0: the log's name. */
  readonly origin: string;
  /** The key that signs the log now. Believe it only if you know it, or one that it followed, from elsewhere. */
  readonly publicKey: Uint8Array;
  /** Every key from the birth in entry 0 on, each rotation verified. */
  readonly keys: KeyHistory;
  /** Entries committed by now. */
  readonly size: number;
  entry(index: number): StoredEntry;
  /**
   * Entries from..to-1 that are still there, in constant memory; holds no transaction, so that the writer is never slowed
   * down. Those that are gone are passed over: their indices are in `holes`.
   */
  entries(from?: number, to?: number): IterableIterator<StoredEntry>;
  /** Entries of one kind, newest first, in constant memory: by an index, so that other entries cost nothing. */
  newestOfKind(kind: Exclude<EntryKind, 'reading'>): IterableIterator<StoredEntry>;
  /** Entries from..to-1 of these kinds that are still there, in order and constant memory: without readings, by an index. */
  entriesOfKinds(kinds: readonly EntryKind[], from?: number, to?: number): IterableIterator<StoredEntry>;
  /** Entries from..to-1 that are gone: runs that touch the range, ascending. What was dropped on purpose, or lost in damage. */
  holes(from?: number, to?: number): readonly EntryRange[];
  rootAt(size: number): Uint8Array;
  /** RFC 6962 §2.1.1, in O(log size) reads. */
  inclusionProof(index: number, size: number): Uint8Array[];
  /** RFC 6962 §2.1.2, in O(log size) reads. */
  consistencyProof(size1: number, size2: number): Uint8Array[];
  /** Of the entries from..to-1 in the tree of the first `size`; the first and the last of them are there. In O(log size) reads. */
  rangeProof(from: number, to: number, size: number): RangeProof;
  /** The hashes of `subtreesOf` entries from..to-1, also where those are gone: of whole holes, with what stands beside them. */
  subtreeHashes(from: number, to: number): Uint8Array[];
  stat(): JournalStat;
  close(): void;
}

/** @throws JournalError `journal.missing`, `journal.corrupt`, `journal.newer_format`, `journal.io` */
export function openJournalReader(directory: string): JournalReader {
  const rows = openRows(directory);
  try {
    const { origin, publicKey } = readBirth(rows, directory);
    // Without a rotation there is nothing to verify, and entry 0 has just been read.
    const keys = rows.signingKeys().length === 0 ? new KeyHistory(publicKey) : readKeyHistory(rows);
    return new RowsReader(directory, rows, origin, keys);
  } catch (error) {
    rows.close();
    throw error;
  }
}

function readBirth(rows: SqliteRows, directory: string): { origin: string; publicKey: Uint8Array } {
  const row = rows.row(0);
  if (row === undefined) {
    const code = rows.size() === 0 ? 'journal.missing' : 'journal.corrupt';
    throw new JournalError(code, `the journal in ${directory} has no entry 0`);
  }
  const birth = decodeStored(row);
  if (birth.kind !== 'boot' || birth.body.birthKey === undefined) {
    throw new JournalError('journal.corrupt', 'entry 0 is not the birth of an identity');
  }
  return { origin: birth.station, publicKey: birth.body.birthKey };
}

class RowsReader implements JournalReader {
  readonly origin: string;
  readonly keys: KeyHistory;
  readonly #directory: string;
  readonly #rows: SqliteRows;
  readonly #cachedNodes: NodeReader;

  constructor(directory: string, rows: SqliteRows, origin: string, keys: KeyHistory) {
    this.#directory = directory;
    this.#rows = rows;
    this.#cachedNodes = nodesFromCachedTiles(this.#tile.bind(this), CACHED_TILES);
    this.origin = origin;
    this.keys = keys;
  }

  get publicKey(): Uint8Array {
    return this.keys.currentKey;
  }

  get size(): number {
    return this.#rows.size();
  }

  entry(index: number): StoredEntry {
    const row = this.#rows.row(index);
    if (row !== undefined) return row as StoredEntry;
    const { size } = this;
    if (index >= 0 && index < size) {
      const [hole] = this.#rows.holes(index, index + 1);
      if (hole === undefined) throw new JournalError('journal.corrupt', `entry ${index} is missing`);
      throw new JournalError(
        'journal.pruned',
        `entry ${index} is gone: it gave way to newer ones, or was lost`,
        {
          details: { ...hole },
          hint: 'a signed gap or fault entry says what went; an export may still hold it',
        },
      );
    }
    throw new JournalError('journal.out_of_range', `entry ${index} is not in a log of ${size}`);
  }

  *entries(from = 0, to = this.size): IterableIterator<StoredEntry> {
    if (to > this.size) throw new JournalError('journal.out_of_range', `the log has ${this.size} entries`);
    for (let start = Math.max(0, from); start < to;) {
      const chunk = this.#rows.firstRows(start, to, CHUNK);
      // The last one may lie behind a hole of any length: one read passes it.
      const end = chunk.length < CHUNK ? to : (chunk.at(-1)?.index ?? to) + 1;
      if (chunk.length !== end - start) this.#assertOnlyHoles(start, end, chunk);
      yield* chunk as StoredEntry[];
      start = end;
    }
  }

  *newestOfKind(kind: Exclude<EntryKind, 'reading'>): IterableIterator<StoredEntry> {
    for (let before = this.size; ;) {
      const chunk = this.#rows.ofKind(kind, before, CHUNK);
      yield* chunk as StoredEntry[];
      if (chunk.length < CHUNK) return;
      before = chunk.at(-1)?.index ?? 0;
    }
  }

  *entriesOfKinds(kinds: readonly EntryKind[], from = 0, to = this.size): IterableIterator<StoredEntry> {
    if (kinds.includes('reading')) {
      for (const entry of this.entries(from, to)) if (kinds.includes(entry.kind)) yield entry;
      return;
    }
    const queues = kinds.map((kind) => ({
      kind,
      rows: this.#rows.firstOfKind(kind, from, to, CHUNK_OF_KIND),
    }));
    for (;;) {
      const [first] = queues.filter(({ rows }) => rows.length > 0).sort(byFirstIndex);
      const row = first?.rows.shift();
      if (first === undefined || row === undefined) return;
      yield row as StoredEntry;
      if (first.rows.length === 0)
        first.rows = this.#rows.firstOfKind(first.kind, row.index + 1, to, CHUNK_OF_KIND);
    }
  }

  holes(from = 0, to = this.size): readonly EntryRange[] {
    return this.#rows.holes(from, to);
  }

  rootAt(size: number): Uint8Array {
    return rootOf(this.#nodes(size), size);
  }

  inclusionProof(index: number, size: number): Uint8Array[] {
    return inclusionProof(this.#nodes(size), index, size);
  }

  consistencyProof(size1: number, size2: number): Uint8Array[] {
    return consistencyProof(this.#nodes(size2), size1, size2);
  }

  rangeProof(from: number, to: number, size: number): RangeProof {
    return rangeProof(this.#nodes(size), from, to, size);
  }

  subtreeHashes(from: number, to: number): Uint8Array[] {
    const nodes = this.#nodes(to);
    return subtreesOf(from, to).map(({ level, index }) => nodes(level, index));
  }

  stat(): JournalStat {
    const { origin, publicKey, size } = this;
    const newest = decodeStored(this.entry(size - 1));
    return {
      origin,
      publicKey,
      size,
      root: this.rootAt(size),
      oldest: { index: 0, timeMs: decodeStored(this.entry(0)).timeMs },
      newest: { index: newest.index, timeMs: newest.timeMs },
      bootCount: newest.bootCount,
      bytes: journalDiskBytes(this.#directory),
      pruned: this.#rows.pruned(),
    };
  }

  close(): void {
    this.#rows.close();
  }

  /** What is not there must be gone by what the table of holes says. */
  #assertOnlyHoles(from: number, to: number, there: readonly { readonly index: number }[]): void {
    let next = from;
    for (const end of [...there.map(({ index }) => index), to]) {
      let covered = next;
      for (const hole of end > next ? this.#rows.holes(next, end) : [])
        if (hole.from <= covered) covered = hole.to;
      if (covered < end) {
        throw new JournalError('journal.corrupt', `entries are missing between ${covered} and ${end}`);
      }
      next = end + 1;
    }
  }

  /** Nodes of the first `size` entries. */
  #nodes(size: number): NodeReader {
    if (size > this.size) {
      throw new JournalError('journal.out_of_range', `the log has ${this.size} entries, not ${size}`);
    }
    return this.#cachedNodes;
  }

  /** Leaf hashes of the log's last, unfinished tile are in no table: they come from the entries, each read once. */
  #tile(level: number, index: number, width: number, known: Uint8Array): Uint8Array {
    if (level > 0 || known.length === 0) return this.#rows.tile(level, index, width);
    const first = index * TILE_WIDTH + known.length / HASH_BYTES;
    const added = this.#rows.rows(first, index * TILE_WIDTH + width);
    if (first + added.length < index * TILE_WIDTH + width) return this.#rows.tile(level, index, width);
    return Buffer.concat([known, ...added.map(({ cose }) => leafHash(cose))]);
  }
}

function byFirstIndex(
  { rows: [a] }: { readonly rows: readonly { readonly index: number }[] },
  { rows: [b] }: { readonly rows: readonly { readonly index: number }[] },
): number {
  return (a?.index ?? 0) - (b?.index ?? 0);
}

function decodeStored({ index, cose }: { index: number; cose: Uint8Array }): JournalEntry {
  try {
    return decodeEntry(cose).entry;
  } catch (error) {
    throw new JournalError('journal.corrupt', `entry ${index} cannot be read back`, { cause: error });
  }
}
