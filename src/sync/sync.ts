import type { Log } from '../../hal/contract/index.ts';
import {
  bytesToHex,
  type CallIndex,
  type ChainFacts,
  type ChainTransport,
  GatewayProcess,
  type Hex,
  REMARK,
} from '../chain/index.ts';
import { SyncError } from './errors.ts';
import { isInFlight } from './intent.ts';
import { OutboxKeeper } from './outbox-keeper.ts';
import { acquireOutboxLock, type OutboxLock } from './outbox-lock.ts';
import { OutboxStore } from './outbox-store.ts';
import { Planner } from './planner.ts';
import type { OpenGateway, SyncOptions, SyncTiming } from './ports.ts';
import { DEFAULT_RETRY, retryDelayMs } from './retry-schedule.ts';
import { checkCall, checkGenesis, parseCallIndex } from './chain-check.ts';
import { FailureRecord } from './failure-record.ts';
import { lowBelow, outboxStatus, overdueAfterMs, sessionStatus, statusKey, waitedMs } from './live-status.ts';
import { Session } from './session.ts';
import { fullBudget, type SigningBudget, spendSignature } from './signing-budget.ts';
import { REMARK_CALL_INDICES } from './signing-policy.ts';
import { type AnchorSummary, COST_PROPERTY, GENESIS_PROPERTY, summarize, type SyncStatus } from './status.ts';
import { type OwnStatus, StatusWatch } from './status-watch.ts';

