import type { Database, Statement } from 'better-sqlite3';
import type { EntryRange } from '../entry/entry-types.ts';
import { TILE_WIDTH } from '../tree/hash-tile.ts';

/** What goes together with the commit of the entry that says so. */
export interface RowDrop {
  /** Within the stretch: whole tiles of the log, all complete. */
  readonly ranges: readonly EntryRange[];
  readonly stretch: EntryRange;
  /** Which pass of retention came so far; 0: no reading stays. */
  readonly keepSpan: number;
  /** Tiles of leaf hashes that stay although every one of their entries has gone. */
  readonly keepTiles: ReadonlySet<number>;
}

/** Deletes rows, within a transaction of whoever calls. */
export class RowDropper {
  readonly #deleteEntries: Statement<[number, number]>;
  readonly #tileHasEntry: Statement<[number, number], number>;
  readonly #deleteTile: Statement<[number]>;
  readonly #holesAt: Statement<[number, number, number], EntryRange>;
  readonly #deleteHole: Statement<[number]>;
  readonly #insertHole: Statement<[number, number, number]>;
  readonly #setProgress: Statement<[number, number]>;
  readonly #progress: Statement<[], { keepSpan: number; end: number }>;

  constructor(database: Database) {
    this.#deleteEntries = database.prepare('DELETE FROM entry WHERE leaf_index >= ? AND leaf_index < ?');
    this.#tileHasEntry = database
      .prepare<[number, number], number>(
        'SELECT 1 FROM entry WHERE leaf_index >= ? AND leaf_index < ? LIMIT 1',
      )
      .pluck();
    this.#deleteTile = database.prepare('DELETE FROM tile WHERE level = 0 AND tile_index = ?');
    this.#holesAt = database.prepare(
      `SELECT first_index AS "from", end_index AS "to" FROM hole
       WHERE first_index >= coalesce((SELECT max(first_index) FROM hole WHERE first_index <= ?), 0)
         AND first_index <= ? AND end_index >= ? ORDER BY first_index`,
    );
    this.#deleteHole = database.prepare('DELETE FROM hole WHERE first_index = ?');
    this.#insertHole = database.prepare(
      'INSERT INTO hole (first_index, end_index, cause_index) VALUES (?, ?, ?)',
    );
    this.#setProgress = database.prepare(
      `INSERT INTO retention (keep_span, end_index) VALUES (?, ?)
       ON CONFLICT (keep_span) DO UPDATE SET end_index = max(end_index, excluded.end_index)`,
    );
    this.#progress = database.prepare('SELECT keep_span AS keepSpan, end_index AS "end" FROM retention');
  }

  /** By keep span, how far retention has come. */
  progress(): ReadonlyMap<number, number> {
    return new Map(this.#progress.all().map(({ keepSpan, end }) => [keepSpan, end]));
  }

  drop({ ranges, stretch, keepSpan, keepTiles }: RowDrop, causeIndex: number): void {
    for (const { from, to } of ranges) this.#deleteEntries.run(from, to);
    for (let tile = stretch.from / TILE_WIDTH; tile < stretch.to / TILE_WIDTH; tile++) {
      const from = tile * TILE_WIDTH;
      if (!keepTiles.has(tile) && this.#tileHasEntry.get(from, from + TILE_WIDTH) === undefined) {
        this.#deleteTile.run(tile);
      }
    }
    // With the neighbours, so that the table stays as small as the runs are few.
    const before = this.#holesAt.all(stretch.from, stretch.to, stretch.from);
    for (const { from } of before) this.#deleteHole.run(from);
    for (const { from, to } of mergedRanges([...before, ...ranges])) {
      this.#insertHole.run(from, to, causeIndex);
    }
    this.#setProgress.run(keepSpan, stretch.to);
  }
}

/** The same entries in as few ranges as possible, ascending. */
export function mergedRanges(ranges: readonly EntryRange[]): EntryRange[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}
