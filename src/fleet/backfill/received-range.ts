import {
  holeDeclaration,
  leafHash,
  RangeHashes,
  type EntryRange,
  type JournalEntry,
} from '../../journal/index.ts';
import type { TransferEnd } from '../../remote/index.ts';
import type { GoneRun } from './ordered-entries.ts';

/** Runs that are gone: a log of 512 MiB has fewer, and a broker that makes up more fills no memory. */
const MAX_GONE = 262_144;

/** What is known of the entries from..to-1, taken in in their order: hashes of those that are there, and what stands for the others. */
export class ReceivedRange {
  readonly #from: number;
  /** Runs without a gap, apart from each other. */
  readonly #runs: RangeHashes[] = [];
  readonly #gone = new Map<number, GoneRun>();
  readonly #declared: EntryRange[] = [];
  #entries = 0;

  constructor(from: number) {
    this.#from = from;
  }

  /** How many are there. */
  get entries(): number {
    return this.#entries;
  }

  /** Behind the last one. */
  get end(): number {
    return this.#runs.at(-1)?.to ?? this.#from;
  }

  add(cose: Uint8Array, entry: JournalEntry): void {
    let run = this.#runs.at(-1);
    if (run?.to !== entry.index) this.#runs.push((run = new RangeHashes(entry.index)));
    run.addLeaf(leafHash(cose));
    this.#entries++;
    this.#declared.push(...(holeDeclaration(entry)?.ranges ?? []));
  }

  /** What the station tells of those that are not there. */
  noteGone(runs: readonly GoneRun[]): void {
    for (const run of runs) if (this.#gone.size < MAX_GONE) this.#gone.set(run.from, run);
  }

  /** What is not there of from..to-1. */
  missing(to: number): readonly EntryRange[] {
    const gaps: EntryRange[] = [];
    let at = this.#from;
    for (const run of this.#runs) {
      if (run.from > at) gaps.push({ from: at, to: run.from });
      at = run.to;
    }
    if (to > at) gaps.push({ from: at, to });
    return gaps;
  }

  /** What of that no entry in here declares gone. */
  undeclared(to: number): readonly EntryRange[] {
    const declared = [...this.#declared].sort((a, b) => a.from - b.from);
    return this.missing(to).flatMap((gap) => without(gap, declared));
  }

  /** Why it is not shown that all of these are in that tree; undefined when it is. */
  whyNotIn(
    tree: { readonly size: number; readonly root: Uint8Array },
    proof: TransferEnd['rangeProof'],
  ): string | undefined {
    const [first, ...rest] = this.#runs;
    if (first === undefined) return undefined;
    if (proof === null) return 'the station gave no proof';
    if (proof.from !== first.from || proof.to !== this.end)
      return `the proof is of entries ${proof.from} to ${proof.to - 1}, not of ${first.from} to ${this.end - 1}`;
    const whole = new RangeHashes(first.from);
    whole.append(first);
    for (const run of rest) {
      if (!this.#fill(whole, run.from))
        return `nothing stands for what is gone between entries ${whole.to} and ${run.from}`;
      whole.append(run);
    }
    const nodes = { first: proof.first.map(fromHex), last: proof.last.map(fromHex) };
    return whole.isIn(tree, nodes)
      ? undefined
      : 'the entries do not lead to the root that the station signed';
  }

  #fill(whole: RangeHashes, to: number): boolean {
    while (whole.to < to) {
      const run = this.#gone.get(whole.to);
      if (run === undefined || run.to > to || run.to <= run.from) return false;
      if (!whole.addGone(run.to, run.hashes.map(fromHex))) return false;
    }
    return true;
  }
}

/** @param taken ascending */
function without(gap: EntryRange, taken: readonly EntryRange[]): EntryRange[] {
  const left: EntryRange[] = [];
  let at = gap.from;
  for (const { from, to } of taken) {
    if (to <= at || from >= gap.to) continue;
    if (from > at) left.push({ from: at, to: from });
    at = to;
  }
  if (at < gap.to) left.push({ from: at, to: gap.to });
  return left;
}

/** Of another length than a hash where it is no hexadecimal: no proof holds with it. */
function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
