import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type {
  EntriesParameters,
  ResponseError,
  ResponsePart,
  TransferBegin,
  TransferEnd,
} from '../../remote/index.ts';
import type { EntriesLink, EntriesRequest } from './entries-link.ts';
import { BackfillError } from './errors.ts';
import type { GoneRun, OrderedEntries, VerifiedEntry } from './ordered-entries.ts';
import { readPart } from './read-parts.ts';

/** Messages that may be on their way: 192 KiB. */
const WINDOW = 16;
/** More credit is given when half of it came. */
const GRANT = WINDOW / 2;
/** Nothing came for so long: what was on its way is lost. */
const QUIET_MS = 30_000;
/** As long as nothing came at all: the command may have come to a station that was not connected just then. */
const BEGIN_MS = 10_000;
/** Messages came, but nothing of use for so long: somebody sends them to keep us here. */
const USELESS_MS = 180_000;
/** More rotations of keys than any log has. */
const MAX_KEYS = 1_000;
/** The last word was said; what it overtook on its way comes within this, or not at all. */
const STRAGGLERS_MS = 3_000;
/** Messages taken in before they are looked at; a broker that sends more loses them. */
const MAX_INBOX = 256;
/** Refusals that another try may get past. */
const PASSING = new Set(['remote.busy', 'remote.too_many', 'remote.unavailable', 'internal']);

export interface RoundParts {
  readonly link: EntriesLink;
  readonly clock: MonotonicClock;
  readonly signal: AbortSignal | undefined;
  readonly parameters: Omit<EntriesParameters, 'credit'>;
  /** Undefined: not what was asked for. Throws what ends everything. */
  readonly begin: (begin: TransferBegin) => OrderedEntries | undefined;
  readonly gone: (runs: readonly GoneRun[]) => void;
  /** Verified, in order; resolves when they are kept. */
  readonly entries: (entries: readonly VerifiedEntry[]) => Promise<void>;
  readonly reached: (next: number) => void;
}

export type RoundEnd =
  | { readonly state: 'complete'; readonly end: TransferEnd }
  /** Something is missing: it is worth asking again. */
  | { readonly state: 'again'; readonly why: string };

type Came =
  | { readonly kind: 'part'; readonly part: ResponsePart }
  | { readonly kind: 'chunk'; readonly index: number; readonly payload: Uint8Array };

