import type { OutgoingMessage } from './outgoing-message.ts';

export interface LaneBounds {
  readonly maxMessages: number;
  /** Bytes of payload, of those waiting and in flight. */
  readonly maxBytes: number;
}

/** Messages of one kind, first in, first out, in bounded memory. */
export class Lane {
  readonly #bounds: LaneBounds;
  readonly #waiting: OutgoingMessage[] = [];
  #inFlight = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(bounds: LaneBounds) {
    this.#bounds = bounds;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Of payload, waiting and in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Given up: pushed out by newer ones, expired, refused by the broker, or left at the end. */
  get dropped(): number {
    return this.#dropped;
  }

  hasRoomFor(payloadBytes: number): boolean {
    const messages = this.#waiting.length + this.#inFlight + 1;
    return messages <= this.#bounds.maxMessages && this.#bytes + payloadBytes <= this.#bounds.maxBytes;
  }

  /** At the bound the oldest waiting one goes. */
  push(message: OutgoingMessage): void {
    this.#waiting.push(message);
    this.#bytes += message.payload.length;
    while (this.#waiting.length > 0 && this.#isOver()) this.#dropOldest();
  }

  /** One that was never taken in, or what it stands for. */
  countDropped(count = 1): void {
    this.#dropped += count;
  }

  /** The next one that has not expired. */
  peek(nowMonoMs: number): OutgoingMessage | undefined {
    for (;;) {
      const message = this.#waiting[0];
      if (message === undefined || (message.expiresAtMonoMs ?? Infinity) > nowMonoMs) return message;
      this.#dropOldest();
    }
  }

  /** The next one that has not expired, now in flight; none while that one is not allowed. */
  take(nowMonoMs: number, allows: (message: OutgoingMessage) => boolean): OutgoingMessage | undefined {
    const message = this.peek(nowMonoMs);
    if (message === undefined || !allows(message)) return undefined;
    this.#waiting.shift();
    this.#inFlight++;
    return message;
  }

  settle(message: OutgoingMessage, outcome: 'acknowledged' | 'refused'): void {
    this.#inFlight--;
    this.#bytes -= message.payload.length;
    if (outcome === 'refused') this.countDropped(message.samples);
    message.onSettled?.(outcome === 'acknowledged' ? 'delivered' : 'lost');
  }

  /** Their connection is gone: they may or may not have arrived, and are due again, in their old order. */
  takeBack(messages: readonly OutgoingMessage[]): void {
    this.#waiting.unshift(...messages);
    this.#inFlight -= messages.length;
  }

  discard(): void {
    while (this.#waiting.length > 0) this.#dropOldest();
  }

  #isOver(): boolean {
    const messages = this.#waiting.length + this.#inFlight;
    return messages > this.#bounds.maxMessages || this.#bytes > this.#bounds.maxBytes;
  }

  #dropOldest(): void {
    const message = this.#waiting.shift();
    this.#bytes -= message?.payload.length ?? 0;
    this.countDropped(message?.samples);
    message?.onSettled?.('lost');
  }
}
