import type { Log } from '../../hal/contract/index.ts';
import { hexToBytes } from '../chain/index.ts';
import { restoreOutbox, stepOutbox } from './outbox-machine.ts';
import type { Outbox, OutboxCommand, OutboxEvent } from './outbox-model.ts';
import type { Intent } from './intent.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { CheckpointSource } from './ports.ts';

/** The machine with its disk: every step is durable before anybody learns what it commands. */
export class OutboxKeeper {
  readonly #store: OutboxStore;
  readonly #log: Log;
  #outbox: Outbox;
  #lastFinal: Intent | undefined;

  /** `holds`: whether the log that is written now begins with a tree. */
  constructor(store: OutboxStore, log: Log, holds: CheckpointSource['holds']) {
    this.#store = store;
    this.#log = log;
    const ownFrom = store.ownFrom();
    this.#outbox = restoreOutbox(store.open(), store.lastId(), ownFrom);
    this.#lastFinal = store.lastFinal();
    const { current, next } = this.#outbox;
    const own = [this.#lastFinal, current, next].filter((known) => known && known.id >= ownFrom) as Intent[];
    const strange = own.find(({ size, root }) => !holds(size, hexToBytes(root)));
    // The journal was set aside, lost or taken back: sizes and anchors of the old log say nothing about this one.
    if (strange !== undefined) {
      log('error', 'sync.log_replaced', { size: strange.size, root: strange.root });
      store.beginLog();
    }
    // Also after a crash right here: what an earlier log left open is dropped again.
    if (store.ownFrom() > 0) this.dispatch({ type: 'log-replaced', from: store.ownFrom() });
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
    const { current, next, ownFrom } = this.#outbox;
    const own = [current, next, this.#lastFinal].filter((known) => known && known.id >= ownFrom) as Intent[];
    return Math.max(0, ...own.map(({ size }) => size));
  }

  /** Takes an event, makes its changes durable, returns the commands. When the disk refuses it throws, and nothing happened. */
  dispatch(event: OutboxEvent): readonly OutboxCommand[] {
    const { outbox, changed, commands } = stepOutbox(this.#outbox, event);
    this.#store.commit(changed);
    this.#outbox = outbox;
    this.#lastFinal =
      changed.find(({ state, id }) => state === 'final' && id >= outbox.ownFrom) ??
      (this.#lastFinal && this.#lastFinal.id >= outbox.ownFrom ? this.#lastFinal : undefined);
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
