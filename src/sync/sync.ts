import type { Log } from '../../hal/contract/index.ts';
import { bytesToHex, type ChainFacts, GatewayProcess, type Hex } from '../chain/index.ts';
import { SyncError } from './errors.ts';
import { isInFlight } from './intent.ts';
import { OutboxKeeper } from './outbox-keeper.ts';
import { acquireOutboxLock, type OutboxLock } from './outbox-lock.ts';
import { OutboxStore } from './outbox-store.ts';
import type { OpenGateway, SyncOptions, SyncTiming } from './ports.ts';
import { DEFAULT_RETRY, retryDelayMs } from './retry-schedule.ts';
import { checkCall, checkGenesis, parseCallIndex } from './chain-check.ts';
import { codeOf, FailureRecord } from './failure-record.ts';
import { Session } from './session.ts';
import { type CallIndex, REMARK_CALL_INDICES } from './signing-policy.ts';
import { type AnchorSummary, GENESIS_PROPERTY, summarize, type SyncStatus } from './status.ts';

const DEFAULT_TIMING: SyncTiming = {
  idleMs: 15_000,
  stallMs: 180_000,
  firstRetryMs: DEFAULT_RETRY.firstMs,
  maxRetryMs: DEFAULT_RETRY.maxMs,
};
/** How often the size of the log is compared with what is anchored: a sixtieth of the interval, within these bounds. */
const LOOK_FRACTION = 1 / 60;
const MIN_LOOK_MS = 1_000;
const MAX_LOOK_MS = 10_000;
/** Stations that start together anchor for the first time within this fraction of the interval, at most a minute. */
const START_SPREAD = 0.1;
const MAX_START_SPREAD_MS = 60_000;

export type SyncOutcome =
  | { readonly outcome: 'anchored'; readonly anchor: AnchorSummary | null }
  /** Everything on disk is covered by a final anchor already, or the log is empty. */
  | { readonly outcome: 'nothing-to-anchor'; readonly anchor: AnchorSummary | null };

export interface Sync {
  /** Begins to anchor when due, until `stop`. */
  start(): void;
  /** Resolves when the gateway is gone and the outbox closed. May be called twice. */
  stop(): Promise<void>;
  status(): SyncStatus;
  /**
   * Anchors what is on disk now, without waiting for the interval or a retry delay. Resolves when it is final; rejects
   * with what made this round fail (`chain.*`, `sync.*`): the service goes on by itself.
   */
  syncNow(): Promise<SyncOutcome>;
}

/**
 * Opens the outbox and takes its lock. Nothing runs before `start`.
 * Throws `sync.locked`, `sync.outbox_damaged`, `sync.outbox_newer`.
 */
