/** One message to publish. `id` names it until it is settled. */
export interface OutgoingMessage {
  readonly id: number;
  readonly kind: 'state' | 'sample';
  readonly topic: string;
  readonly payload: Buffer;
  /** Samples only: of no use to anybody after this moment. */
  readonly expiresAtMonoMs?: number;
}

export interface QueueBounds {
  readonly maxSamples: number;
  readonly maxSampleBytes: number;
  readonly maxStates: number;
  readonly maxPayloadBytes: number;
}

export interface QueueFigures {
  /** Acknowledged by the broker. */
  readonly sent: number;
  /** Samples given up: pushed out by newer ones, expired, or refused by the broker. */
  readonly dropped: number;
  /** Waiting or in flight. */
  readonly queued: number;
  readonly inFlight: number;
}

interface State {
  payload: Buffer;
  pending: boolean;
  delivered: Buffer | undefined;
}

/**
 * What waits for the broker, in bounded memory: samples first in, first out, the oldest dropped at the bound; of each
 * retained topic only the latest document. No I/O and no clock: the caller says what time it is.
 * States go before samples: there are few of them, and they say how to read the rest.
 */
export class OutgoingQueue {
  readonly #bounds: QueueBounds;
  readonly #waiting: OutgoingMessage[] = [];
  readonly #states = new Map<string, State>();
  readonly #inFlight = new Map<number, { message: OutgoingMessage; sinceMonoMs: number }>();
  #sampleBytes = 0;
  #samplesInFlight = 0;
  #pendingStates = 0;
  #nextId = 1;
  #sent = 0;
  #dropped = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** False when the document is larger than `maxPayloadBytes`: it is dropped. */
  offerSample(topic: string, payload: Buffer, expiresAtMonoMs: number): boolean {
    if (payload.length > this.#bounds.maxPayloadBytes) {
      this.#dropped++;
      return false;
    }
    this.#waiting.push({ id: this.#nextId++, kind: 'sample', topic, payload, expiresAtMonoMs });
    this.#sampleBytes += payload.length;
    while (
      this.#waiting.length > 0 &&
      (this.#waiting.length + this.#samplesInFlight > this.#bounds.maxSamples ||
        this.#sampleBytes > this.#bounds.maxSampleBytes)
    ) {
      this.#dropOldest();
    }
    return true;
  }

  /**
   * Replaces the document of a retained topic. One that the broker already holds is not sent again.
   * False when it is larger than `maxPayloadBytes` or its topic is one more than `maxStates`: it is not kept.
   */
  putState(topic: string, payload: Buffer): boolean {
    if (payload.length > this.#bounds.maxPayloadBytes) return false;
    const state = this.#states.get(topic);
    if (state === undefined) {
      if (this.#states.size >= this.#bounds.maxStates) return false;
      this.#states.set(topic, { payload, pending: true, delivered: undefined });
      this.#pendingStates++;
      return true;
    }
    state.payload = payload;
    this.#setPending(state, state.delivered?.equals(payload) !== true);
    return true;
  }

  /**
   * The session is over. Samples in flight may or may not have arrived: they are due again, in their old order (at least
   * once). The broker may have lost what it retained, so every state is due again too.
   */
  connectionLost(): void {
    const samples = [...this.#inFlight.values()].map(({ message }) => message).filter(isSample);
    this.#waiting.unshift(...samples);
    this.#inFlight.clear();
    this.#samplesInFlight = 0;
    for (const state of this.#states.values()) {
      state.delivered = undefined;
      this.#setPending(state, true);
    }
  }

  /** The next message due, now in flight until `settle` or `connectionLost`; undefined when nothing waits. */
  take(nowMonoMs: number): OutgoingMessage | undefined {
    const message = this.#takeState() ?? this.#takeSample(nowMonoMs);
    if (message !== undefined) this.#inFlight.set(message.id, { message, sinceMonoMs: nowMonoMs });
    return message;
  }

  /** Ends the flight of a message. An id that is no longer in flight is ignored: its connection is gone. */
  settle(id: number, outcome: 'acknowledged' | 'refused'): void {
    const message = this.#inFlight.get(id)?.message;
    if (message === undefined) return;
    this.#inFlight.delete(id);
    if (isSample(message)) {
      this.#samplesInFlight--;
      this.#sampleBytes -= message.payload.length;
      if (outcome === 'refused') this.#dropped++;
    }
    if (outcome === 'acknowledged') this.#sent++;
  }

  /** The end: samples still here are dropped and counted, states are forgotten. */
  discard(): void {
    this.connectionLost();
    while (this.#waiting.length > 0) this.#dropOldest();
    this.#states.clear();
    this.#pendingStates = 0;
  }

  /** When the longest unacknowledged message was taken; undefined when none is in flight. */
  oldestInFlightMonoMs(): number | undefined {
    for (const { sinceMonoMs } of this.#inFlight.values()) return sinceMonoMs;
    return undefined;
  }

  figures(): QueueFigures {
    const inFlight = this.#inFlight.size;
    return {
      sent: this.#sent,
      dropped: this.#dropped,
      queued: this.#waiting.length + this.#pendingStates + inFlight,
      inFlight,
    };
  }

  /** Bytes of sample payload held, waiting and in flight. */
  sampleBytes(): number {
    return this.#sampleBytes;
  }

  #takeState(): OutgoingMessage | undefined {
    if (this.#pendingStates === 0) return undefined;
    for (const [topic, state] of this.#states) {
      if (!state.pending) continue;
      this.#setPending(state, false);
      // Whether it arrives is known at the latest when the connection ends, and then every state is due again.
      state.delivered = state.payload;
      return { id: this.#nextId++, kind: 'state', topic, payload: state.payload };
    }
    return undefined;
  }

  #takeSample(nowMonoMs: number): OutgoingMessage | undefined {
    for (;;) {
      const message = this.#waiting[0];
      if (message === undefined) return undefined;
      if ((message.expiresAtMonoMs ?? Infinity) > nowMonoMs) {
        this.#waiting.shift();
        this.#samplesInFlight++;
        return message;
      }
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    this.#sampleBytes -= this.#waiting.shift()?.payload.length ?? 0;
    this.#dropped++;
  }

  #setPending(state: State, pending: boolean): void {
    if (state.pending === pending) return;
    state.pending = pending;
    this.#pendingStates += pending ? 1 : -1;
  }
}

function isSample(message: OutgoingMessage): boolean {
  return message.kind === 'sample';
}
