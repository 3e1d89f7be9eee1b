import { type Log, type MonotonicClock, StationError } from '../../hal/contract/index.ts';
import { codeOf } from './status/failure-record.ts';
import type { SyncOutcome } from './ports.ts';
import { DEFAULT_RETRY, retryDelayMs, type RetrySchedule } from './planning/retry-schedule.ts';
import type { SyncFacts, SyncFailure, SyncStatus } from './status/status.ts';
import { statusInWords } from './status/status-in-words.ts';
import type { Sync } from './sync.ts';

export interface ReopeningOptions {
  /** Opens the outbox; rejects when it cannot be opened now. */
  readonly open: () => Promise<Sync>;
  readonly transport: SyncStatus['transport'];
  readonly clock: MonotonicClock;
  readonly nowWallMs: () => number;
  readonly random: () => number;
  readonly log: Log;
  readonly onStatus: (status: SyncStatus) => void;
  /** Once for each reason why it cannot be opened. */
  readonly onFailure: (error: unknown) => void;
  readonly retry?: RetrySchedule;
}

/**
 * An outbox that cannot be opened (locked by a `sync now`, on a disk that is full, damaged) is tried again, rarer and rarer,
 * as a chain that cannot be reached is: readings go on, and whoever repairs the file need not start the service anew.
 */
export function reopeningSync(options: ReopeningOptions): Sync {
  return new ReopeningSync(options);
}

class ReopeningSync implements Sync {
  readonly #options: ReopeningOptions;
  readonly #abort = new AbortController();
  readonly #beganMonoMs: number;
  #sync: Sync | undefined;
  #opening: Promise<Sync> | undefined;
  #running: Promise<void> | undefined;
  #failure: SyncFailure | null = null;
  #retryAtMonoMs: number | null = null;

  constructor(options: ReopeningOptions) {
    this.#options = options;
    this.#beganMonoMs = options.clock.nowMonoMs();
  }

  start(): void {
    this.#running ??= this.#openInTheEnd();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    await this.#opening?.catch(() => {});
    await this.#sync?.stop();
  }

  async syncNow(): Promise<SyncOutcome> {
    const sync = await this.#open();
    sync.start();
    return sync.syncNow();
  }

  status(): SyncStatus {
    if (this.#sync !== undefined) return this.#sync.status();
    const { clock, transport } = this.#options;
    const now = clock.nowMonoMs();
    const retryInMs =
      this.#retryAtMonoMs === null ? null : Math.max(0, Math.round(this.#retryAtMonoMs - now));
    const facts: SyncFacts = {
      ...{ phase: this.#abort.signal.aborted ? 'stopped' : 'waiting', transport },
      phaseForMs: Math.round(now - this.#beganMonoMs),
      ...{ anchoredSize: 0, backlog: 0, lastAnchor: null, open: null, chain: null, gateway: null },
      ...{ failure: this.#failure, retryInMs, held: null, nextDueInMs: null },
      ...{ link: null, lastTry: null, seen: null, lastCost: null, faults: [] },
      traffic: { session: null, last: null, today: null },
      balance: { free: null, lowBelow: null, low: false },
      clock: { trusted: false, problem: null, aheadMs: null },
    };
    return { ...facts, words: statusInWords(facts) };
  }

  async #openInTheEnd(): Promise<void> {
    const { clock, random, retry = DEFAULT_RETRY } = this.#options;
    const { signal } = this.#abort;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        (await this.#open()).start();
        return;
      } catch {
        const delay = retryDelayMs(tries, random(), retry);
        this.#retryAtMonoMs = clock.nowMonoMs() + delay;
        await clock.sleep(delay, signal).catch(() => {});
      }
    }
  }

  /** One try at a time; what it fails with is told once, however often it does. */
  #open(): Promise<Sync> {
    if (this.#sync !== undefined) return Promise.resolve(this.#sync);
    this.#opening ??= this.#options.open().then(
      (sync) => {
        this.#opening = undefined;
        this.#sync = sync;
        return sync;
      },
      (error: unknown) => {
        this.#opening = undefined;
        this.#failed(error);
        throw error;
      },
    );
    return this.#opening;
  }

  #failed(error: unknown): void {
    const { nowWallMs, onFailure, onStatus, log } = this.#options;
    const code = codeOf(error);
    const before = this.#failure;
    const failures = (before?.failures ?? 0) + 1;
    const { message, hint } = error instanceof StationError ? error : { message: String(error), hint: null };
    const remedy = error instanceof StationError ? error.remedy : 'retry';
    this.#failure = { code, message, hint: hint ?? null, remedy, failures, atMs: nowWallMs() };
    if (before?.code === code) return;
    onFailure(error);
    try {
      onStatus(this.status());
    } catch (cause) {
      log('error', 'sync.status_not_told', { error: cause });
    }
  }
}
