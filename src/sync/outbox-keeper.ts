import type { Log } from '../../hal/contract/index.ts';
import {
  type Outbox,
  type OutboxCommand,
  type OutboxEvent,
  restoreOutbox,
  stepOutbox,
} from './outbox-machine.ts';
import type { Intent } from './intent.ts';
import type { OutboxStore } from './outbox-store.ts';

/** The machine with its disk: every step is durable before anybody learns what it commands. */
export class OutboxKeeper {
  readonly #store: OutboxStore;
  readonly #log: Log;
  #outbox: Outbox;
  #lastFinal: Intent | undefined;

  constructor(store: OutboxStore, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#outbox = restoreOutbox(store.open(), store.lastId());
    this.#lastFinal = store.lastFinal();
  }

  /** The final anchor with the largest tree. */
  get lastFinal(): Intent | undefined {
    return this.#lastFinal;
  }

  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Size of the largest tree that is anchored or on its way. */
  plannedSize(): number {
    const { current, next } = this.#outbox;
    return Math.max(next?.size ?? 0, current?.size ?? 0, this.#lastFinal?.size ?? 0);
  }

  /** Takes an event, makes its changes durable, returns the commands. When the disk refuses it throws, and nothing happened. */
  dispatch(event: OutboxEvent): readonly OutboxCommand[] {
    const { outbox, changed, commands } = stepOutbox(this.#outbox, event);
    this.#store.commit(changed);
    this.#outbox = outbox;
    this.#lastFinal = changed.find(({ state }) => state === 'final') ?? this.#lastFinal;
    for (const { id, state, size, attempt, reason } of changed) {
      this.#log('info', 'sync.intent', {
        id,
        state,
        size,
        attempt: attempt?.ordinal,
        nonce: attempt?.nonce,
        reason,
      });
    }
    return commands;
  }
}
