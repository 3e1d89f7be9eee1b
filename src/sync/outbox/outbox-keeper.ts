import type { Log } from '../../../hal/contract/index.ts';
import { hexToBytes } from '../../chain/index.ts';
import { restoreOutbox, stepOutbox } from './outbox-machine.ts';
import type { Outbox, OutboxCommand, OutboxEvent } from './outbox-model.ts';
import { type AnchorIntent, type Intent, isAnchor, isGoodAnchor, type PublishIntent } from './intent.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { CheckpointSource } from '../ports.ts';

/** The machine with its disk: every step is durable before anybody learns what it commands. */
export class OutboxKeeper {
  readonly #store: OutboxStore;
  readonly #log: Log;
  #outbox: Outbox;
  #lastFinal: AnchorIntent | undefined;
  #lastPublished: PublishIntent | undefined;
  #refused: AnchorIntent | undefined;

  /** `holds`: whether the log that is written now begins with a tree. */
  constructor(store: OutboxStore, log: Log, holds: CheckpointSource['holds']) {
    this.#store = store;
    this.#log = log;
    const ownFrom = store.ownFrom();
    this.#outbox = restoreOutbox(store.open(), store.lastId(), ownFrom);
    this.#lastFinal = store.lastFinal();
    const { current, next, publish } = this.#outbox;
    const signed = [this.#lastFinal, current, next, publish];
    const own = signed.filter((known) => known && known.id >= ownFrom) as Intent[];
    const strange = own.find(({ size, root }) => !holds(size, hexToBytes(root)));
    // The journal was set aside, lost or taken back: sizes and anchors of the old log say nothing about this one.
    if (strange !== undefined) {
      log('error', 'sync.log_replaced', { size: strange.size, root: strange.root });
      store.beginLog();
    }
    this.#lastPublished = store.lastPublished();
    // Also after a crash right here: what an earlier log left open is dropped again.
    if (store.ownFrom() > 0) this.dispatch({ type: 'log-replaced', from: store.ownFrom() });
  }

  /** The final anchor with the largest tree. */
  get lastFinal(): AnchorIntent | undefined {
    return this.#lastFinal;
  }

  /** An anchor that is in a block and whose call the runtime refused, since this was last asked. */
  takeRefused(): AnchorIntent | undefined {
    const refused = this.#refused;
    this.#refused = undefined;
    return refused;
  }

  /** The last entries that were published. */
  get lastPublished(): PublishIntent | undefined {
    return this.#lastPublished;
  }

  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Size of the largest tree that is anchored or on its way. */
  plannedSize(): number {
    const { current, next, ownFrom } = this.#outbox;
    const known = [current, next, this.#lastFinal].filter((one) => one && isAnchor(one)) as AnchorIntent[];
    return Math.max(0, ...known.filter(({ id }) => id >= ownFrom).map(({ size }) => size));
  }

  /** Entries in front of this are published, or on their way to be. */
  publishedSize(): number {
    const open = this.openPublish();
    return Math.max(open?.toIndex ?? 0, this.#lastPublished?.toIndex ?? 0);
  }

  /** Entries of this log that wait to be published or are on their way. */
  openPublish(): PublishIntent | undefined {
    const { current, publish, ownFrom } = this.#outbox;
    const open = current?.kind === 'publish' ? current : publish;
    return open !== null && open.id >= ownFrom ? open : undefined;
  }

  /** Takes an event, makes its changes durable, returns the commands. When the disk refuses it throws, and nothing happened. */
  dispatch(event: OutboxEvent): readonly OutboxCommand[] {
    const { outbox, changed, commands } = stepOutbox(this.#outbox, event);
    this.#store.commit(changed);
    this.#outbox = outbox;
    this.#remember(changed);
    for (const { id, kind, state, size, attempt, reason } of changed) {
      this.#log('info', 'sync.intent', {
        id,
        ...(kind === 'publish' && { kind }),
        state,
        size,
        attempt: attempt?.ordinal,
        nonce: attempt?.nonce,
        reason,
      });
    }
    return commands;
  }

  #remember(changed: readonly Intent[]): void {
    const { ownFrom } = this.#outbox;
    const own = <I extends Intent>(intent: I | undefined): I | undefined =>
      intent !== undefined && intent.id >= ownFrom ? intent : undefined;
    const ended = changed.find(({ state }) => state === 'final' || state === 'unplaced');
    if (ended === undefined) {
      this.#lastFinal = own(this.#lastFinal);
      this.#lastPublished = own(this.#lastPublished);
    } else if (ended.kind === 'publish') this.#lastPublished = own(ended) ?? this.#lastPublished;
    else if (isGoodAnchor(ended)) this.#lastFinal = own(ended) ?? this.#lastFinal;
    else this.#refused = ended.state === 'final' ? ended : undefined;
  }
}
