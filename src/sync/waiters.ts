import type { SyncOutcome } from './ports.ts';

interface Waiter {
  readonly resolve: (outcome: SyncOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who asked for a round of syncing and wait for what comes of it. */
export class Waiters {
  #waiting: Waiter[] = [];

  get any(): boolean {
    return this.#waiting.length > 0;
  }

  add(): Promise<SyncOutcome> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  resolve(outcome: SyncOutcome): void {
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(outcome);
  }

  reject(error: unknown): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
