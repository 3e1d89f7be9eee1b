import { Lane } from './lane.ts';
import type { MessageProperties, OutgoingMessage } from './outgoing-message.ts';
import { RetainedDocuments } from './retained-documents.ts';

export interface QueueBounds {
  readonly maxSamples: number;
  readonly maxSampleBytes: number;
  readonly maxReplies: number;
  readonly maxReplyBytes: number;
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

/** What is said once: a reply, a sample, a note. */
export interface Saying {
  readonly topic: string;
  readonly payload: Buffer;
  readonly expiresAtMonoMs: number;
  readonly properties?: MessageProperties;
  readonly onSettled?: ((outcome: 'delivered' | 'lost') => void) | undefined;
}

type LaneName = 'reply' | 'note' | 'sample';
/** After the states: whoever asked waits for an answer, notes say what is wrong, samples are many. */
const LANES: readonly LaneName[] = ['reply', 'note', 'sample'];

/**
 * What waits for the broker, in bounded memory: samples and notes first in, first out, the oldest dropped at the bound; replies
 * refused at the bound, so that whoever makes them waits; of each retained topic only the latest document. No I/O and no clock: the
 * caller says what time it is. States go first: there are few of them, and they say how to read the rest.
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
    this.#lanes = {
      reply: new Lane({ maxMessages: bounds.maxReplies, maxBytes: bounds.maxReplyBytes }),
      note: new Lane({ maxMessages: bounds.maxNotes, maxBytes: bounds.maxNoteBytes }),
      sample: new Lane({ maxMessages: bounds.maxSamples, maxBytes: bounds.maxSampleBytes }),
    };
  }

  /** False when the document is larger than `maxPayloadBytes`: it is dropped. */
  offerSample(topic: string, payload: Buffer, expiresAtMonoMs: number): boolean {
    return this.#offer('sample', { topic, payload, expiresAtMonoMs });
  }

  /** As of a sample. */
  offerNote(topic: string, payload: Buffer, expiresAtMonoMs: number): boolean {
    return this.#offer('note', { topic, payload, expiresAtMonoMs });
  }

  /** False when there is no room, now (a reply that was settled makes some) or ever (larger than `maxPayloadBytes`). */
  offerReply(reply: Saying): boolean {
    return this.#lanes.reply.hasRoomFor(reply.payload.length) && this.#offer('reply', reply);
  }

  /**
   * Replaces the document of a retained topic. One that the broker already holds is not sent again.
   * False when it is larger than `maxPayloadBytes` or its topic is one more than `maxStates`: it is not kept.
   */
  putState(topic: string, payload: Buffer): boolean {
    return payload.length <= this.#maxPayloadBytes && this.#states.put(topic, payload);
  }

  /** The session is over: what was in flight is due again (at least once), in its old order, and so is every state. */
  connectionLost(): void {
    const inFlight = [...this.#inFlight.values()].map(({ message }) => message);
    this.#inFlight.clear();
    for (const lane of LANES) this.#lanes[lane].takeBack(inFlight.filter(({ kind }) => kind === lane));
    this.#states.allDue();
  }

  /** The next message due, now in flight until `settle` or `connectionLost`; undefined when nothing waits. */
  take(nowMonoMs: number): OutgoingMessage | undefined {
    const message = this.#takeState() ?? this.#takeSaid(nowMonoMs);
    if (message !== undefined) this.#inFlight.set(message.id, { message, sinceMonoMs: nowMonoMs });
    return message;
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
      notesDropped: this.#lanes.note.dropped,
      queued: waiting + this.#states.pending + inFlight,
      inFlight,
    };
  }

  /** Bytes of sample payload held, waiting and in flight. */
  sampleBytes(): number {
    return this.#lanes.sample.bytes;
  }

  #offer(kind: LaneName, saying: Saying): boolean {
    const lane = this.#lanes[kind];
    if (saying.payload.length > this.#maxPayloadBytes) {
      lane.countDropped();
      return false;
    }
    lane.push({ id: this.#nextId++, kind, ...saying });
    return true;
  }

  #takeState(): OutgoingMessage | undefined {
    const state = this.#states.take();
    return state && { id: this.#nextId++, kind: 'state', ...state };
  }

  #takeSaid(nowMonoMs: number): OutgoingMessage | undefined {
    for (const lane of LANES) {
      const message = this.#lanes[lane].take(nowMonoMs);
      if (message !== undefined) return message;
    }
    return undefined;
  }
}
