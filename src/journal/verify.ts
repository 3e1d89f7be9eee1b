import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { KeyAudit } from './audit-keys.ts';
import { equalBytes } from './bytes.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { EMPTY_ROOT, HASH_BYTES, leafHash, nodeHash } from './tree/merkle-tree.ts';
import { JournalError } from './errors.ts';
import { readError } from './store/sqlite-error.ts';
import { checkIsJournal, DATABASE_FILE } from './store/sqlite-schema.ts';

/**
 * The auditor: derives everything again from the raw rows and compares. It shares with the writer the format (codec and
 * the two hash functions), and neither its tree nor its store code.
 */
export interface JournalAudit {
  readonly origin: string | null;
  readonly size: number;
  /** RFC 6962 root in hex; null when not every entry could be hashed. */
  readonly root: string | null;
  readonly ok: boolean;
  readonly firstBad: { readonly index: number; readonly why: string } | null;
}

export interface AuditOptions {
  /** A key the log must be signed with: its first or any that it was handed over to; without it, entry 0 is believed. */
  readonly publicKey?: Uint8Array;
  readonly origin?: string;
  /** A tree that was seen earlier, from a checkpoint kept elsewhere: the log must begin with it. */
  readonly earlier?: { readonly size: number; readonly root: Uint8Array };
  readonly onProgress?: (done: number, size: number) => void;
}

interface Row {
  readonly index: unknown;
  readonly kind: unknown;
  readonly cose: unknown;
}

/** The size of a tile (C2SP tlog-tiles), and of the steps in which rows are read: no long transaction holds the WAL. */
const WIDTH = 256;

class Bad extends Error {
  readonly index: number;
  constructor(index: number, why: string) {
    super(why);
    this.index = index;
  }
}

/**
 * Checks every entry (encoding, signature, index, kind, boot order), every stored hash, and the root. Constant memory;
 * works while the service writes: it checks the entries there are when it starts.
 * @throws JournalError `journal.missing`, `journal.newer_format`; anything wrong with the content is a result
 */
export async function verifyJournal(directory: string, options: AuditOptions = {}): Promise<JournalAudit> {
  const file = path.join(directory, DATABASE_FILE);
  if (!existsSync(file)) throw new JournalError('journal.missing', `there is no journal in ${directory}`);
  let database: Database.Database | undefined;
  const audit = new Audit(options);
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    checkIsJournal(database);
    await audit.run(database);
    return audit.result(null);
  } catch (error) {
    if (error instanceof Bad) return audit.result({ index: error.index, why: error.message });
    const failure = readError(error, 'cannot read the journal');
    if (failure.code !== 'journal.corrupt') throw failure;
    return audit.result({ index: audit.done, why: failure.message });
  } finally {
    database?.close();
  }
}

