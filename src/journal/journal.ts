import { InvariantError } from '../../hal/contract/index.ts';
import { signCheckpoint } from './note/checkpoint.ts';
import { prepareEntry } from './entry/cose-sign1.ts';
import { journalDiskBytes } from './store/disk-size.ts';
import { companionKeys } from './entry/key-rotation.ts';
import type {
  BootBody,
  ConfigBody,
  EntryBodies,
  EntryKind,
  JournalEntry,
  RetentionGapBody,
} from './entry/entry-types.ts';
import { JournalError } from './errors.ts';
import { growTree, nodesFromEdge, type TreeEdge } from './tree/hash-tile.ts';
import { DEFAULT_GROUP_COMMIT_ENTRIES, DEFAULT_GROUP_COMMIT_MS } from './journal-port.ts';
import type { Durability, Journal, JournalOptions, JournalStamp, SignedCheckpoint } from './journal-port.ts';
import { continueLog, readCounter, type ContinuedLog } from './recovery/continue-log.ts';
import { HighWaterKeeper } from './recovery/high-water-keeper.ts';
import { highWaterFile } from './recovery/high-water-file.ts';
import { lookAround } from './recovery/opening.ts';
import { forgetReport } from './recovery/recovery-report.ts';
import type { StartReason } from './recovery/start-reason.ts';
import { edgeAfter } from './log-continuity.ts';
import { retain, type RetainedLog, type RetentionLimits, type RetentionOutcome } from './retention/retain.ts';
import { leafHash, rootOf } from './tree/merkle-tree.ts';
import type { RowDrop } from './store/sqlite-drop.ts';
import { makeDirectory, openStore, reopenStore, type SqliteStore } from './store/sqlite-store.ts';
import { acquireWriterLock, type WriterLock } from './store/writer-lock.ts';
import { lastOtherOf, sealed, WaitingEntries, type SignableEntry } from './waiting-entries.ts';

/**
 * Opens the log for writing; makes an empty one when there is none.
 * @throws JournalError `journal.corrupt`, `journal.rolled_back`, `journal.lost` (recoverJournal puts each right);
 * `journal.locked`, `journal.newer_format`, `journal.wrong_origin`, `journal.wrong_key`, `journal.io`
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  makeDirectory(options.directory);
  const lock = acquireWriterLock(options.directory);
  let store: SqliteStore | undefined;
  try {
    const around = lookAround(options);
    const counted = await readCounter(options, around);
    store = openStore(options.directory, options);
    const log = continueLog(store, options, around, counted.faults);
    return new SqliteJournal(options, { lock, store, ...log, counter: counted.shows });
  } catch (error) {
    store?.close();
    lock.release();
    throw error;
  }
}

/** Full groups that may wait for their signatures before the caller is held up; bounds memory. */
const MAX_WAITING_GROUPS = 4;

interface OpenState extends ContinuedLog {
  readonly lock: WriterLock;
  readonly store: SqliteStore;
  /** What the monotonic counter showed. */
  readonly counter: number | undefined;
}

class SqliteJournal implements Journal {
  readonly origin: string;
  readonly bootCount: number;
  readonly startReason: StartReason;
  readonly #options: JournalOptions;
  readonly #lock: WriterLock;
  readonly #opened: OpenState;
  readonly #highWater: HighWaterKeeper;
  #store: SqliteStore;
  #edge: TreeEdge;
  /** Of those on disk, the last entry that is no reading. */
  #lastOther: number | undefined;
  readonly #waiting: WaitingEntries;
  #groupTimer: AbortController | undefined;
  #bootRecorded = false;
  #closed = false;

  constructor(options: JournalOptions, opened: OpenState) {
    const { origin, opening } = opened;
    this.origin = origin;
    this.bootCount = opened.bootCount;
    this.startReason = opened.startReason;
    this.#options = options;
    this.#lock = opened.lock;
    this.#store = opened.store;
    this.#edge = opened.edge;
    this.#lastOther = opened.store.lastOther();
    this.#opened = opened;
    this.#waiting = new WaitingEntries(options.signer);
    const { directory, highWater, log } = options;
    const file = highWaterFile(directory, highWater?.file);
    const onCounterLost = (error: unknown): void => this.#counterLost(error);
    const counter = opened.counter === undefined ? undefined : highWater?.counter;
    const keeper = { file, origin, opening, counter, log, onCounterLost };
    this.#highWater = new HighWaterKeeper(keeper, opened.counter ?? opened.seal);
  }

