import type { Purpose } from './daily-budget.ts';
import { Lane } from './lane.ts';
import type { MessageKind, OutgoingMessage } from './outgoing-message.ts';
import { RetainedDocuments } from './retained-documents.ts';

export interface QueueBounds {
  readonly maxSamples: number;
  readonly maxSampleBytes: number;
  readonly maxReplies: number;
  readonly maxReplyBytes: number;
  readonly maxBackfill: number;
  readonly maxBackfillBytes: number;
  readonly maxNotes: number;
  readonly maxNoteBytes: number;
  readonly maxStates: number;
  readonly maxPayloadBytes: number;
}

export interface QueueFigures {
  /** Acknowledged by the broker. */
  readonly sent: number;
  /** Samples given up: pushed out by newer ones, expired, or refused by the broker. */
  readonly dropped: number;
  /** The same of notes. */
  readonly notesDropped: number;
  /** Waiting or in flight. */
  readonly queued: number;
  readonly inFlight: number;
}

/** What is said once: an answer, a sample, a line of the log. */
export type Saying = Omit<OutgoingMessage, 'id' | 'kind' | 'purpose'>;

type LaneName = Exclude<MessageKind, 'state'>;

/** In this order what waits goes, as far as the budget allows it: whoever asked waits, and samples are many. */
const TURNS = ['status', 'vital', 'answer', 'change', 'figure', 'log', 'sample', 'backfill'] as const;
const LANES = ['answer', 'change', 'log', 'sample', 'backfill'] as const satisfies readonly LaneName[];
/** What the bytes of each lane are spent on, where the message does not say. */
const PURPOSE: Readonly<Record<LaneName, Purpose>> = {
  ...{ answer: 'answer', change: 'vital', log: 'log', sample: 'sample', backfill: 'backfill' },
};

/** What the bytes of a retained document are spent on. */
export type StatePurpose = 'status' | 'vital' | 'figure';
type Allows = (message: OutgoingMessage) => boolean;

/**
 * What waits for the broker, in bounded memory: samples and notes first in, first out, the oldest dropped at the bound; answers
 * refused at the bound, so that whoever makes them waits; of each retained topic only the latest document. No I/O and no clock: the
 * caller says what time it is, and what the budget allows.
 */
export class OutgoingQueue {
  readonly #maxPayloadBytes: number;
  readonly #lanes: Readonly<Record<LaneName, Lane>>;
  readonly #states: RetainedDocuments;
  readonly #inFlight = new Map<number, { message: OutgoingMessage; sinceMonoMs: number }>();
  #nextId = 1;
  #sent = 0;

