import { setImmediate } from 'node:timers/promises';
import type { MonotonicClock } from '../../../hal/contract/index.ts';
import {
  openJournalReader,
  type EntryRange,
  type JournalReader,
  type SignedCheckpoint,
} from '../../journal/index.ts';
import {
  ENTRIES_CONTENT_TYPE,
  MAX_CHUNK_BYTES,
  MAX_PIECE_BYTES,
  MAX_ROTATIONS,
  type EntriesParameters,
  type TransferBegin,
  type TransferEnd,
  type TransferEndReason,
  type TransferGone,
  type TransferPiece,
  type TransferRotations,
} from '../../remote/index.ts';
import type { Reply } from '../../telemetry/index.ts';
import type { Credit } from './credit.ts';
import { InFlight } from './in-flight.ts';
import type { Pace } from './pace.ts';
import { goneAt, readChunk, runsBefore, toHex, type Chunk } from './read-chunk.ts';

/** Messages of one transfer in telemetry's queue at once: it is for everybody's. */
const MOST_IN_FLIGHT = 2;
/** A transfer that nobody gives credit to for so long is over. */
const WITHOUT_CREDIT_MS = 60_000;
/** Of JSON in one part that tells what is gone. */
const GONE_PART_BYTES = 12 * 1_024;

export interface TransferPorts {
  readonly directory: string;
  readonly clock: MonotonicClock;
  readonly pace: Pace;
  /** Resolves when it was taken to be sent. */
  readonly send: (reply: Reply, signal: AbortSignal) => Promise<void>;
  /** Whether entries wait in telemetry because the day's budget is used up. */
  readonly isHeldBack: () => boolean;
  /** Whether the last 24 hours cost all that a day may: what is gone and pieces are answers, which nothing holds back. */
  readonly isDaySpent: () => boolean;
}

export interface TransferTask {
  readonly request: string;
  readonly parameters: EntriesParameters;
  readonly tree: SignedCheckpoint;
  readonly credit: Credit;
  /** Sends a part of the answer before the last. */
  readonly part: (result: object) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Sends entries for as long as there is credit and budget, and resolves with the last part of the answer. The log is opened for each
 * message and closed behind it: a transfer may last for hours, and nothing of it must lie in the way of the writer meanwhile.
 */
export class Transfer {
  readonly #ports: TransferPorts;
  readonly #task: TransferTask;
  readonly #range: EntryRange;
  readonly #inFlight: InFlight;
  /** Index of the first entry that was sent. */
  #first: { readonly index: number; readonly proof: readonly string[] } | undefined;
  #last: number | undefined;
  #next: number;

  constructor(task: TransferTask, ports: TransferPorts) {
    this.#task = task;
    this.#ports = ports;
    this.#inFlight = new InFlight(ports);
    const { from, to, next = from } = task.parameters;
    this.#range = { from, to: Math.min(to, task.tree.size) };
    this.#next = Math.min(next, this.#range.to);
  }

  async run(): Promise<TransferEnd> {
    const { begin, runs } = this.#read((reader) => this.#begin(reader));
    await this.#tellBegin(begin);
    let end = await this.#tellRuns(runs);
    while (end === undefined) end = await this.#step();
    // Answers overtake entries in telemetry: the last word is said when all of them have arrived.
    const held = end === 'budget' ? undefined : await this.#inFlight.atMost(0, this.#task.signal);
    if (held !== undefined) end = 'budget';
    else if (this.#inFlight.lost !== undefined) end = 'lost';
    return this.#read((reader) => this.#end(reader, end));
  }

  /** One message's worth; what it ends with, if it ends. */
  async #step(): Promise<TransferEndReason | undefined> {
    if (this.#inFlight.lost !== undefined) return 'lost';
    if (this.#next >= this.#range.to) return 'complete';
    if (this.#ports.isDaySpent()) return 'budget';
    const chunk = this.#read((reader) => this.#readNext(reader));
    await this.#tellGone(chunk.gone);
    if (chunk.first !== undefined) {
      for (const message of messagesOf(this.#task.request, chunk.first, chunk.bytes)) {
        const refused = await this.#admit(message.bytes);
        if (refused !== undefined) return refused;
        if ('piece' in message) await this.#task.part(message.piece);
        else await this.#send(message.reply, chunk.first);
      }
      this.#last = chunk.last;
    }
    this.#next = chunk.next;
    return undefined;
  }

  /** Waits for the link, for credit and for the pace; why it cannot go on, if it cannot. */
  async #admit(bytes: number): Promise<TransferEndReason | undefined> {
    const { clock, pace } = this.#ports;
    const { credit, signal } = this.#task;
    const held = await this.#inFlight.atMost(MOST_IN_FLIGHT - 1, signal);
    if (held !== undefined) return 'budget';
    if (!(await credit.take(clock, WITHOUT_CREDIT_MS, signal))) return 'no-credit';
    for (;;) {
      const waitMs = pace.take(bytes, clock.nowMonoMs());
      if (waitMs === 0) return undefined;
      await clock.sleep(waitMs, signal);
    }
  }

  async #send(reply: Reply, first: number): Promise<void> {
    const onSettled = this.#inFlight.sent(first);
    await this.#ports.send({ ...reply, onSettled }, this.#task.signal);
  }

  async #tellBegin(begin: TransferBegin): Promise<void> {
    let { rotations } = begin;
    for (; rotations.length > MAX_ROTATIONS; rotations = rotations.slice(MAX_ROTATIONS))
      await this.#task.part({ rotations: rotations.slice(0, MAX_ROTATIONS) } satisfies TransferRotations);
    await this.#task.part({ ...begin, rotations } satisfies TransferBegin);
  }

  async #tellGone(gone: TransferGone['gone']): Promise<void> {
    for (let rest = gone; rest.length > 0;) {
      let [runs, bytes] = [0, 0];
      for (const run of rest) {
        bytes += JSON.stringify(run).length + 1;
        if (runs > 0 && bytes > GONE_PART_BYTES) break;
        runs++;
      }
      await this.#task.part({ gone: rest.slice(0, runs) } satisfies TransferGone);
      rest = rest.slice(runs);
    }
  }