const DEFAULT_TIMING: SyncTiming = {
  idleMs: 15_000,
  stallMs: 180_000,
  firstRetryMs: DEFAULT_RETRY.firstMs,
  maxRetryMs: DEFAULT_RETRY.maxMs,
};
/** How often it is looked whether a fault has come or gone; those that wait do so for minutes. */
const LOOK_FOR_FAULTS_MS = 60_000;

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
  let store: OutboxStore | undefined;
  try {
    store = OutboxStore.open(options.stateDirectory);
    return new SyncService(options, store, lock);
  } catch (error) {
    store?.close();
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
  readonly #planner: Planner;
  #signatures: SigningBudget;
  #running: Promise<unknown> | undefined;
  #session: Session | null = null;
  #phase: SyncStatus['phase'] = 'idle';
  #retryAtMonoMs: number | null = null;
  #waiters: Waiter[] = [];
  #wake: () => void = () => {};
  #lastTold = '';
  readonly #watch: StatusWatch;

  constructor(options: SyncOptions, store: OutboxStore, lock: OutboxLock) {
    this.#options = options;
    this.#store = store;
    this.#lock = lock;
    this.#keeper = new OutboxKeeper(store, options.log, (size, root) => options.source.holds(size, root));
    this.#failures = new FailureRecord(store, options.log);
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    const { callIndex } = options.chain;
    this.#allowedCalls = callIndex === undefined ? REMARK_CALL_INDICES : [parseCallIndex(callIndex)];
    this.#signatures = fullBudget(options.clock.nowMonoMs());
    this.#watch = this.#openWatch();
    const { source, clock, wallClock, random, log } = options;
    this.#planner = new Planner({
      ...{ keeper: this.#keeper, source, clock, wallClock, random, log, signal: this.#abort.signal },
      anchorEveryMs: options.chain.anchorEveryMs,
      retryMs: this.#timing.firstRetryMs,
      lastPlannedAtMs: store.newest(1)[0]?.plannedAtMs,
      onPlanned: (commands) => {
        this.#session?.carryOut(commands);
        this.#changed();
        this.#wake();
      },
    });
  }

  start(): void {
    this.#running ??= Promise.all([this.#planner.run(), this.#sessionLoop(), this.#lookForFaults()]);
  }

  async stop(): Promise<void> {
    if (this.#abort.signal.aborted) return void (await this.#running);
    this.#abort.abort();
    this.#wake();
    await this.#running;
    this.#settleWaiters((waiter) =>
      waiter.reject(new SyncError('sync.stopped', 'the sync service was stopped')),
    );
    this.#setPhase('stopped');
    this.#store.close();
    this.#lock.release();
  }

  async syncNow(): Promise<SyncOutcome> {
    if (this.#abort.signal.aborted) throw new SyncError('sync.stopped', 'the sync service is stopped');
    await this.#planner.plan();
    if (this.#keeper.outbox.current === null)
      return { outcome: 'nothing-to-anchor', anchor: this.#lastAnchor() };
    const done = new Promise<SyncOutcome>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#retryAtMonoMs = null;
    this.start();
    this.#wake();
    return done;
  }

  status(): SyncStatus {
    const { genesisHash = null } = this.#keeper.lastFinal?.evidence ?? {};
    return this.#watch.status(this.#ownStatus(), genesisHash && this.#floorNumber(genesisHash));
  }

  #ownStatus(): OwnStatus {
    const { chain, source, clock } = this.#options;
    const retryAt = this.#phase === 'waiting' ? this.#retryAtMonoMs : null;
    return {
      phase: this.#phase,
      transport: chain.transport,
      ...outboxStatus(this.#keeper, source.size()),
      failure: this.#failures.last,
      retryInMs: retryAt === null ? null : Math.max(0, Math.round(retryAt - clock.nowMonoMs())),
      ...sessionStatus(this.#session?.view),
      held: null,
      nextDueInMs: null,
    };
  }

  #openWatch(): StatusWatch {
    const { clock, wallClock, log, account, chain, raisedFaults, onFault } = this.#options;
    return new StatusWatch({
      ...{ clock, wallClock, log, account: bytesToHex(account.publicKey) },
      lowBelow: (lastCost, deposit) => lowBelow(chain.lowBalance, lastCost, deposit),
      overdueAfterMs: overdueAfterMs(chain),
      waitedMs: waitedMs(this.#lastAnchor(), wallClock),
      lastCost: this.#store.property(COST_PROPERTY) ?? null,
      onCost: (cost) => this.#store.setProperty(COST_PROPERTY, cost),
      raised: raisedFaults ?? new Set(),
      onFault: (effect) => onFault?.(effect),
      onChange: () => this.#tell(),
    });
  }

  async #lookForFaults(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#watch.look(this.#ownStatus());
      this.#tell();
      await clock.sleep(LOOK_FOR_FAULTS_MS, signal).catch(() => {});
    }
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
    const { clock, account, log, wallClock } = this.#options;
    const session = new Session({
      transport: transportOf(this.#options),
      openGateway: this.#openGateway(log),
      keeper: this.#keeper,
      account,
      call: REMARK,
      timing: this.#timing,
      clock,
      nowWallMs: () => wallClock.nowWallMs(),
      log,
      beforeSigning: () => this.#spendSignature(),
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
    if (unsigned || this.#planner.isDue()) await this.#planner.plan();
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
    if (this.#planner.isLeftBehind(anchor?.size ?? 0)) {
      return void this.#planner
        .plan()
        .catch((error: unknown) => this.#settleWaiters((waiter) => waiter.reject(error)));
    }
    this.#settleWaiters((waiter) => waiter.resolve({ outcome: 'anchored', anchor }));
  }

  /** Tells the status unless it is what was told last, but for what changes all the time. */
  #tell(): void {
    const status = this.status();
    const text = statusKey(status);
    if (text === this.#lastTold) return;
    this.#lastTold = text;
    try {
      this.#options.onStatus?.(status);
    } catch (error) {
      // Whoever shows it is no reason not to anchor.
      this.#options.log('error', 'sync.status_not_told', { error });
    }
  }

  #settleWaiters(how: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiters.splice(0)) how(waiter);
  }

  #setPhase(phase: SyncStatus['phase']): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#watch.phaseChanged();
    this.#tell();
  }

  #lastAnchor(): AnchorSummary | null {
    return summarize(this.#keeper.lastFinal);
  }

  #floorNumber(genesisHash: Hex): number {
    const evidence = this.#keeper.lastFinal?.evidence;
    return evidence?.genesisHash === genesisHash ? evidence.blockNumber : 0;
  }

  #spendSignature(): void {
    const { clock, chain } = this.#options;
    const left = spendSignature(this.#signatures, clock.nowMonoMs(), chain.anchorEveryMs);
    if (left === undefined) {
      throw new SyncError('sync.too_many_signatures', 'not signed: too many signatures in a short time', {
        hint: 'Either what was sent is lost again and again, or the node or the gateway is not to be trusted.',
      });
    }
    this.#signatures = left;
  }

  #openGateway(log: Log): OpenGateway {
    const { gatewayEntry, clock } = this.#options;
    const open: OpenGateway =
      typeof gatewayEntry === 'function'
        ? gatewayEntry
        : (onEvent, signal) => GatewayProcess.start({ entry: gatewayEntry, clock, log, onEvent, signal });
    return this.#watch.observing(open);
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

function transportOf({ chain, stateDirectory }: SyncOptions): ChainTransport {
  if (chain.transport === 'rpc') return { transport: 'rpc', url: chain.url, stateDirectory };
  const { relaySpec, paraSpec, bootNodes } = chain;
  return {
    transport: 'light-client',
    ...(relaySpec !== undefined && { relaySpec }),
    ...{ paraSpec, stateDirectory },
    ...(bootNodes && { bootNodes }),
  };
}
