import { ChainError } from './errors.ts';
import type { OperationName } from './protocol.ts';

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The sync service has one or two at a time. */
const MAX_PENDING = 32;

/** Requests that wait for their answer; each ends, by an answer, its time-out or the end of all. */
export class PendingRequests {
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  /**
   * Sends a request under a number of its own and resolves with what comes back. Rejects with what `send` throws, with
   * `chain.timeout` (effect unknown), or `chain.protocol` when too many are open.
   */
  ask(operation: OperationName, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(
        new ChainError('chain.protocol', 'too many requests to the chain gateway at once'),
      );
    }
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.reject(id, timedOut(operation, timeoutMs)), timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      try {
        send(id);
      } catch (error) {
        this.reject(id, error as Error);
      }
    });
  }

  /** A late answer to a request that has timed out finds nobody and is dropped. */
  resolve(id: number, result: unknown): void {
    this.#take(id)?.resolve(result);
  }

  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error);
  }

  rejectAll(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}

function timedOut(operation: OperationName, timeoutMs: number): ChainError {
  const message = `the chain gateway did not answer "${operation}" in ${timeoutMs} ms`;
  return new ChainError('chain.timeout', message, { effect: 'unknown', details: { operation, timeoutMs } });
}