class Audit {
  /** Entries found good so far. */
  done = 0;
  #size = 0;
  #root: Uint8Array | null = null;
  readonly #options: AuditOptions;
  #origin: string | null;
  readonly #keys: KeyAudit;
  #bootCount = 0;
  #bootId: Uint8Array = new Uint8Array(0);
  /** Roots of complete subtrees from left to right, each smaller than the one before: a binary counter with hashes. */
  #subtrees: { height: number; root: Uint8Array }[] = [];
  /** Hashes of the tile being filled, by tile level. */
  #tiles: Uint8Array[][] = [];

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#keys = new KeyAudit(options.publicKey);
    this.#origin = options.origin ?? null;
  }

  async run(database: Database.Database): Promise<void> {
    const sizeOf = database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck();
    const rowsOf = database.prepare<[number, number], Row>(
      'SELECT leaf_index AS "index", kind, cose FROM entry WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index',
    );
    const tileOf = database
      .prepare<[number, number], unknown>('SELECT hashes FROM tile WHERE level = ? AND tile_index = ?')
      .pluck();
    this.#size = Math.max(0, (sizeOf.get() ?? -1) + 1);
    const before = database.prepare<[], number>('SELECT count(*) FROM entry WHERE leaf_index < 0').pluck();
    if (before.get() !== 0) throw new Bad(0, 'there are rows in front of the first entry');
    if (this.#options.earlier?.size === 0) this.#checkEarlier(this.#options.earlier.root);
    try {
      this.#keys.begin(database);
    } catch (error) {
      throw asBad(0, error);
    }
    for (let start = 0; start < this.#size; start += WIDTH) {
      const rows = rowsOf.all(start, Math.min(start + WIDTH, this.#size));
      for (const row of rows) this.#checkRow(row, (level, index) => tileOf.get(level, index));
      const expected = Math.min(start + WIDTH, this.#size);
      if (this.done !== expected) throw new Bad(this.done, 'the entry is missing');
      this.#options.onProgress?.(this.done, this.#size);
      // Lets the event loop of a service or a progress display breathe.
      await new Promise(setImmediate);
    }
    this.#root = this.#foldSubtrees();
    const wrongKeys = this.#keys.end(database, this.#size);
    if (wrongKeys !== undefined) throw new Bad(0, wrongKeys);
    database.transaction(() => this.#checkEdgeTiles(database, (level, index) => tileOf.get(level, index)))();
    if ((this.#options.earlier?.size ?? 0) > this.#size) {
      throw new Bad(
        this.#size,
        `the log is shorter than the ${this.#options.earlier?.size} entries of the checkpoint`,
      );
    }
  }

  result(firstBad: JournalAudit['firstBad']): JournalAudit {
    const root = this.#root === null ? null : Buffer.from(this.#root).toString('hex');
    return { origin: this.#origin, size: this.#size, root, ok: firstBad === null, firstBad };
  }

  #checkRow(row: Row, readTile: (level: number, index: number) => unknown): void {
    const at = this.done;
    if (row.index !== at) throw new Bad(at, 'the entry is missing');
    if (!(row.cose instanceof Uint8Array)) throw new Bad(at, 'the row holds no bytes');
    const entry = this.#checkEntry(at, row.cose);
    if (entry.kind !== row.kind)
      throw new Bad(at, `the row says ${String(row.kind)}, the entry ${entry.kind}`);
    this.#addLeaf(at, leafHash(row.cose), readTile);
    this.done++;
    if (this.#options.earlier?.size === this.done) this.#checkEarlier(this.#options.earlier.root);
  }

  #checkEntry(at: number, cose: Uint8Array): JournalEntry {
    let entry: JournalEntry;
    try {
      entry = this.#keys.verify(cose);
    } catch (error) {
      throw asBad(at, error);
    }
    if (entry.index !== at) throw new Bad(at, `the entry says it is number ${entry.index}`);
    this.#origin ??= entry.station;
    if (entry.station !== this.#origin) throw new Bad(at, `the entry is of another log: ${entry.station}`);
    this.#checkBoot(at, entry);
    return entry;
  }

  /** A log begins with its identity's birth; the boot count rises at a `boot` entry of a new boot and nowhere else. */
  #checkBoot(at: number, entry: JournalEntry): void {
    const birth = entry.kind === 'boot' && entry.body.birthKey !== undefined;
    if (birth !== (at === 0))
      throw new Bad(at, birth ? 'a second birth' : 'the log does not begin with a birth');
    if (entry.kind !== 'boot') {
      if (entry.bootCount !== this.#bootCount)
        throw new Bad(at, 'the boot count changed without a boot entry');
      return;
    }
    const rise = at > 0 && equalBytes(entry.body.bootId, this.#bootId) ? 0 : 1;
    if (entry.bootCount !== this.#bootCount + rise)
      throw new Bad(at, 'the boot count does not fit the boot entries');
    this.#bootCount = entry.bootCount;
    this.#bootId = entry.body.bootId;
  }

  #checkEarlier(root: Uint8Array): void {
    if (!equalBytes(this.#foldSubtrees(), root)) {
      throw new Bad(Math.max(0, this.done - 1), 'the log does not begin with the tree of the checkpoint');
    }
  }

  #addLeaf(at: number, hash: Uint8Array, readTile: (level: number, index: number) => unknown): void {
    let node = { height: 0, root: hash };
    this.#addToTile(at, 0, hash, readTile);
    for (let left = this.#subtrees.at(-1); left?.height === node.height; left = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      node = { height: node.height + 1, root: nodeHash(left.root, node.root) };
      if (node.height % 8 === 0) this.#addToTile(at, node.height / 8, node.root, readTile);
    }
    this.#subtrees.push(node);
  }

  #addToTile(
    at: number,
    level: number,
    hash: Uint8Array,
    readTile: (level: number, index: number) => unknown,
  ): void {
    const tile = (this.#tiles[level] ??= []);
    tile.push(hash);
    if (tile.length < WIDTH) return;
    const index = Math.floor(at / WIDTH ** (level + 1));
    const stored = readTile(level, index);
    if (!(stored instanceof Uint8Array) || !equalBytes(stored, Buffer.concat(tile))) {
      throw new Bad(
        index * WIDTH ** (level + 1),
        `stored tile ${index} of level ${level} ${tileFault(stored)}`,
      );
    }
    this.#tiles[level] = [];
  }

  /** Unfinished tiles may have grown since, and new ones may have come, but only as far as there are entries now. */
  #checkEdgeTiles(database: Database.Database, readTile: (level: number, index: number) => unknown): void {
    for (const [level, hashes] of this.#tiles.entries()) {
      if (level === 0 || hashes.length === 0) continue;
      const index = Math.floor(this.#size / WIDTH ** (level + 1));
      const stored = readTile(level, index);
      const prefix =
        stored instanceof Uint8Array ? stored.subarray(0, hashes.length * HASH_BYTES) : undefined;
      if (prefix === undefined || !equalBytes(prefix, Buffer.concat(hashes))) {
        throw new Bad(
          index * WIDTH ** (level + 1),
          `stored tile ${index} of level ${level} ${tileFault(stored)}`,
        );
      }
    }
    const now =
      (database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck().get() ?? -1) + 1;
    const tiles = database.prepare<[], { level: number; tiles: number; last: number; bytes: number }>(
      'SELECT level, count(*) AS tiles, max(tile_index) AS last, sum(length(hashes)) AS bytes FROM tile GROUP BY level',
    );
    for (const { level, last, bytes, tiles: count } of tiles.iterate()) {
      // Level 0 has full tiles only.
      const hashes = Math.floor(now / WIDTH ** Math.max(level, 1)) * (level === 0 ? WIDTH : 1);
      if (hashes === 0 || bytes !== hashes * HASH_BYTES || count !== last + 1) {
        throw new Bad(now, `level ${level} has hashes for which there are no entries, or too few`);
      }
    }
  }

  #foldSubtrees(): Uint8Array {
    const roots = this.#subtrees.map(({ root }) => root).reverse();
    return roots.length === 0 ? EMPTY_ROOT : roots.reduce((right, left) => nodeHash(left, right));
  }
}

function asBad(index: number, error: unknown): unknown {
  return error instanceof JournalError ? new Bad(index, error.message) : error;
}

function tileFault(stored: unknown): string {
  return stored === undefined ? 'is missing' : 'does not fit the entries';
}