export function openSync(options: SyncOptions): Sync {
  const lock = acquireOutboxLock(options.stateDirectory);
  try {
    return new SyncService(options, OutboxStore.open(options.stateDirectory), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Waiter {
  readonly resolve: (outcome: SyncOutcome) => void;
  readonly reject: (error: unknown) => void;
}

class SyncService implements Sync {
  readonly #options: SyncOptions;
  readonly #store: OutboxStore;
  readonly #lock: OutboxLock;
  readonly #keeper: OutboxKeeper;
  readonly #failures: FailureRecord;
  readonly #timing: SyncTiming;
  readonly #abort = new AbortController();
  readonly #allowedCalls: readonly CallIndex[];
  #running: Promise<unknown> | undefined;
  #session: Session | null = null;
  #phase: SyncStatus['phase'] = 'idle';
  #retryAtMonoMs: number | null = null;
  #dueMonoMs: number;
  #planning: Promise<void> = Promise.resolve();
  #waiters: Waiter[] = [];
  #wake: () => void = () => {};
  #lastTold = '';
  #largestPlanned = 0;

  constructor(options: SyncOptions, store: OutboxStore, lock: OutboxLock) {
    this.#options = options;
    this.#store = store;
    this.#lock = lock;
    this.#keeper = new OutboxKeeper(store, options.log, (size, root) => options.source.holds(size, root));
    this.#failures = new FailureRecord(store, options.log);
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    const { callIndex } = options.chain;
    this.#allowedCalls = callIndex === undefined ? REMARK_CALL_INDICES : [parseCallIndex(callIndex)];
    this.#dueMonoMs = options.clock.nowMonoMs() + this.#firstDelayMs();
  }

  start(): void {
    this.#running ??= Promise.all([this.#planLoop(), this.#sessionLoop()]);
  }

  async stop(): Promise<void> {
    if (this.#abort.signal.aborted) return void (await this.#running);
    this.#abort.abort();
    this.#wake();
    await this.#running;
    await this.#planning.catch(() => {});
    this.#settleWaiters((waiter) =>
      waiter.reject(new SyncError('sync.stopped', 'the sync service was stopped')),
    );
    this.#setPhase('stopped');
    this.#store.close();
    this.#lock.release();
  }

  async syncNow(): Promise<SyncOutcome> {
    if (this.#abort.signal.aborted) throw new SyncError('sync.stopped', 'the sync service is stopped');
    await this.#plan();
    if (this.#keeper.outbox.current === null)
      return { outcome: 'nothing-to-anchor', anchor: this.#lastAnchor() };
    const done = new Promise<SyncOutcome>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#retryAtMonoMs = null;
    this.start();
    this.#wake();
    return done;
  }

  status(): SyncStatus {
    const { current } = this.#keeper.outbox;
    const lastAnchor = this.#lastAnchor();
    const anchoredSize = lastAnchor?.size ?? 0;
    const retryAt = this.#phase === 'waiting' ? this.#retryAtMonoMs : null;
    return {
      phase: this.#phase,
      transport: this.#options.chain.transport,
      anchoredSize,
      backlog: Math.max(0, this.#options.source.size() - anchoredSize),
      lastAnchor,
      open:
        current === null
          ? null
          : {
              id: current.id,
              state: current.state,
              size: current.size,
              attempts: current.attempt?.ordinal ?? 0,
            },
      failure: this.#failures.last,
      retryInMs: retryAt === null ? null : Math.max(0, Math.round(retryAt - this.#options.clock.nowMonoMs())),
      ...this.#sessionStatus(),
    };
  }

  #sessionStatus(): Pick<SyncStatus, 'chain' | 'gateway'> {
    const view = this.#session?.view;
    if (view === undefined) return { chain: null, gateway: null };
    const { facts, finalizedNumber, peers, free, gateway } = view;
    return {
      chain:
        facts === null
          ? null
          : {
              specName: facts.specName,
              specVersion: facts.specVersion,
              genesisHash: facts.genesisHash,
              finalizedNumber,
              peers,
              free,
            },
      gateway: gateway === null ? null : { pid: gateway.pid ?? null, rssBytes: gateway.rssBytes },
    };
  }

  /** Plans an anchor whenever the interval has passed and the log has grown. */
  async #planLoop(): Promise<void> {
    const { clock, log, chain } = this.#options;
    const lookEveryMs = Math.min(Math.max(chain.anchorEveryMs * LOOK_FRACTION, MIN_LOOK_MS), MAX_LOOK_MS);
    while (!this.#abort.signal.aborted) {
      try {
        if (this.#isDue()) await this.#plan();
      } catch (error) {
        this.#dueMonoMs = clock.nowMonoMs() + this.#timing.firstRetryMs;
        log('warning', 'sync.plan_failed', { code: codeOf(error), why: String(error) });
      }
      await this.#sleep(lookEveryMs);
    }
  }

  /** While an unsigned intent waits for the network nothing newer is planned: it is made fresh when the link is up. */
  #isDue(): boolean {
    const { current, link } = this.#keeper.outbox;
    if (current !== null && !isInFlight(current) && link === null) return false;
    return (
      this.#options.clock.nowMonoMs() >= this.#dueMonoMs &&
      this.#options.source.size() > this.#keeper.plannedSize()
    );
  }

  /** Plans what is on disk, if it is more than what is anchored or on its way. One at a time. */
  #plan(): Promise<void> {
    this.#planning = this.#planning
      .catch(() => {})
      .then(async () => {
        const { source, wallClock, clock, chain } = this.#options;
        if (this.#abort.signal.aborted || source.size() <= this.#keeper.plannedSize()) return;
        const { text: checkpoint, size, root } = await source.checkpoint();
        if (this.#abort.signal.aborted) return;
        const atMs = wallClock.nowWallMs();
        const commands = this.#keeper.dispatch({
          type: 'planned',
          checkpoint,
          size,
          root: bytesToHex(root),
          atMs,
        });
        this.#dueMonoMs = clock.nowMonoMs() + chain.anchorEveryMs;
        this.#largestPlanned = Math.max(this.#largestPlanned, size);
        this.#session?.carryOut(commands);
        this.#changed();
        this.#wake();
      });
    return this.#planning;
  }

  /** A gateway lives while there is something to do, and is started anew after a failure, with growing delays. */
  async #sessionLoop(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      if (this.#keeper.outbox.current === null) {
        this.#setPhase('idle');
        await this.#untilWoken(Infinity);
        continue;
      }
      const wait = (this.#retryAtMonoMs ?? 0) - this.#options.clock.nowMonoMs();
      if (wait > 0) {
        this.#setPhase('waiting');
        await this.#untilWoken(wait);
        continue;
      }
      await this.#oneSession(signal);
    }
  }

  async #oneSession(signal: AbortSignal): Promise<void> {
    const { clock, account, log, chain, wallClock } = this.#options;
    const session = new Session({
      transport: transportOf(chain),
      openGateway: this.#openGateway(log),
      keeper: this.#keeper,
      account,
      allowedCalls: this.#allowedCalls,
      timing: this.#timing,
      clock,
      nowWallMs: () => wallClock.nowWallMs(),
      log,
      floorNumber: (genesisHash) => this.#floorNumber(genesisHash),
      onConnected: (facts) => this.#onConnected(facts),
      onChange: () => this.#changed(),
    });
    this.#session = session;
    this.#setPhase('connecting');
    try {
      await session.run(signal);
    } catch (error) {
      this.#onFailure(error);
    } finally {
      this.#session = null;
    }
  }

  async #onConnected(facts: ChainFacts): Promise<void> {
    const { genesisHash } = this.#options.chain;
    const known = this.#store.property(GENESIS_PROPERTY);
    checkGenesis(facts.genesisHash, genesisHash ?? known);
    checkCall(facts, this.#allowedCalls);
    if (known !== facts.genesisHash) {
      if (known !== undefined) this.#keeper.dispatch({ type: 'chain-changed' });
      this.#store.setProperty(GENESIS_PROPERTY, facts.genesisHash);
    }
    const { current } = this.#keeper.outbox;
    const unsigned = current !== null && !isInFlight(current);
    if (unsigned || this.#isDue()) await this.#plan();
    this.#setPhase('connected');
  }

  #onFailure(error: unknown): void {
    const { clock, random, log, wallClock } = this.#options;
    const failures = this.#failures.add(error, wallClock.nowWallMs());
    const delay = retryDelayMs(failures, random(), {
      firstMs: this.#timing.firstRetryMs,
      maxMs: this.#timing.maxRetryMs,
    });
    this.#retryAtMonoMs = clock.nowMonoMs() + delay;
    log('warning', 'sync.failed', { ...this.#failures.last, retryInMs: delay });
    this.#settleWaiters((waiter) => waiter.reject(error));
  }

  /** Called on every change: tells the status, and whoever waits for an empty outbox. */
  #changed(): void {
    if (this.#keeper.outbox.current === null && this.#session !== null) this.#onEmptyOutbox();
    this.#tell();
  }

  #onEmptyOutbox(): void {
    this.#retryAtMonoMs = null;
    this.#failures.clear();
    const anchor = this.#lastAnchor();
    // An intent that ended `unplaced` leaves entries without evidence: the next one is due at once.
    if ((anchor?.size ?? 0) < this.#largestPlanned) {
      this.#largestPlanned = 0;
      this.#dueMonoMs = this.#options.clock.nowMonoMs();
      return void this.#plan().catch((error: unknown) =>
        this.#settleWaiters((waiter) => waiter.reject(error)),
      );
    }
    this.#settleWaiters((waiter) => waiter.resolve({ outcome: 'anchored', anchor }));
  }

  /** Tells the status unless it is what was told last, memory and countdown aside. */
  #tell(): void {
    const status = this.status();
    const text = JSON.stringify({ ...status, retryInMs: 0, gateway: status.gateway?.pid });
    if (text === this.#lastTold) return;
    this.#lastTold = text;
    this.#options.onStatus?.(status);
  }

  #settleWaiters(how: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiters.splice(0)) how(waiter);
  }

  #setPhase(phase: SyncStatus['phase']): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#tell();
  }

  #lastAnchor(): AnchorSummary | null {
    return summarize(this.#keeper.lastFinal);
  }

  #floorNumber(genesisHash: Hex): number {
    const evidence = this.#keeper.lastFinal?.evidence;
    return evidence?.genesisHash === genesisHash ? evidence.blockNumber : 0;
  }

  #openGateway(log: Log): OpenGateway {
    const { gatewayEntry, clock } = this.#options;
    if (typeof gatewayEntry === 'function') return gatewayEntry;
    return (onEvent) => GatewayProcess.start({ entry: gatewayEntry, clock, log, onEvent });
  }

  /** What is left of the interval since the last plan, as far as the wall clock can tell, and a spread for the fleet. */
  #firstDelayMs(): number {
    const { chain, wallClock, random } = this.#options;
    const last = this.#store.newest(1)[0]?.plannedAtMs;
    const elapsed = last === undefined ? Infinity : wallClock.nowWallMs() - last;
    const left = elapsed >= 0 && elapsed < chain.anchorEveryMs ? chain.anchorEveryMs - elapsed : 0;
    return left + random() * Math.min(chain.anchorEveryMs * START_SPREAD, MAX_START_SPREAD_MS);
  }

  async #sleep(durationMs: number): Promise<void> {
    await this.#options.clock.sleep(durationMs, this.#abort.signal).catch(() => {});
  }

  async #untilWoken(atMostMs: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    if (atMostMs === Infinity) return woken;
    const timer = new AbortController();
    const asleep = this.#options.clock.sleep(atMostMs, timer.signal).catch(() => {});
    await Promise.race([woken, asleep]);
    timer.abort();
  }
}

function transportOf(chain: SyncOptions['chain']) {
  return chain.transport === 'rpc'
    ? { transport: chain.transport, url: chain.url }
    : { transport: chain.transport, relaySpec: chain.relaySpec, paraSpec: chain.paraSpec };
}
