import { type Log, StationError } from '../../../hal/contract/index.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';
import { FAILURE_PROPERTY, storedFailure, type SyncFailure } from './status.ts';

/** The last failure and how many there were in a row. Kept on disk for `sync status`, once of each kind: flash wears out. */
export class FailureRecord {
  readonly #store: OutboxStore;
  readonly #log: Log;
  #last: SyncFailure | null;
  #inARow = 0;
  #anchoredSize = 0;

  constructor(store: OutboxStore, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#last = storedFailure(store);
  }

  get last(): SyncFailure | null {
    return this.#last;
  }

  /**
   * Returns the number of failures in a row.
   * @param anchoredSize how many entries a final anchor covered when it failed
   */
  add(error: unknown, atMs: number, anchoredSize: number): number {
    this.#anchoredSize = anchoredSize;
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof StationError ? (error.hint ?? null) : null;
    const remedy = error instanceof StationError ? error.remedy : 'operator';
    this.#set({ code, message, hint, remedy, failures: ++this.#inARow, atMs });
    return this.#inARow;
  }

  /** An anchor has become final since it failed: that is over, though with an anchor a second the outbox is never empty. */
  anchored(size: number): void {
    if (this.#last !== null && size > this.#anchoredSize) this.clear();
  }

  clear(): void {
    this.#inARow = 0;
    this.#set(null);
  }

  #set(failure: SyncFailure | null): void {
    const changed = isNews(failure, this.#last);
    this.#last = failure;
    if (!changed) return;
    try {
      this.#store.setProperty(FAILURE_PROPERTY, failure === null ? '' : JSON.stringify(failure));
    } catch (error) {
      this.#log('warning', 'sync.status_not_stored', { why: String(error) });
    }
  }
}

/** Where somebody has to act, another text is what is wrong now, after what was wrong before has been corrected. */
function isNews(failure: SyncFailure | null, last: SyncFailure | null): boolean {
  if (failure?.code !== last?.code) return true;
  return failure?.remedy === 'operator' && failure.message !== last?.message;
}

export function codeOf(error: unknown): string {
  return error instanceof StationError ? error.code : 'internal';
}
