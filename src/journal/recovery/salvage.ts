import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { equalBytes } from '../bytes.ts';
import { decodeEntry } from '../entry/cose-sign1.ts';
import { ENTRY_KINDS } from '../entry/entry-payload.ts';
import type { EntryRange, JournalEntry } from '../entry/entry-types.ts';
import type { KeyHistory } from '../key-history.ts';
import { mergedRanges } from '../store/sqlite-drop.ts';
import { DATABASE_FILE, migrate } from '../store/sqlite-schema.ts';
import { subtreeRoot, TILE_BYTES, TILE_WIDTH } from '../tree/hash-tile.ts';
import { leafHash } from '../tree/merkle-tree.ts';
import { carveEntries } from './carve.ts';
import type { DamagedFile, FoundRow } from './damaged-file.ts';
import { logNumber } from './origin-chain.ts';
import type { OnRecoveryProgress } from './recovery-progress.ts';
import type { TreeToCheck } from './tree-rebuild.ts';

const DRAFT_FILE = 'journal.db.recovering';

export interface SalvageOptions {
  readonly directory: string;
  readonly stationOrigin: string;
  readonly damaged: DamagedFile;
  readonly keys: KeyHistory;
  /** The log is at least so long, says somebody else. */
  readonly knownSize: number;
  /** Verify every signature, also of entries whose hashes are stored and agree. */
  readonly thorough: boolean;
  /** The write-ahead log has commits that SQLite does not read. */
  readonly walDamaged: boolean;
  readonly onProgress?: OnRecoveryProgress | undefined;
}

/** An entry that declares others to be gone, which are therefore not lost. */
export interface DeclaredHole extends EntryRange {
  readonly cause: number;
}

/** What was saved of a damaged journal: verified entries in a database of their own, without tiles yet. */
export interface Salvaged {
  readonly draft: Database.Database;
  /** Of the entries; undefined when there are none. */
  readonly origin: string | undefined;
  readonly entries: number;
  /** Past the last entry. */
  readonly end: number;
  readonly declared: readonly DeclaredHole[];
  /** Trees that entries of the log itself vouch for. */
  readonly vouched: readonly TreeToCheck[];
  /** Everything SQLite was asked for was there and good. */
  readonly whole: boolean;
}

/**
 * Copies every entry that verifies into a draft. Entries whose hashes are those of a stored tile that its parent confirms
 * are taken without looking at their signatures, unless `thorough`: hashing is a hundred times cheaper. Memory does not
 * grow with the log.
 */
export async function salvageEntries(options: SalvageOptions): Promise<Salvaged> {
  const draft = openDraft(options.directory);
  const salvage = new Salvage(options, draft);
  try {
    await salvage.fromRows();
    if (!salvage.isComplete()) await salvage.fromBytes();
    return salvage.result();
  } catch (error) {
    draft.close();
    throw error;
  }
}

/** A half-made draft of an earlier try is no use. */
function openDraft(directory: string): Database.Database {
  dropDraft(directory);
  const draft = new Database(draftFile(directory));
  // Nothing of it counts before it is synchronised as a whole and gets its name.
  draft.pragma('journal_mode = OFF');
  draft.pragma('synchronous = OFF');
  migrate(draft);
  return draft;
}

export function draftFile(directory: string): string {
  return path.join(directory, DRAFT_FILE);
}

export function dropDraft(directory: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) {
    const file = draftFile(directory) + suffix;
    if (existsSync(file)) rmSync(file);
  }
}

/** Lets the event loop breathe this often: a watchdog must hear of us. */
const TILES_BETWEEN_BREATHS = 16;
const CARVED_BETWEEN_BREATHS = 256;

class Salvage {
  readonly #options: SalvageOptions;
  readonly #draft: Database.Database;
  readonly #insert: Database.Statement<[number, string, Uint8Array]>;
  readonly #has: Database.Statement<[number], number>;
  readonly #verify: (index: number, cose: Uint8Array) => JournalEntry;
  readonly #declared: DeclaredHole[] = [];
  /** The same, sorted; undefined when more were declared since. */
  #holes: readonly EntryRange[] | undefined;
  #vouched: TreeToCheck | undefined;
  #origin: string | undefined;
  #top = 0;
  #bad = false;

  constructor(options: SalvageOptions, draft: Database.Database) {
    this.#options = options;
    this.#draft = draft;
    this.#insert = draft.prepare('INSERT OR IGNORE INTO entry (leaf_index, kind, cose) VALUES (?, ?, ?)');
    this.#has = draft.prepare<[number], number>('SELECT 1 FROM entry WHERE leaf_index = ?').pluck();
    this.#verify = options.keys.verifier();
  }

  async fromRows(): Promise<void> {
    const { damaged, knownSize } = this.#options;
    this.#top = Math.max(knownSize, this.#lastReadable() + 1);
    for (let tile = 0; tile * TILE_WIDTH < this.#top; tile++) {
      this.#options.onProgress?.({ step: 'entries', done: tile * TILE_WIDTH, total: this.#top });
      const rows = damaged.rows(tile * TILE_WIDTH, Math.min((tile + 1) * TILE_WIDTH, this.#top));
      const trusted = !this.#options.thorough && this.#isStored(tile, rows);
      this.#draft.transaction(() => {
        for (const row of rows) this.#take(row, trusted);
      })();
      if (tile % TILES_BETWEEN_BREATHS === 0) await new Promise(setImmediate);
    }
  }

