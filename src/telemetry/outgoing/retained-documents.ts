import type { Purpose } from './daily-budget.ts';

interface Held {
  readonly purpose: Purpose;
  payload: Buffer;
  pending: boolean;
  delivered: Buffer | undefined;
}

/** Of each retained topic the latest document, and whether the broker has it. */
export class RetainedDocuments {
  readonly #maxTopics: number;
  readonly #held = new Map<string, Held>();
  #pending = 0;

  constructor(maxTopics: number) {
    this.#maxTopics = maxTopics;
  }

  /** Topics whose document is due. */
  get pending(): number {
    return this.#pending;
  }

  /** False when the topic is one more than there is room for. A document that the broker has is not due again. */
  put(topic: string, payload: Buffer, purpose: Purpose): boolean {
    const held = this.#held.get(topic);
    if (held === undefined) {
      if (this.#held.size >= this.#maxTopics) return false;
      this.#held.set(topic, { purpose, payload, pending: true, delivered: undefined });
      this.#pending++;
      return true;
    }
    held.payload = payload;
    this.#setPending(held, held.delivered?.equals(payload) !== true);
    return true;
  }

  /** Of those that are due for that purpose, the one that was sent the longest ago. */
  peek(purpose: Purpose): { readonly topic: string; readonly payload: Buffer } | undefined {
    if (this.#pending === 0) return undefined;
    for (const [topic, held] of this.#held) {
      if (held.pending && held.purpose === purpose) return { topic, payload: held.payload };
    }
    return undefined;
  }

  /** Whether they are due or not. */
  all(purpose: Purpose): { readonly topic: string; readonly payload: Buffer }[] {
    return [...this.#held]
      .filter(([, held]) => held.purpose === purpose)
      .map(([topic, { payload }]) => ({ topic, payload }));
  }

  /** That one is on its way. */
  taken(topic: string): void {
    const held = this.#held.get(topic);
    if (held === undefined) return;
    this.#setPending(held, false);
    // Whether it arrives is known at the latest when the connection ends, and then every document is due again.
    held.delivered = held.payload;
    // Behind the others: where the budget is short, one that is renewed all the time must not keep them from their turn.
    this.#held.delete(topic);
    this.#held.set(topic, held);
  }

  /** The broker may have lost what it retained: everything is due again. */
  allDue(): void {
    for (const held of this.#held.values()) {
      held.delivered = undefined;
      this.#setPending(held, true);
    }
  }

  clear(): void {
    this.#held.clear();
    this.#pending = 0;
  }

  #setPending(held: Held, pending: boolean): void {
    if (held.pending === pending) return;
    held.pending = pending;
    this.#pending += pending ? 1 : -1;
  }
}
