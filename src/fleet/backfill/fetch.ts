import type { Checkpoint, KeyHistory } from '../../journal/index.ts';
import type { EntriesParameters, TransferBegin, TransferEnd } from '../../remote/index.ts';
import { FleetError } from '../errors.ts';
import { BackfillError, forked } from './errors.ts';
import { type EntriesFile, notResumable } from './entries-file.ts';
import type { FetchOptions, FetchResult } from './fetch-entries.ts';
import type { KnownTree } from './kept-checkpoint.ts';
import { OrderedEntries } from './ordered-entries.ts';
import type { ReceivedRange } from './received-range.ts';
import { Round, type RoundEnd } from './round.ts';
import { keysOfLog } from './station-keys.ts';
import { followsKnown, signedTreeOf } from './signed-tree.ts';
import { verifyNext } from './verify-next.ts';

/** Commands in a row that bring nothing new, before it is given up. */
const ROUNDS_WITHOUT_PROGRESS = 6;
/** Before the station is asked again. */
const PAUSE_MS = 2_000;

export interface FetchParts {
  readonly options: FetchOptions;
  readonly file: EntriesFile;
  /** Holds what is in the file. */
  readonly range: ReceivedRange;
  readonly originInFile: string | undefined;
  readonly known: KnownTree | undefined;
}

/** Asks until all of it is there and proved. Each command is a round; what one brought, the next does not ask for again. */
export class Fetch {
  readonly #parts: FetchParts;
  /** What the first round was told: later ones are of the same tree. */
  #begin: TransferBegin | undefined;
  #keys: KeyHistory | undefined;
  #signed: { readonly tree: Checkpoint; readonly text: string } | undefined;
  #next: number;
  #fetched = 0;
  #rejected = 0;
  #requests = 0;
  readonly #bytesBefore: number;

  constructor(parts: FetchParts) {
    this.#parts = parts;
    this.#next = parts.range.end;
    this.#bytesBefore = parts.file.bytes;
  }

  async run(): Promise<FetchResult> {
    const { options, range } = this.#parts;
    let why = 'the station did not answer';
    for (let left = ROUNDS_WITHOUT_PROGRESS; left > 0; left--) {
      options.signal?.throwIfAborted();
      if (this.#requests > 0 && left < ROUNDS_WITHOUT_PROGRESS)
        await options.clock.sleep(PAUSE_MS, options.signal);
      const before = this.#next;
      const ended = await this.#round();
      if (ended.state === 'complete') {
        const fault = this.#conclude(ended.end);
        if (fault === undefined) return this.#result(true);
        // Said twice, it is not what somebody on the way did to one answer.
        if (fault === why) return this.#result(why);
        why = fault;
      } else why = ended.why;
      if (this.#next > before) left = ROUNDS_WITHOUT_PROGRESS + 1;
    }
    const { to } = this.#begin ?? {};
    // All of it is there: then what is in the file is worth having, and what is not shown is said.
    if (to !== undefined && this.#next >= to) return this.#result(why);
    throw new BackfillError('backfill.no_progress', `no more entries come from the station: ${why}`, {
      remedy: 'retry',
      details: {
        next: this.#next,
        requests: this.#requests,
        rejected: this.#rejected,
        entries: range.entries,
      },
      hint: 'what came is in the file: the same command goes on behind it',
    });
  }

  async #round(): Promise<RoundEnd> {
    const { options, range, file } = this.#parts;
    this.#requests++;
    const round = new Round({
      ...{ link: options.link, clock: options.clock, signal: options.signal },
      parameters: this.#parameters(),
      begin: (begin) => this.#begun(begin),
      gone: (runs) => range.noteGone(runs),
      entries: async (entries) => {
        for (const { cose, entry } of entries) range.add(cose, entry);
        await file.append(Buffer.concat(entries.map(({ cose }) => cose)));
        this.#fetched += entries.length;
      },
      reached: (next) => {
        this.#next = next;
        options.onProgress?.({
          ...{ next, to: this.#begin?.to, entries: this.#fetched },
          bytes: file.bytes - this.#bytesBefore,
        });
      },
    });
    try {
      return await round.run();
    } catch (error) {
      // It was there before: a station that is not connected just now comes back.
      if (this.#begin === undefined || !(error instanceof FleetError)) throw error;
      return { state: 'again', why: error.message };
    } finally {
      this.#rejected += round.rejected;
    }
  }

  #parameters(): Omit<EntriesParameters, 'credit'> {
    const { options, known } = this.#parts;
    const { from, to = Number.MAX_SAFE_INTEGER } = options;
    return {
      ...{ from, to: this.#begin?.to ?? to },
      ...(this.#next > from && { next: this.#next }),
      ...(this.#begin && { size: this.#begin.size }),
      ...(known && { known: known.size }),
    };
  }

  /** What a round begins with; what is to be made of what follows. Undefined: it is not what was asked for. */
  #begun(begin: TransferBegin): OrderedEntries | undefined {
    const { options, originInFile } = this.#parts;
    const { from, to = begin.size, trusted, file } = options;
    const isAsked = begin.from === from && begin.next === Math.max(from, Math.min(this.#next, begin.to));
    if (!isAsked || begin.to !== Math.min(to, begin.size) || begin.size < from) return undefined;
    if (this.#begin !== undefined && (begin.size !== this.#begin.size || begin.origin !== this.#begin.origin))
      return undefined;
    if (trusted.origin !== undefined && begin.origin !== trusted.origin)
      throw new BackfillError('backfill.wrong_key', `the log is ${begin.origin}, not ${trusted.origin}`);
    if (originInFile !== undefined && begin.origin !== originInFile)
      throw notResumable(file, `its entries are of the log ${originInFile}, not of ${begin.origin}`);
    const rotations = begin.rotations.map((cose) => new Uint8Array(Buffer.from(cose, 'base64')));
    const keys = keysOfLog(trusted.publicKey, rotations);
    this.#begin ??= begin;
    this.#keys = keys;
    return new OrderedEntries(this.#next, begin.to, verifyNext(keys, begin.origin));
  }

  /** Why it is not shown that all of it stands in the tree; undefined when it is. @throws BackfillError `backfill.forked` */
  #conclude(end: TransferEnd): string | undefined {
    const { range, known } = this.#parts;
    const { begin, keys } = { begin: this.#begin, keys: this.#keys };
    if (begin === undefined || keys === undefined) return 'the answer has no beginning';
    const tree = signedTreeOf(end.checkpoint, begin, keys);
    if (typeof tree === 'string') return tree;
    const other = this.#signed;
    if (other !== undefined && Buffer.compare(other.tree.root, tree.root) !== 0)
      throw forked(other.text, end.checkpoint);
    this.#signed = { tree, text: end.checkpoint };
    const fault = known && followsKnown(known, { tree, text: end.checkpoint, keys }, end.consistency);
    return fault ?? range.whyNotIn(tree, end.rangeProof);
  }

  #result(verified: true | string): FetchResult {
    const { options, range, file } = this.#parts;
    const { to = options.from, size = 0 } = this.#begin ?? {};
    return {
      ...{ from: options.from, to, entries: range.entries, fetched: this.#fetched, bytes: file.bytes },
      ...{ missing: range.missing(to), undeclared: range.undeclared(to), size },
      ...{
        checkpoint: this.#signed?.text ?? '',
        verified,
        rejected: this.#rejected,
        requests: this.#requests,
      },
    };
  }
}