  /** Piece by piece, meters being read in between. */
  async #tellRuns(runs: readonly EntryRange[]): Promise<TransferEndReason | undefined> {
    for (let at = 0; at < runs.length;) {
      if (this.#ports.isDaySpent()) return 'budget';
      const gone = this.#read((reader) => goneAt(reader, runs, { at, range: this.#range }));
      await this.#tellGone(gone);
      await setImmediate();
      this.#task.signal.throwIfAborted();
      at += gone.length;
    }
    return undefined;
  }

  #begin(reader: JournalReader): { begin: TransferBegin; runs: readonly EntryRange[] } {
    const { from, to } = this.#range;
    const { size } = this.#task.tree;
    const missing = reader
      .holes(from, to)
      .reduce((sum, hole) => sum + Math.min(hole.to, to) - Math.max(hole.from, from), 0);
    const handedOver = reader.keys.keys.filter(({ firstIndex }) => firstIndex > 0 && firstIndex <= size);
    const rotations = handedOver.map(({ firstIndex }) => toBase64(reader.entry(firstIndex - 1).cose));
    const entries = Math.max(0, to - from - missing);
    const begin = { from, to, next: this.#next, size, origin: reader.origin, entries, rotations };
    if (this.#next > from) this.#noteFirst(reader, firstThere(reader, from, this.#next));
    return { begin, runs: runsBefore(reader, this.#range, this.#next) };
  }

  #readNext(reader: JournalReader): Chunk {
    const chunk = readChunk(reader, this.#range, this.#next);
    // Now, while it is still there: retention may take its hash before the transfer has come to its end.
    this.#noteFirst(reader, chunk.first);
    return chunk;
  }

  #noteFirst(reader: JournalReader, index: number | undefined): void {
    if (index === undefined) return;
    this.#first ??= { index, proof: reader.inclusionProof(index, this.#task.tree.size).map(toHex) };
  }

  #end(reader: JournalReader, end: TransferEndReason): TransferEnd {
    const { tree, parameters } = this.#task;
    const { known } = parameters;
    const last = this.#last ?? lastThere(reader, this.#range.from, this.#next);
    return {
      end,
      next: this.#inFlight.lost ?? this.#inFlight.first ?? this.#next,
      checkpoint: tree.text,
      rangeProof: this.#first === undefined || last === undefined ? null : this.#rangeProof(reader, last),
      consistency: known === undefined ? null : reader.consistencyProof(known, tree.size).map(toHex),
    };
  }

  #rangeProof(reader: JournalReader, last: number): TransferEnd['rangeProof'] {
    const { index: from = last, proof: first = [] } = this.#first ?? {};
    const proof = reader.inclusionProof(last, this.#task.tree.size);
    return { from, to: last + 1, first, last: proof.map(toHex) };
  }

  #read<T>(read: (reader: JournalReader) => T): T {
    const reader = openJournalReader(this.#ports.directory);
    try {
      return read(reader);
    } finally {
      reader.close();
    }
  }
}

/** The first entry from `from` on that is there; undefined when none is in front of `to`. */
function firstThere(reader: JournalReader, from: number, to: number): number | undefined {
  for (let at = from; at < to;) {
    const hole = reader.holes(at, at + 1)[0];
    if (hole === undefined) return at;
    at = hole.to;
  }
  return undefined;
}

/** The last entry in front of `to` that is there; undefined when none is from `from` on. */
function lastThere(reader: JournalReader, from: number, to: number): number | undefined {
  for (let at = to; at > from;) {
    const hole = reader.holes(at - 1, at)[0];
    if (hole === undefined) return at - 1;
    at = hole.from;
  }
  return undefined;
}

type Message = { readonly bytes: number } & ({ readonly reply: Reply } | { readonly piece: TransferPiece });

/** One message, or as many pieces as an entry takes that is too large for one. */
function messagesOf(request: string, first: number, bytes: Buffer): readonly Message[] {
  if (bytes.length <= MAX_CHUNK_BYTES) {
    const properties = { contentType: ENTRIES_CONTENT_TYPE };
    return [
      { bytes: bytes.length, reply: { topic: `entries/${request}/${first}`, payload: bytes, properties } },
    ];
  }
  const pieces: Message[] = [];
  for (let offset = 0; offset < bytes.length; offset += MAX_PIECE_BYTES) {
    const part = toBase64(bytes.subarray(offset, offset + MAX_PIECE_BYTES));
    const piece = { index: first, offset, size: bytes.length, bytes: part };
    pieces.push({ bytes: part.length, piece: { piece } });
  }
  return pieces;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
