import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { OutboxCommand } from '../outbox/outbox-model.ts';
import { OutboxStore } from '../outbox/outbox-store.ts';
import type { CheckpointSource, EntrySource } from '../ports.ts';
import { codeOf } from '../status/failure-record.ts';
import {
  batchLimits,
  isPublished,
  packEntries,
  parseSince,
  publishedSince,
  type PublishedSince,
  SINCE_PROPERTY,
  storedSince,
} from './publication.ts';

/** After a batch that could not be made. */
const AGAIN_MS = 60_000;

export interface PublisherOptions {
  readonly keeper: OutboxKeeper;
  readonly store: OutboxStore;
  readonly source: CheckpointSource;
  /** Kinds of entries; empty: nothing is published. */
  readonly kinds: readonly string[];
  readonly clock: Pick<MonotonicClock, 'nowMonoMs'>;
  readonly wallClock: { nowWallMs(): number };
  readonly log: Log;
}

/** Entries from..to-1, and how many of them cannot be published. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly gone: number;
  readonly tooLarge: number;
}

/**
 * Plans what is published: entries that a final anchor covers, a batch at a time, the next one when the last has ended.
 * The position is that of the last batch; stretches without anything to publish are passed over in memory. What cannot be
 * read or stored is told and tried again in a minute: a batch that cannot be made is no reason not to anchor.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #since: PublishedSince;
  /** Nothing that is to be published, and is not, stands in front of this. */
  #passed = 0;
  /** The first entry that is to be published, as far as was looked. */
  #first: number | undefined;
  /** Passed over since the last batch. */
  #skipped = 0;
  #againMonoMs = -Infinity;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#since = this.#readSince();
  }

  /** Whether an entry that a final anchor covers waits to be published, and no batch is on its way. */
  isDue(): boolean {
    return (
      this.#options.clock.nowMonoMs() >= this.#againMonoMs && this.#attempt(() => this.#looksDue(), false)
    );
  }

  #looksDue(): boolean {
    const { keeper, kinds } = this.#options;
    if (kinds.length === 0 || keeper.openPublish() !== undefined) return false;
    const [from, to] = [this.#position(), this.#end()];
    if (from >= to) return false;
    if (this.#first !== undefined && this.#first >= from) return true;
    this.#first = this.#reading((log) => {
      for (const entry of log.entries(kinds, from, to))
        if (isPublished(entry, this.#since)) return entry.index;
      return undefined;
    });
    if (this.#first !== undefined) return true;
    this.#pass({ from, to, gone: this.#goneBetween(from, to), tooLarge: 0 });
    return false;
  }

  /** Plans the next batch, if there is one. To be called while connected: the chain says what an extrinsic may take. */
  plan(extrinsicBytes: number | null): readonly OutboxCommand[] {
    return this.isDue() ? this.#attempt(() => this.#planNext(extrinsicBytes), []) : [];
  }

  #planNext(extrinsicBytes: number | null): readonly OutboxCommand[] {
    const { keeper, kinds, wallClock } = this.#options;
    const [from, to] = [this.#position(), this.#end()];
    const batch = this.#reading((log) =>
      packEntries(log.entries(kinds, from, to), this.#since, to, batchLimits(extrinsicBytes)),
    );
    const anchor = keeper.lastFinal;
    if (anchor === undefined || batch === undefined) return [];
    const { payload, entries, toIndex, tooLarge } = batch;
    const stretch = { from, to: toIndex, gone: this.#goneBetween(from, toIndex), tooLarge };
    if (entries === 0) {
      this.#pass(stretch);
      return [];
    }
    const { entriesSoFar = 0, skippedSoFar = 0 } = keeper.lastPublished ?? {};
    const commands = keeper.dispatch({
      type: 'planned-publish',
      ...{ size: anchor.size, root: anchor.root, fromIndex: from, toIndex, payload, entries },
      entriesSoFar: entriesSoFar + entries,
      skippedSoFar: skippedSoFar + this.#skipped + stretch.gone + tooLarge,
      atMs: wallClock.nowWallMs(),
    });
    // Only now: a batch that could not be stored is made again.
    this.#pass(stretch);
    this.#skipped = 0;
    return commands;
  }

  #attempt<T>(make: () => T, instead: T): T {
    try {
      return make();
    } catch (error) {
      const { clock, log } = this.#options;
      this.#againMonoMs = clock.nowMonoMs() + AGAIN_MS;
      log('warning', 'sync.publish_failed', { code: codeOf(error), why: String(error) });
      return instead;
    }
  }

  #position(): number {
    return Math.max(this.#options.keeper.publishedSize(), this.#passed);
  }

  #end(): number {
    return this.#options.keeper.lastFinal?.size ?? 0;
  }

  /** Entries that gave way to newer ones before they could be published. */
  #goneBetween(from: number, to: number): number {
    const first = Math.max(from, this.#since['reading'] ?? Infinity);
    if (!this.#options.kinds.includes('reading') || first >= to) return 0;
    return this.#reading((log) => log.goneBetween(first, to)) ?? 0;
  }

  /** Nothing of this stretch is left to publish. What of it never was is counted, and told. */
  #pass({ from, to, gone, tooLarge }: Stretch): void {
    this.#passed = to;
    this.#skipped += gone + tooLarge;
    if (gone + tooLarge > 0)
      this.#options.log('warning', 'sync.entries_not_published', { from, to, gone, tooLarge });
  }

  #reading<T>(read: (log: EntrySource) => T): T | undefined {
    const log = this.#options.source.openEntries?.();
    try {
      return log && read(log);
    } finally {
      log?.close();
    }
  }

  #readSince(): PublishedSince {
    const { store, keeper, kinds } = this.#options;
    const { ownFrom } = keeper.outbox;
    const stored = store.property(SINCE_PROPERTY);
    if (kinds.length === 0 && stored === undefined) return {};
    const bootIndex = this.#reading((log) => log.bootIndex) ?? 0;
    const since = publishedSince(kinds, parseSince(stored, ownFrom), bootIndex);
    const text = storedSince(since, ownFrom);
    if (text !== stored) store.setProperty(SINCE_PROPERTY, text);
    return since;
  }
}

/**
 * Readings of the present log in front of this are published, or from before there was talk of it and never will be. Reads
 * outbox.db beside a running service; throws as its readers do.
 */
export function readPublishedSize(stateDirectory: string): number {
  const store = OutboxStore.openReadOnly(stateDirectory);
  try {
    const since = parseSince(store.property(SINCE_PROPERTY), store.ownFrom());
    return Math.max(store.lastPublished()?.toIndex ?? 0, since['reading'] ?? 0);
  } finally {
    store.close();
  }
}
