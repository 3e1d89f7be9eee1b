import { entryLength, JournalError, MAX_ENTRY_BYTES, type JournalEntry } from '../../journal/index.ts';
import type { TransferGone, TransferPiece } from '../../remote/index.ts';

export interface VerifiedEntry {
  readonly index: number;
  readonly cose: Uint8Array;
  readonly entry: JournalEntry;
}

export type GoneRun = TransferGone['gone'][number];

/** Verifies an entry that should be that one, or one behind it. @throws JournalError */
export type VerifyNext = (cose: Uint8Array, atLeast: number) => JournalEntry;

/** Messages that came before their turn; what is beyond is asked for again. */
const MAX_HELD = 512;
/** Runs that are gone, told of before their turn. */
const MAX_GONE = 65_536;
/** Of the same place: one is the station's, the others were put in by somebody. */
const MAX_OF_ONE_PLACE = 4;

/**
 * Puts what came into the order of the log, whatever was doubled, swapped or lost on the way. Entries are verified when their turn
 * comes, a message as a whole; one that does not stand is left, and counted, and another of its place may still come. Pure.
 */
export class OrderedEntries {
  readonly #verify: VerifyNext;
  readonly #to: number;
  /** By the index of the first entry. */
  readonly #held = new Map<number, Uint8Array[]>();
  #heldCount = 0;
  readonly #gone = new Map<number, GoneRun>();
  readonly #pieces = new Map<number, { readonly bytes: Buffer; readonly have: Map<number, number> }>();
  #ready: VerifiedEntry[] = [];
  #next: number;
  #rejected = 0;

  constructor(next: number, to: number, verify: VerifyNext) {
    this.#next = next;
    this.#to = to;
    this.#verify = verify;
  }

  /** The first entry that was not taken yet. */
  get next(): number {
    return this.#next;
  }

  /** Whether all of it was taken. */
  get isComplete(): boolean {
    return this.#next >= this.#to;
  }

  /** Messages that were left because they are not what the station signed. */
  get rejected(): number {
    return this.#rejected;
  }

  chunk(index: number, payload: Uint8Array): void {
    if (index < this.#next || index >= this.#to) return;
    const held = this.#held.get(index) ?? [];
    const isKnown = held.some((other) => Buffer.compare(other, payload) === 0);
    if (isKnown || held.length >= MAX_OF_ONE_PLACE || this.#heldCount >= MAX_HELD) return;
    this.#held.set(index, [...held, payload]);
    this.#heldCount++;
  }

  gone(runs: readonly GoneRun[]): void {
    for (const run of runs) {
      if (run.from >= this.#next && this.#gone.size < MAX_GONE) this.#gone.set(run.from, run);
    }
  }

  piece({ index, offset, size, bytes }: TransferPiece['piece']): void {
    const part = Buffer.from(bytes, 'base64');
    if (index < this.#next || size > MAX_ENTRY_BYTES || offset + part.length > size || part.length === 0)
      return;
    let whole = this.#pieces.get(index);
    if (whole?.bytes.length !== size) whole = { bytes: Buffer.alloc(size), have: new Map() };
    // One large entry at a time: the next one is sent when this one is through.
    this.#pieces.clear();
    this.#pieces.set(index, whole);
    part.copy(whole.bytes, offset);
    whole.have.set(offset, part.length);
    if ([...whole.have.values()].reduce((sum, length) => sum + length, 0) >= size)
      this.chunk(index, Buffer.from(whole.bytes));
  }

  /** What comes next: an entry, or the run that is gone there; undefined while neither is known. */
  take(): VerifiedEntry | GoneRun | undefined {
    for (;;) {
      if (this.#next >= this.#to) return undefined;
      const entry = this.#ready[0];
      if (entry?.index === this.#next) {
        this.#ready.shift();
        this.#next++;
        return entry;
      }
      if (entry === undefined && this.#open(this.#next)) continue;
      const run = this.#gone.get(this.#next);
      if (run === undefined || run.to > (entry?.index ?? this.#to) || run.to <= run.from) return undefined;
      this.#gone.delete(run.from);
      this.#next = run.to;
      return run;
    }
  }

  /** Verifies what is held of that place, until one of it stands. */
  #open(index: number): boolean {
    const held = this.#held.get(index);
    if (held === undefined) return false;
    this.#held.delete(index);
    this.#heldCount -= held.length;
    for (const payload of held) {
      const entries = this.#verified(index, payload);
      if (entries !== undefined) {
        this.#ready = entries;
        return true;
      }
      this.#rejected++;
    }
    return false;
  }

  #verified(first: number, payload: Uint8Array): VerifiedEntry[] | undefined {
    const entries: VerifiedEntry[] = [];
    try {
      for (let [at, atLeast] = [0, first]; at < payload.length;) {
        const length = entryLength(payload, at);
        if (typeof length !== 'number') return undefined;
        const cose = payload.subarray(at, at + length);
        const entry = this.#verify(cose, atLeast);
        if (entry.index < atLeast || entry.index >= this.#to || (at === 0 && entry.index !== first))
          return undefined;
        entries.push({ index: entry.index, cose, entry });
        atLeast = entry.index + 1;
        at += length;
      }
    } catch (error) {
      if (error instanceof JournalError) return undefined;
      throw error;
    }
    return entries.length === 0 ? undefined : entries;
  }
}
