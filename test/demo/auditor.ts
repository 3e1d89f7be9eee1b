import { runProduct } from '../support/product.ts';
import { checkReading, type JournaledReading, type Mismatch } from '../support/meters/truth.ts';
import type { StationTruth } from '../../hal/simulator/index.ts';

interface ExportedEntry {
  readonly index: number;
  readonly kind: string;
  readonly body: unknown;
}

export interface Audit {
  /** Readings in the journal that were compared, and their values. */
  readonly samples: number;
  readonly values: number;
  /** Entries of any kind that were looked at. */
  readonly entries: number;
  /** Readings with at least one value that the meter did not show. */
  readonly wrong: number;
  readonly firstMismatches: readonly Mismatch[];
  /** Index of the newest reading, or undefined. */
  readonly lastReading: number | undefined;
}

const KEPT_MISMATCHES = 5;

/**
 * Compares what is in the journal, as `journal export` gives it, with what the simulator's meters showed. Goes on where it
 * stopped, because the simulator remembers only so far back.
 */
export class Auditor {
  readonly #truth: StationTruth;
  readonly #stateDirectory: string;
  #samples = 0;
  #values = 0;
  #entries = 0;
  #wrong = 0;
  #lastReading: number | undefined;
  readonly #mismatches: Mismatch[] = [];
  #looking: Promise<Audit | undefined> = Promise.resolve(undefined);

  constructor(truth: StationTruth, stateDirectory: string) {
    this.#truth = truth;
    this.#stateDirectory = stateDirectory;
  }

  /** Skips what an earlier run of the demo left in the state directory: this simulator never showed it. */
  skipTo(size: number): void {
    this.#entries = size;
  }

  get audit(): Audit {
    return {
      samples: this.#samples,
      values: this.#values,
      entries: this.#entries,
      wrong: this.#wrong,
      firstMismatches: this.#mismatches,
      lastReading: this.#lastReading,
    };
  }

  /** One at a time: two would look at the same entries. */
  continue(): Promise<Audit> {
    const looking = this.#looking.catch(() => undefined).then(() => this.#lookOn());
    this.#looking = looking;
    return looking;
  }

  async #lookOn(): Promise<Audit> {
    const args = [
      'journal',
      'export',
      this.#stateDirectory,
      '--from',
      String(this.#entries),
      '--format',
      'jsonl',
    ];
    const { status, stdout, stderr } = await runProduct(args);
    if (status !== 0) throw new Error(`delmonicos journal export: ${stderr}`);
    for (const line of stdout.split('\n')) if (line !== '') this.#look(JSON.parse(line) as ExportedEntry);
    return this.audit;
  }

  #look(entry: ExportedEntry): void {
    if (entry.index !== this.#entries)
      throw new Error(`entry ${this.#entries} is missing, found ${entry.index}`);
    this.#entries++;
    if (entry.kind !== 'reading') return;
    const verdict = checkReading(this.#truth, entry.body as JournaledReading);
    this.#samples++;
    this.#values += verdict.checked;
    this.#lastReading = entry.index;
    // A reading that claims nothing good would pass unseen: it is not right either.
    if (verdict.mismatches.length === 0 && verdict.checked > 0) return;
    this.#wrong++;
    for (const mismatch of verdict.mismatches) {
      if (this.#mismatches.length < KEPT_MISMATCHES) this.#mismatches.push(mismatch);
    }
  }
}
