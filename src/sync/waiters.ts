import type { SyncOutcome } from './ports.ts';

interface Waiter {
  readonly size: number;
  readonly resolve: (outcome: SyncOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who asked for a round of syncing and wait for what comes of it. */
export class Waiters {
  #waiting: Waiter[] = [];

  get any(): boolean {
    return this.#waiting.length > 0;
  }

  /** `size`: of the tree that is waited for; Infinity: an outbox that is empty. */
  add(size: number): Promise<SyncOutcome> {
    return new Promise((resolve, reject) => this.#waiting.push({ size, resolve, reject }));
  }

  /** A tree of this size is anchored. */
  resolveUpTo(anchoredSize: number, outcome: SyncOutcome): void {
    const done = this.#waiting.filter(({ size }) => size <= anchoredSize);
    this.#waiting = this.#waiting.filter(({ size }) => size > anchoredSize);
    for (const waiter of done) waiter.resolve(outcome);
  }

  resolve(outcome: SyncOutcome): void {
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(outcome);
  }

  reject(error: unknown): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