  get #groupEntries(): number {
    return this.#options.groupCommitEntries ?? DEFAULT_GROUP_COMMIT_ENTRIES;
  }

  get size(): number {
    return this.#edge.size;
  }

  get root(): Uint8Array {
    return rootOf(nodesFromEdge(this.#edge), this.#edge.size);
  }

  diskBytes(): number {
    return journalDiskBytes(this.#options.directory);
  }

  async recordBoot(software: string): Promise<number> {
    if (this.#bootRecorded) throw new InvariantError('recordBoot is called once');
    const birth = this.size === 0;
    const { signer } = this.#options;
    const companions = companionKeys(signer);
    const faults = [...this.#opened.faults];
    const boot: BootBody = {
      ...{ bootId: this.#opened.bootId, software, opening: this.#opened.opening },
      ...(birth && { birthKey: signer.publicKey, ...(companions && { birth: companions }) }),
    };
    this.#bootRecorded = true;
    try {
      // All in one commit: a log that something happened to never stands without saying so.
      const last = faults.pop();
      const all = [this.append('boot', boot, last === undefined ? 'billing' : 'sample')];
      for (const fault of faults) all.push(this.append('fault', fault, 'sample'));
      if (last !== undefined) all.push(this.append('fault', last, 'billing'));
      const [index] = await Promise.all(all);
      await this.#highWater.opened(this.#edge, this.#nowMs());
      forgetReport(this.#options.directory);
      return index as number;
    } catch (error) {
      this.#bootRecorded = false;
      throw error;
    }
  }

  append<K extends EntryKind>(
    kind: K,
    body: EntryBodies[K],
    durability: Durability,
    at: Partial<JournalStamp> = {},
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const yields = kind === 'reading' || (kind === 'command' && durability === 'sample');
      const refusal = yields ? this.#store.refusesReadings() : undefined;
      if (refusal !== undefined) throw refusal;
      this.#options.clock.settle?.();
      const index = this.#edge.size + this.#waiting.count;
      const { signer } = this.#options;
      const unsigned = prepareEntry(this.#entry(index, kind, body, at), signer.keyId);
      const nextKey = kind === 'config' ? (body as ConfigBody).rotation?.newKey : undefined;
      const entry = this.#waiting.add({ index, kind, yields, unsigned, nextKey, resolve, reject });
      const tooMany = this.#waiting.count >= MAX_WAITING_GROUPS * this.#groupEntries;
      if (durability === 'billing' || tooMany) this.#commitPending();
      else this.#sign(entry);
    });
  }

  async flush(): Promise<void> {
    this.#assertUsable();
    const failure = this.#commitPending();
    if (failure !== undefined) throw failure;
  }

  async checkpoint(): Promise<SignedCheckpoint> {
    await this.flush();
    const { size, root } = this;
    // First, so that whatever is put back later is held against what leaves here.
    await this.#highWater.signed(this.#edge, this.#nowMs());
    return { text: signCheckpoint({ origin: this.origin, size, root }, this.#options.signer), size, root };
  }

  async keepWithin(limits: RetentionLimits): Promise<RetentionOutcome> {
    this.#assertUsable();
    return retain(this.#retained(), limits);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const failure = this.#commitPending();
    this.#closed = true;
    if (this.#bootRecorded) await this.#highWater.closing(this.#edge, this.#nowMs());
    this.#store.close();
    this.#lock.release();
    if (failure !== undefined) throw failure;
  }

  #nowMs(): number {
    return this.#options.clock.stamp().sinceBootMs;
  }

  #counterLost(error: unknown): void {
    this.#options.log('warning', 'journal.counter_failed', { error });
    if (this.#closed) return;
    const message = 'the monotonic counter does not answer; the high-water mark goes on without it';
    this.append('fault', { code: 'journal.counter_failed', message }, 'sample').catch(() => {}); // logged above
  }

  #assertUsable(): void {
    if (this.#closed) throw new JournalError('journal.closed', 'the journal is closed');
    if (!this.#bootRecorded) throw new InvariantError('recordBoot comes before anything else');
  }

  #entry<K extends EntryKind>(
    index: number,
    kind: K,
    body: EntryBodies[K],
    at: Partial<JournalStamp>,
  ): JournalEntry {
    const stamp = { ...this.#options.clock.stamp(), ...at };
    const previous = kind === 'reading' ? undefined : this.#previousOther();
    return {
      station: this.origin,
      index,
      kind,
      timeMs: Math.max(0, Math.floor(stamp.wallTimeMs)),
      clock: stamp.clockStatus,
      bootCount: this.bootCount,
      sinceBootMs: Math.floor(stamp.sinceBootMs),
      ...(previous === undefined ? {} : { previous }),
      body,
    } as JournalEntry;
  }

  #previousOther(): number | undefined {
    return this.#waiting.lastOther ?? this.#lastOther;
  }

  /** A sample is signed on another thread while it waits for its group; a full group is committed once it is signed. */
  #sign(entry: SignableEntry): void {
    this.#groupTimer ??= this.#startGroupTimer();
    this.#waiting.sign(entry, () => {
      while (this.#waiting.signed >= this.#groupEntries) this.#commit(this.#groupEntries);
    });
  }

  /** Writes all that is waiting in one transaction. */
  #commitPending(): JournalError | undefined {
    this.#groupTimer?.abort();
    this.#groupTimer = undefined;
    return this.#commit(this.#waiting.count);
  }

  /** The store may be another one after a failed commit: each call asks for it afresh. */
  #retained(): RetainedLog {
    const store = (): SqliteStore => {
      this.#assertUsable();
      return this.#store;
    };
    const size = (): number => this.size;
    return {
      get size() {
        return size();
      },
      usedBytes: () => store().usedBytes(),
      progress: () => store().retentionProgress(),
      readings: (from, to) => store().readings(from, to),
      readingIndices: (from, to) => store().readingIndices(from, to),
      drop: (body, rows) => this.#drop(body, rows),
    };
  }

  /** One commit: the `gap` entry alone, and the rows that it names gone. Its root is that of all in front of it. */
  #drop(body: Omit<RetentionGapBody, 'root'>, rows: RowDrop): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      this.#options.clock.settle?.();
      const failure = this.#commitPending();
      if (failure !== undefined) throw failure;
      const index = this.#edge.size;
      const entry = this.#entry(index, 'gap', { ...body, root: this.root }, {});
      const unsigned = prepareEntry(entry, this.#options.signer.keyId);
      const settled = { resolve: () => resolve(), reject };
      this.#waiting.add({ index, kind: 'gap', yields: false, unsigned, nextKey: undefined, ...settled });
      this.#commit(1, rows);
    });
  }

  /**
   * Writes the first `count` that are waiting in one transaction, and settles them; rows that go, go with it. When it fails,
   * all are rejected.
   */
  #commit(count: number, drop?: RowDrop): JournalError | undefined {
    if (count === 0) return undefined;
    const group = this.#waiting.take(count);
    try {
      const rows = group.map((entry) => sealed(entry, this.#options.signer));
      const { edge, writes } = growTree(
        this.#edge,
        rows.map(({ cose }) => leafHash(cose)),
      );
      this.#store.appendGroup(rows, writes, drop);
      this.#edge = edge;
      this.#lastOther = lastOtherOf(group) ?? this.#lastOther;
    } catch (error) {
      return this.#groupFailed(group, error as JournalError);
    }
    this.#highWater.committed(this.#edge, this.#nowMs());
    for (const { index, resolve } of group) resolve(index);
    return undefined;
  }

  /** What was waiting behind the group fails with it: its entries carry indices that they would not get any more. */
  #groupFailed(failed: readonly SignableEntry[], error: JournalError): JournalError {
    const group = [...failed, ...this.#waiting.take(this.#waiting.count)];
    const failure = error.effect === 'unknown' ? this.#reopen(error) : error;
    this.#options.log('error', 'journal.group_failed', { code: failure.code, entries: group.length });
    for (const { reject } of group) reject(failure);
    return failure;
  }

  /** After a commit of which nobody knows whether it happened, only the file, read afresh, says where the log ends. */
  #reopen(cause: JournalError): JournalError {
    try {
      this.#store.close();
      this.#store = reopenStore(this.#options.directory, this.#options);
      this.#edge = edgeAfter(this.#store, this.#edge);
      this.#lastOther = this.#store.lastOther();
      return cause;
    } catch (error) {
      this.#closed = true;
      this.#store.close();
      this.#lock.release();
      return new JournalError(
        'journal.closed',
        'the journal could not be opened again after a failed commit',
        {
          effect: 'unknown',
          remedy: 'halt',
          cause: error,
        },
      );
    }
  }

  #startGroupTimer(): AbortController {
    const timer = new AbortController();
    this.#options.clock.sleep(this.#options.groupCommitMs ?? DEFAULT_GROUP_COMMIT_MS, timer.signal).then(
      () => {
        if (!timer.signal.aborted) this.#commitPending();
      },
      () => {}, // aborted: the group was committed before its time
    );
    return timer;
  }
}