/** One command, and what comes of it. */
export class Round {
  readonly #parts: RoundParts;
  readonly #inbox: Came[] = [];
  #arrived: () => void = () => {};
  #isBroken = false;
  #ordered: OrderedEntries | undefined;
  /** Came in front of the beginning of the answer. */
  readonly #early: { readonly index: number; readonly payload: Uint8Array }[] = [];
  #end: TransferEnd | undefined;
  #received = 0;
  readonly #rotations: string[] = [];
  #usefulAtMonoMs: number;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    this.#usefulAtMonoMs = parts.clock.nowMonoMs();
  }

  /** Messages that are not what the station signed. */
  get rejected(): number {
    return this.#ordered?.rejected ?? 0;
  }

  async run(): Promise<RoundEnd> {
    const { link, parameters } = this.#parts;
    const request = await link.open(
      { ...parameters, credit: WINDOW },
      {
        part: (part) => this.#take({ kind: 'part', part }),
        chunk: (index, payload) => this.#take({ kind: 'chunk', index, payload }),
        broken: () => {
          this.#isBroken = true;
          this.#arrived();
        },
      },
    );
    try {
      for (;;) {
        const ended = await this.#step(request);
        if (ended !== undefined) return ended;
      }
    } finally {
      await request.end();
    }
  }

  #take(came: Came): void {
    if (this.#inbox.length >= MAX_INBOX) return;
    this.#inbox.push(came);
    this.#arrived();
  }

  async #step(request: EntriesRequest): Promise<RoundEnd | undefined> {
    for (let came = this.#inbox.shift(); came !== undefined; came = this.#inbox.shift()) {
      const ended =
        came.kind === 'chunk' ? this.#heardChunk(came, request) : this.#heardPart(came.part, request);
      if (ended !== undefined) return ended;
    }
    await this.#keepWhatIsNext();
    const ended = this.#over();
    if (ended !== undefined) return ended;
    if (this.#isBroken) return { state: 'again', why: 'the connection to the broker broke' };
    const withinMs = this.#ordered === undefined ? BEGIN_MS : QUIET_MS;
    const isQuiet = await this.#quiet(this.#end === undefined ? withinMs : STRAGGLERS_MS);
    return isQuiet ? { state: 'again', why: 'nothing came any more, and some of it is missing' } : undefined;
  }

  #heardChunk({ index, payload }: Extract<Came, { kind: 'chunk' }>, request: EntriesRequest): undefined {
    if (this.#ordered !== undefined) this.#ordered.chunk(index, payload);
    else if (this.#early.length < WINDOW) this.#early.push({ index, payload });
    this.#countReceived(request);
  }

  #heardPart(part: ResponsePart, request: EntriesRequest): RoundEnd | undefined {
    if (!part.ok) return refusal(part.error);
    const read = readPart(part.result);
    switch (read?.kind) {
      case undefined:
        return undefined;
      case 'rotations':
        if (this.#rotations.length < MAX_KEYS) this.#rotations.push(...read.rotations);
        return undefined;
      case 'begin':
        this.#begin(read.begin);
        return undefined;
      case 'gone':
        this.#parts.gone(read.gone);
        this.#ordered?.gone(read.gone);
        return undefined;
      case 'piece':
        this.#ordered?.piece(read.piece);
        this.#countReceived(request);
        return undefined;
      case 'end':
        this.#end ??= read.end;
        return undefined;
    }
  }

  #begin(begin: TransferBegin): void {
    this.#ordered ??= this.#parts.begin({ ...begin, rotations: [...this.#rotations, ...begin.rotations] });
    for (const { index, payload } of this.#early.splice(0)) this.#ordered?.chunk(index, payload);
  }

  #countReceived(request: EntriesRequest): void {
    this.#received++;
    if (this.#received % GRANT === 0) request.credit({ request: request.request, chunks: GRANT });
  }

  async #keepWhatIsNext(): Promise<void> {
    const ordered = this.#ordered;
    if (ordered === undefined) return;
    const before = ordered.next;
    const entries: VerifiedEntry[] = [];
    for (let item = ordered.take(); item !== undefined; item = ordered.take())
      if ('cose' in item) entries.push(item);
    if (entries.length > 0) await this.#parts.entries(entries);
    if (ordered.next === before) return;
    this.#usefulAtMonoMs = this.#parts.clock.nowMonoMs();
    this.#parts.reached(ordered.next);
  }

  #over(): RoundEnd | undefined {
    const end = this.#end;
    if (end === undefined || this.#ordered === undefined) return undefined;
    if (this.#ordered.isComplete) return { state: 'complete', end };
    if (end.end === 'budget') throw usedUp(this.#ordered.next);
    if (end.end === 'complete') return undefined;
    return { state: 'again', why: `the station ended the transfer (${end.end})` };
  }

  /** Whether nothing comes for so long. */
  async #quiet(forMs: number): Promise<boolean> {
    const { clock, signal } = this.#parts;
    if (clock.nowMonoMs() - this.#usefulAtMonoMs > USELESS_MS) return true;
    if (this.#inbox.length > 0) return false;
    const arrived = new AbortController();
    this.#arrived = () => arrived.abort();
    const until = signal === undefined ? arrived.signal : AbortSignal.any([signal, arrived.signal]);
    await clock.sleep(forMs, until).catch(() => undefined);
    this.#arrived = () => {};
    signal?.throwIfAborted();
    return !arrived.signal.aborted;
  }
}

/** @throws BackfillError `backfill.refused` unless it is worth asking again */
function refusal({ code, message, hint }: ResponseError): RoundEnd {
  if (PASSING.has(code)) return { state: 'again', why: message };
  throw new BackfillError('backfill.refused', message, {
    details: { code },
    ...(hint !== null && { hint }),
  });
}

function usedUp(next: number): BackfillError {
  return new BackfillError('backfill.budget', 'what the station may send a day is used up', {
    remedy: 'retry',
    details: { next },
    hint: 'run the same command later: it goes on where this one ended; or raise telemetry.mqtt.bytesPerDay',
  });
}