  constructor(bounds: QueueBounds) {
    this.#maxPayloadBytes = bounds.maxPayloadBytes;
    this.#states = new RetainedDocuments(bounds.maxStates);
    const notes = { maxMessages: bounds.maxNotes, maxBytes: bounds.maxNoteBytes };
    this.#lanes = {
      answer: new Lane({ maxMessages: bounds.maxReplies, maxBytes: bounds.maxReplyBytes }),
      change: new Lane(notes),
      log: new Lane(notes),
      sample: new Lane({ maxMessages: bounds.maxSamples, maxBytes: bounds.maxSampleBytes }),
      backfill: new Lane({ maxMessages: bounds.maxBackfill, maxBytes: bounds.maxBackfillBytes }),
    };
  }

  /** False when the document is larger than `maxPayloadBytes`: it is dropped. */
  offerSample(sample: Saying, purpose: 'sample' | 'watch' = 'sample'): boolean {
    return this.#offer('sample', sample, purpose);
  }

  /** As of a sample. */
  offerNote(kind: 'change' | 'log', note: Saying): boolean {
    return this.#offer(kind, note);
  }

  /** False when there is no room, now (one that was settled makes some) or ever (larger than `maxPayloadBytes`). */
  offerReply(kind: 'answer' | 'backfill', reply: Saying): boolean {
    return this.#lanes[kind].hasRoomFor(reply.payload.length) && this.#offer(kind, reply);
  }

  /**
   * Replaces the document of a retained topic. One that the broker already holds is not sent again.
   * False when it is larger than `maxPayloadBytes` or its topic is one more than `maxStates`: it is not kept.
   */
  putState(topic: string, payload: Buffer, purpose: StatePurpose = 'figure'): boolean {
    return payload.length <= this.#maxPayloadBytes && this.#states.put(topic, payload, purpose);
  }

  /** Retained documents that hold figures. */
  figureDocuments(): readonly { readonly topic: string; readonly payload: Buffer }[] {
    return this.#states.all('figure');
  }

  /** The session is over: what was in flight is due again (at least once), in its old order, and so is every state. */
  connectionLost(): void {
    const inFlight = [...this.#inFlight.values()].map(({ message }) => message);
    this.#inFlight.clear();
    for (const lane of LANES) this.#lanes[lane].takeBack(inFlight.filter(({ kind }) => kind === lane));
    this.#states.allDue();
  }

  /** The next message due and allowed, now in flight until `settle` or `connectionLost`; undefined when none is. */
  take(nowMonoMs: number, allows: Allows = () => true): OutgoingMessage | undefined {
    for (const turn of TURNS) {
      const message =
        turn === 'status' || turn === 'vital' || turn === 'figure'
          ? this.#takeState(turn, allows)
          : this.#lanes[turn].take(nowMonoMs, allows);
      if (message === undefined) continue;
      this.#inFlight.set(message.id, { message, sinceMonoMs: nowMonoMs });
      return message;
    }
    return undefined;
  }

  /** The first of each kind that waits. */
  firsts(nowMonoMs: number): OutgoingMessage[] {
    return TURNS.map((turn) =>
      turn === 'status' || turn === 'vital' || turn === 'figure'
        ? this.#state(turn)
        : this.#lanes[turn].peek(nowMonoMs),
    ).filter((message) => message !== undefined);
  }

  /** Ends the flight of a message. An id that is no longer in flight is ignored: its connection is gone. */
  settle(id: number, outcome: 'acknowledged' | 'refused'): void {
    const message = this.#inFlight.get(id)?.message;
    if (message === undefined) return;
    this.#inFlight.delete(id);
    if (outcome === 'acknowledged') this.#sent++;
    if (message.kind !== 'state') this.#lanes[message.kind].settle(message, outcome);
  }

  /** The end: what is still here is dropped and counted, states are forgotten. */
  discard(): void {
    this.connectionLost();
    for (const lane of LANES) this.#lanes[lane].discard();
    this.#states.clear();
  }

  /** When the longest unacknowledged message was taken; undefined when none is in flight. */
  oldestInFlightMonoMs(): number | undefined {
    for (const { sinceMonoMs } of this.#inFlight.values()) return sinceMonoMs;
    return undefined;
  }

  figures(): QueueFigures {
    const inFlight = this.#inFlight.size;
    const waiting = LANES.reduce((sum, lane) => sum + this.#lanes[lane].waiting, 0);
    return {
      sent: this.#sent,
      dropped: this.#lanes.sample.dropped,
      notesDropped: this.#lanes.log.dropped + this.#lanes.change.dropped,
      queued: waiting + this.#states.pending + inFlight,
      inFlight,
    };
  }

  /** Bytes of sample payload held, waiting and in flight. */
  sampleBytes(): number {
    return this.#lanes.sample.bytes;
  }

  #offer(kind: LaneName, saying: Saying, purpose = PURPOSE[kind]): boolean {
    const lane = this.#lanes[kind];
    if (saying.payload.length > this.#maxPayloadBytes) {
      lane.countDropped(saying.samples);
      return false;
    }
    lane.push({ id: this.#nextId++, kind, purpose, ...saying });
    return true;
  }

  #state(purpose: StatePurpose): OutgoingMessage | undefined {
    const state = this.#states.peek(purpose);
    return state && { id: 0, kind: 'state', purpose, ...state };
  }

  #takeState(purpose: StatePurpose, allows: Allows): OutgoingMessage | undefined {
    const state = this.#state(purpose);
    if (state === undefined || !allows(state)) return undefined;
    this.#states.taken(state.topic);
    return { ...state, id: this.#nextId++ };
  }
}
