import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Bad } from './audit/bad.ts';
import { DeclaredHoles } from './audit/declared-holes.ts';
import { HashAudit } from './audit/hash-audit.ts';
import { KeyAudit } from './audit-keys.ts';
import { equalBytes } from './bytes.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { declarationFault, holeDeclaration } from './entry/hole-declaration.ts';
import { leafHash } from './tree/merkle-tree.ts';
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
  /** Why the log was not compared with the earlier tree: the hashes that this takes gave way. Null: it was, or none was given. */
  readonly notCompared: string | null;
  /** Entries that are gone, in how many runs; a signed entry declares each of them. Their hashes are believed as stored. */
  readonly pruned: { readonly entries: number; readonly ranges: number };
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

/**
 * Checks every entry (encoding, signature, index, kind, boot order), every stored hash, and the root. Constant memory;
 * works while the service writes: it checks the entries there are when it starts. An entry that is not there is bad unless
 * a later one, signed, declares it gone; then its stored hash stands for it, and the root that the declaration signs vouches
 * for that hash.
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
  #size = 0;
  #root: Uint8Array | null = null;
  readonly #options: AuditOptions;
  #origin: string | null;
  readonly #keys: KeyAudit;
  #hashes: HashAudit | undefined;
  #bootCount = 0;
  /** Of the running count; undefined when the boot entry that began it is lost. */
  #bootId: Uint8Array | undefined = new Uint8Array(0);
  /** Boots may be among what was lost in damage: until the next one is seen, the count may have risen. */
  #bootsLost = false;
  #sawEarlier = false;
  #notCompared: string | null = null;
  /** The last entry that is no reading, and whether entries name theirs. */
  #lastOther: number | undefined;
  #linked = false;
  readonly #pruned = { entries: 0, ranges: 0, end: -1 };

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#keys = new KeyAudit(options.publicKey);
    this.#origin = options.origin ?? null;
  }

  /** Entries found good so far. */
  get done(): number {
    return this.#hashes?.size ?? 0;
  }

  async run(database: Database.Database): Promise<void> {
    const sizeOf = database.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck();
    const rowsOf = database.prepare<[number, number], Row>(
      'SELECT leaf_index AS "index", kind, cose FROM entry WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index',
    );
    const hashes = (this.#hashes = new HashAudit(database));
    const holes = new DeclaredHoles(database);
    this.#size = Math.max(0, (sizeOf.get() ?? -1) + 1);
    const before = database.prepare<[], number>('SELECT count(*) FROM entry WHERE leaf_index < 0').pluck();
    if (before.get() !== 0) throw new Bad(0, 'there are rows in front of the first entry');
    try {
      this.#keys.begin(database);
    } catch (error) {
      throw asBad(0, error);
    }
    this.#checkRoots(hashes, holes);
    // Rows and hashes as they are at one moment: between the two, retention may take both away.
    const checkTileTo = database.transaction((end: number) =>
      this.#checkTile(rowsOf.all(this.done, end), end, hashes, holes),
    );
    while (this.done < this.#size) {
      const end = Math.min(this.done + WIDTH - (this.done % WIDTH), this.#size);
      checkTileTo(end);
      this.#options.onProgress?.(this.done, this.#size);
      // Lets the event loop of a service or a progress display breathe.
      await new Promise(setImmediate);
    }
    this.#root = hashes.root();
    const wrongKeys = this.#keys.end(database, this.#size);
    if (wrongKeys !== undefined) throw new Bad(0, wrongKeys);
    database.transaction(() => {
      // What has gone since is declared further on than this walk has come.
      holes.read();
      hashes.checkEdge(database, holes);
    })();
    this.#checkSawEarlier();
  }

  result(firstBad: JournalAudit['firstBad']): JournalAudit {
    const { entries, ranges } = this.#pruned;
    const pruned = { entries, ranges };
    const rest = { ok: firstBad === null, firstBad, notCompared: this.#notCompared, pruned };
    const root = this.#root === null ? null : Buffer.from(this.#root).toString('hex');
    return { origin: this.#origin, size: this.#size, root, ...rest };
  }

  /** The rows up to `end`, all of one tile: each is there, or declared gone. */
  #checkTile(rows: readonly Row[], end: number, hashes: HashAudit, holes: DeclaredHoles): void {
    const whole = end - hashes.size === WIDTH;
    if (rows.length === 0 && whole && hashes.nextTileIsGone) {
      for (let at = hashes.size; at < end; at++) this.#checkGone(at, holes);
      hashes.addGoneTile();
      return this.#checkRoots(hashes, holes);
    }
    const there = rows[Symbol.iterator]();
    for (let row = there.next(); hashes.size < end;) {
      const at = hashes.size;
      if (row.done !== true && row.value.index === at) {
        this.#checkRow(row.value, hashes, holes);
        row = there.next();
      } else {
        this.#checkGone(at, holes);
        hashes.addGoneLeaf();
      }
      this.#checkRoots(hashes, holes);
    }
  }

  #checkRow(row: Row, hashes: HashAudit, holes: DeclaredHoles): void {
    const at = hashes.size;
    if (!(row.cose instanceof Uint8Array)) throw new Bad(at, 'the row holds no bytes');
    const entry = this.#checkEntry(at, row.cose);
    if (entry.kind !== row.kind)
      throw new Bad(at, `the row says ${String(row.kind)}, the entry ${entry.kind}`);
    this.#checkLink(entry, holes);
    this.#checkDeclaration(entry, hashes);
    hashes.addLeaf(leafHash(row.cose));
  }

  /**
   * An entry that is no reading names the one before it. So one that was declared gone as if it had been a reading is missed by
   * the next; once there are links, none may be left out.
   */
  #checkLink({ index, kind, previous }: JournalEntry, holes: DeclaredHoles): void {
    if (kind === 'reading') return;
    const seen = this.#lastOther;
    if (previous === undefined ? this.#linked : previous < (seen ?? 0) || previous >= index) {
      throw new Bad(index, 'the entry does not name the one before it that is no reading');
    }
    if (previous !== undefined && previous !== seen && holes.causeOf(previous) !== 'fault') {
      throw new Bad(
        previous,
        `entry ${index} says that this one is no reading; it is gone as if it had been one`,
      );
    }
    this.#linked ||= previous !== undefined;
    this.#lastOther = index;
  }

  /** A `gap` entry of retention signs the root of all in front of it; a `fault` entry's is compared when that size is reached. */
  #checkDeclaration(entry: JournalEntry, hashes: HashAudit): void {
    const fault = declarationFault(entry);
    if (fault !== undefined) throw new Bad(entry.index, fault);
    const tree = holeDeclaration(entry)?.tree;
    if (tree?.size === entry.index && !equalBytes(tree.root, hashes.root())) {
      throw new Bad(entry.index, 'the log in front of the entry is not the one whose root it signs');
    }
  }

  #checkGone(at: number, holes: DeclaredHoles): void {
    let by = holes.causeOf(at);
    if (by === undefined) {
      // The walk goes on until it has verified what was read ahead.
      this.#size = Math.max(this.#size, holes.read());
      by = holes.causeOf(at);
    }
    if (by === undefined) throw new Bad(at, 'the entry is missing');
    if (by === 'fault') this.#bootsLost = true;
    this.#pruned.entries++;
    if (this.#pruned.end !== at) this.#pruned.ranges++;
    this.#pruned.end = at + 1;
  }

  #checkRoots(hashes: HashAudit, holes: DeclaredHoles): void {
    const { earlier } = this.#options;
    if (earlier?.size === hashes.size) {
      this.#sawEarlier = true;
      if (!equalBytes(hashes.root(), earlier.root)) {
        throw new Bad(Math.max(0, hashes.size - 1), 'the log does not begin with the tree of the checkpoint');
      }
    }
    for (const root of holes.rootsOf(hashes.size)) {
      if (!equalBytes(hashes.root(), root)) {
        throw new Bad(
          Math.max(0, hashes.size - 1),
          'the log does not begin with the tree that vouches for what is gone',
        );
      }
    }
  }

  #checkSawEarlier(): void {
    const { earlier } = this.#options;
    if (earlier === undefined || this.#sawEarlier) return;
    if (earlier.size > this.#size) {
      throw new Bad(this.#size, `the log is shorter than the ${earlier.size} entries of the checkpoint`);
    }
    this.#notCompared = `the hashes are gone that a tree of ${earlier.size} would be compared with`;
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
    if (this.#bootsLost && entry.bootCount >= this.#bootCount) {
      this.#bootsLost = false;
      this.#bootCount = entry.bootCount;
      this.#bootId = entry.kind === 'boot' ? entry.body.bootId : undefined;
      return;
    }
    if (entry.kind !== 'boot') {
      if (entry.bootCount !== this.#bootCount)
        throw new Bad(at, 'the boot count changed without a boot entry');
      return;
    }
    const rise = entry.bootCount - this.#bootCount;
    const sameKernel = at > 0 && this.#bootId !== undefined && equalBytes(entry.body.bootId, this.#bootId);
    if (rise !== (sameKernel ? 0 : 1) && (rise !== 0 || this.#bootId !== undefined))
      throw new Bad(at, 'the boot count does not fit the boot entries');
    this.#bootCount = entry.bootCount;
    this.#bootId = entry.body.bootId;
  }
}

function asBad(index: number, error: unknown): unknown {
  return error instanceof JournalError ? new Bad(index, error.message) : error;
}
