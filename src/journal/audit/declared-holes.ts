import type Database from 'better-sqlite3';
import { decodeEntry } from '../entry/cose-sign1.ts';
import type { EntryRange } from '../entry/entry-types.ts';
import { holeDeclaration, type HoleDeclaration } from '../entry/hole-declaration.ts';

/**
 * What the entries of a log say is gone. They stand behind what they declare, so they are read ahead, without being verified:
 * the walk over the log comes to each of them and verifies it, or the log is bad. Memory grows with the number of runs.
 */
export class DeclaredHoles {
  readonly #declarations: Database.Statement<[number], { index: number; cose: unknown }>;
  readonly #ranges: Record<HoleDeclaration['by'], EntryRange[]> = { gap: [], fault: [] };
  readonly #rootsBySize = new Map<number, Uint8Array[]>();
  #readTo = 0;

  constructor(database: Database.Database) {
    // The second condition lets SQLite use the partial index.
    this.#declarations = database.prepare(
      `SELECT leaf_index AS "index", cose FROM entry
       WHERE kind IN ('gap', 'fault') AND kind <> 'reading' AND leaf_index >= ? ORDER BY leaf_index`,
    );
  }

  /** Reads what was not read before. Returns the size that a walk must reach to have verified it all. */
  read(): number {
    for (const { index, cose } of this.#declarations.iterate(this.#readTo)) {
      this.#readTo = index + 1;
      const declaration = cose instanceof Uint8Array ? declarationIn(cose) : undefined;
      if (declaration === undefined) continue;
      const { by, ranges, tree } = declaration;
      this.#ranges[by].push(...ranges);
      if (tree !== undefined) {
        this.#rootsBySize.set(tree.size, [...(this.#rootsBySize.get(tree.size) ?? []), tree.root]);
      }
    }
    for (const by of ['gap', 'fault'] as const) this.#ranges[by] = merged(this.#ranges[by]);
    return this.#readTo;
  }

  /** What declares the entry gone; undefined when nothing does. */
  causeOf(index: number): HoleDeclaration['by'] | undefined {
    if (this.#endFrom('gap', index) > index) return 'gap';
    return this.#endFrom('fault', index) > index ? 'fault' : undefined;
  }

  /** Whether every entry from..to-1 is declared gone. */
  covers(from: number, to: number): boolean {
    let next = from;
    for (let end = -1; next < to && end !== next;) {
      end = next;
      next = Math.max(next, this.#endFrom('gap', next), this.#endFrom('fault', next));
    }
    return next >= to;
  }

  /** Roots that declarations sign for the tree of that size. */
  rootsOf(size: number): readonly Uint8Array[] {
    return this.#rootsBySize.get(size) ?? [];
  }

  /** Where the run ends that holds the index; the index itself when none does. */
  #endFrom(by: HoleDeclaration['by'], index: number): number {
    const ranges = this.#ranges[by];
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((ranges[middle]?.to ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low];
    return range !== undefined && range.from <= index ? range.to : index;
  }
}

function declarationIn(cose: Uint8Array): HoleDeclaration | undefined {
  try {
    return holeDeclaration(decodeEntry(cose).entry);
  } catch {
    return undefined; // the walk will find it
  }
}

function merged(ranges: readonly EntryRange[]): EntryRange[] {
  const runs: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = runs.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else runs.push({ from, to });
  }
  return runs;
}