  /** Whether there is nothing to look for that SQLite has not given. */
  isComplete(): boolean {
    const { damaged, walDamaged } = this.#options;
    if (damaged.refused || walDamaged || this.#bad) return false;
    const declared = this.#declared.reduce((sum, { from, to }) => sum + to - from, 0);
    return this.#count() + declared >= this.#top;
  }

  async fromBytes(): Promise<void> {
    const { damaged } = this.#options;
    const before = this.#end();
    let carved = 0;
    const onBytes = (done: number, total: number): void =>
      this.#options.onProgress?.({ step: 'bytes', done, total });
    for (const cose of carveEntries(damaged.file, damaged.pageBytes, onBytes)) {
      this.#takeCarved(cose);
      if (++carved % CARVED_BETWEEN_BREATHS === 0) await new Promise(setImmediate);
    }
    await this.#cutIncoherent(before);
  }

  result(): Salvaged {
    return {
      draft: this.#draft,
      origin: this.#origin,
      entries: this.#count(),
      end: this.#end(),
      declared: this.#declared,
      vouched: this.#vouched === undefined ? [] : [this.#vouched],
      whole: this.isComplete(),
    };
  }

  /** A number may be what is damaged: the last row is the last one that verifies. */
  #lastReadable(): number {
    const { damaged } = this.#options;
    for (const index of damaged.lastIndices()) {
      const row = damaged.row(index);
      if (row !== undefined && this.#verified(index, row.cose) !== undefined) return index;
      this.#bad = true;
    }
    return -1;
  }

  #isStored(tile: number, rows: readonly FoundRow[]): boolean {
    const { damaged } = this.#options;
    const stored = damaged.tile(0, tile);
    if (rows.length < TILE_WIDTH || stored?.length !== TILE_BYTES) return false;
    const parent = damaged.hash(1, tile);
    if (parent === undefined || !equalBytes(parent, subtreeRoot(stored))) return false;
    return equalBytes(stored, Buffer.concat(rows.map(({ cose }) => leafHash(cose))));
  }

  #take({ index, kind, cose }: FoundRow, trusted: boolean): void {
    if (trusted && kind === 'reading' && this.#origin !== undefined)
      return void this.#insert.run(index, kind, cose);
    const entry = this.#verified(index, cose);
    if (entry === undefined) {
      this.#bad = true;
      return;
    }
    this.#keep(entry, cose);
  }

  #takeCarved(cose: Uint8Array): void {
    let index: number;
    try {
      index = decodeEntry(cose).entry.index;
    } catch {
      return;
    }
    if (this.#has.get(index) !== undefined || this.#isDeclared(index)) return;
    const entry = this.#verified(index, cose);
    if (entry !== undefined) this.#keep(entry, cose);
  }

  #keep(entry: JournalEntry, cose: Uint8Array): void {
    this.#origin ??= entry.station;
    this.#insert.run(entry.index, entry.kind, cose);
    if (entry.kind === 'gap' && 'ranges' in entry.body) {
      this.#declare(entry.body.ranges, entry.index);
      this.#vouch({ size: entry.index, root: entry.body.root });
    }
    if (entry.kind === 'fault') {
      this.#declare(entry.body.holes ?? [], entry.index);
      if (entry.body.tree !== undefined) this.#vouch(entry.body.tree);
    }
  }

  #declare(ranges: readonly EntryRange[], cause: number): void {
    this.#declared.push(...ranges.map(({ from, to }) => ({ from, to, cause })));
    this.#holes = undefined;
  }

  #vouch(tree: TreeToCheck): void {
    if (tree.size > (this.#vouched?.size ?? 0)) this.#vouched = tree;
  }

  #isDeclared(index: number): boolean {
    const ranges = (this.#holes ??= mergedRanges(this.#declared));
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((ranges[middle]?.to ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return (ranges[low]?.from ?? Infinity) <= index;
  }

  /** Signed by this station for this place in one of its logs; all entries are of the same one. */
  #verified(index: number, cose: Uint8Array): JournalEntry | undefined {
    try {
      const entry = this.#verify(index, cose);
      const ours = logNumber(this.#options.stationOrigin, entry.station) !== undefined;
      const same = this.#origin === undefined || entry.station === this.#origin;
      return ours && same && entry.index === index && ENTRY_KINDS.includes(entry.kind) ? entry : undefined;
    } catch {
      return undefined;
    }
  }

  #count(): number {
    return this.#draft.prepare<[], number>('SELECT count(*) FROM entry').pluck().get() ?? 0;
  }

  #end(): number {
    return (
      (this.#draft.prepare<[], number | null>('SELECT max(leaf_index) FROM entry').pluck().get() ?? -1) + 1
    );
  }

  /**
   * Behind the end that SQLite saw there may be entries of a commit that was torn and never acknowledged, and among them
   * older ones of another boot: what does not follow on its predecessor is not taken.
   */
  async #cutIncoherent(from: number): Promise<void> {
    const read = this.#draft
      .prepare<[number, number], Uint8Array>(
        'SELECT cose FROM entry WHERE leaf_index BETWEEN ? AND ? ORDER BY leaf_index',
      )
      .pluck();
    let boot: number | undefined;
    const end = this.#end();
    for (let index = Math.max(0, from - 1); index < end; index++) {
      if (index % TILE_WIDTH === 0) {
        this.#options.onProgress?.({ step: 'entries', done: index, total: end });
        await new Promise(setImmediate);
      }
      const [cose] = read.all(index, index);
      if (cose === undefined) {
        boot = undefined;
        continue;
      }
      const { entry } = decodeEntry(cose);
      if (boot !== undefined && entry.bootCount !== boot && entry.kind !== 'boot') {
        this.#draft.prepare('DELETE FROM entry WHERE leaf_index >= ?').run(index);
        return;
      }
      boot = entry.bootCount;
    }
  }
}

/** The name that a draft has when it is done. */
export const RECOVERED_PREFIX = `${DATABASE_FILE}.recovered-`;
