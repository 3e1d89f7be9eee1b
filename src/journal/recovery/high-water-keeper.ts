import type { Log } from '../../../hal/contract/index.ts';
import type { TreeEdge } from '../tree/hash-tile.ts';
import { nodesFromEdge } from '../tree/hash-tile.ts';
import { rootOf } from '../tree/merkle-tree.ts';
import type { HighWaterMark } from './high-water.ts';
import { writeHighWater } from './high-water-file.ts';
import type { MonotonicCounter } from './monotonic-counter.ts';

export interface KeeperOptions {
  readonly file: string;
  readonly origin: string;
  readonly opening: number;
  readonly counter: MonotonicCounter | undefined;
  readonly log: Log;
  /** The counter does not answer any more; the file goes on alone. Called once. */
  readonly onCounterLost: (error: unknown) => void;
}

/**
 * How often the mark follows the log without a reason of its own. A write costs the flash some 16 KB with its directory
 * entry: 2.3 MB a day.
 */
const PERIOD_MS = 10 * 60_000;
/**
 * NV counters of TPMs are made for some 10^5 to 10^6 increments: with one an hour for signed checkpoints, and one an opening
 * and a closing, 10^5 last eleven years.
 */
const SEAL_PERIOD_MS = 60 * 60_000;

/** Keeps the high-water mark of an open journal. The log is on disk before the mark says so, always. */
export class HighWaterKeeper {
  readonly #options: KeeperOptions;
  #counter: MonotonicCounter | undefined;
  #written: HighWaterMark | undefined;
  #seal: number | undefined;
  #periodMs: number | undefined;
  #sealedMs: number | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param shows what the counter showed when the journal was opened */
  constructor(options: KeeperOptions, shows: number | undefined) {
    this.#options = options;
    this.#counter = options.counter;
    this.#seal = shows;
  }

  /** The `boot` entry is on disk. A mark that cannot be written is logged: the log goes on without it. */
  async opened(edge: TreeEdge, nowMs: number): Promise<void> {
    this.#periodMs = nowMs;
    await this.#write(edge, nowMs, true, true).catch((error: unknown) => this.#warn(error));
  }

  /**
   * Durable when it resolves: from here on no smaller tree of this log is taken for the newest one.
   * @throws JournalError `journal.io`: then the checkpoint must not leave the process
   */
  async signed(edge: TreeEdge, nowMs: number): Promise<void> {
    if (this.#written !== undefined && this.#written.size >= edge.size) return;
    const due = this.#sealedMs === undefined || nowMs - this.#sealedMs >= SEAL_PERIOD_MS;
    await this.#write(edge, nowMs, true, due);
  }

  /** Every ten minutes at most; called after each commit. */
  committed(edge: TreeEdge, nowMs: number): void {
    if (this.#periodMs === undefined || nowMs - this.#periodMs < PERIOD_MS) return;
    this.#periodMs = nowMs;
    this.#write(edge, nowMs, true, false).catch((error: unknown) => this.#warn(error));
  }

  /** The last commit is on disk, and the database still open: a write-ahead log that is missing later was taken away. */
  async closing(edge: TreeEdge, nowMs: number): Promise<void> {
    await this.#write(edge, nowMs, false, true).catch((error: unknown) => this.#warn(error));
  }

  #write(edge: TreeEdge, nowMs: number, running: boolean, seal: boolean): Promise<void> {
    const done = this.#queue.then(() => this.#writeNow(edge, nowMs, running, seal));
    this.#queue = done.catch(() => {});
    return done;
  }

  /** The mark first, with the number that the counter is about to show: cut off in between, it is one ahead. */
  async #writeNow(edge: TreeEdge, nowMs: number, running: boolean, sealed: boolean): Promise<void> {
    const { file, origin, opening } = this.#options;
    const raises = sealed && this.#counter !== undefined && this.#seal !== undefined;
    const seal = raises ? (this.#seal ?? 0) + 1 : this.#seal;
    const { size } = edge;
    const root = rootOf(nodesFromEdge(edge), size);
    const leaves = edge.partial[0] ?? new Uint8Array(0);
    const mark = { origin, opening, size, root, leaves, running };
    this.#written = writeHighWater(file, seal === undefined ? mark : { ...mark, seal });
    if (!raises) return;
    this.#sealedMs = nowMs;
    await this.#raiseCounter(seal);
  }

  async #raiseCounter(announced: number | undefined): Promise<void> {
    try {
      this.#seal = await this.#counter?.increment();
    } catch (error) {
      this.#counter = undefined;
      // It may have counted before it fell silent: a mark that says less would look like an old copy.
      this.#seal = announced;
      this.#options.onCounterLost(error);
    }
  }

  #warn(error: unknown): void {
    this.#options.log('warning', 'journal.high_water_not_written', { error });
  }
}
