import { bytesToHex, type ChainFacts } from '../chain/index.ts';
import { MAX_START_SPREAD_MS } from './planning/anchor-policy.ts';
import { SyncError } from './errors.ts';
import { FailureRecord } from './status/failure-record.ts';
import { floorNumber, GatewayLoop } from './link/gateway-loop.ts';
import { isAnchor, isInFlight } from './outbox/intent.ts';
import {
  lowBelow,
  outboxStatus,
  overdueAfterMs,
  sessionStatus,
  statusKey,
  waitedMs,
} from './status/live-status.ts';
import { OutboxKeeper } from './outbox/outbox-keeper.ts';
import { acquireOutboxLock, type OutboxLock } from './outbox/outbox-lock.ts';
import { OutboxStore } from './outbox/outbox-store.ts';
import { anchorRules, Planner } from './planning/planner.ts';
import type { SyncOptions, SyncOutcome, SyncTiming } from './ports.ts';
import { Publisher } from './planning/publisher.ts';
import { DEFAULT_RETRY } from './planning/retry-schedule.ts';
import { type AnchorSummary, COST_PROPERTY, summarize, type SyncStatus } from './status/status.ts';
import { type OwnStatus, StatusWatch } from './status/status-watch.ts';
import { TrafficMeter } from './planning/traffic-meter.ts';
import { Waiters } from './waiters.ts';

const DEFAULT_TIMING: SyncTiming = {
  idleMs: 15_000,
  stallMs: 180_000,
  firstRetryMs: DEFAULT_RETRY.firstMs,
  maxRetryMs: DEFAULT_RETRY.maxMs,
  startSpreadMs: MAX_START_SPREAD_MS,
};
/** How often it is looked whether a fault has come or gone; those that wait do so for minutes. */
const LOOK_FOR_FAULTS_MS = 60_000;

export interface Sync {
  /** Begins to anchor when due, until `stop`. */
  start(): void;
  /** Resolves when the gateway is gone and the outbox closed. May be called twice. */
  stop(): Promise<void>;
  status(): SyncStatus;
  /**
   * Anchors what is on disk now, whatever the policy says and without waiting for a retry delay. Resolves when it is final;
   * rejects with what made this round fail (`chain.*`, `sync.*`): the service goes on by itself.
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

class SyncService implements Sync {
  readonly #options: SyncOptions;
  readonly #store: OutboxStore;
  readonly #lock: OutboxLock;
  readonly #keeper: OutboxKeeper;
  readonly #failures: FailureRecord;
  readonly #timing: SyncTiming;
  readonly #abort = new AbortController();
  readonly #watch: StatusWatch;
  readonly #traffic: TrafficMeter;
  readonly #planner: Planner;
  readonly #publisher: Publisher;
  readonly #loop: GatewayLoop;
  readonly #waiters = new Waiters();
  #running: Promise<unknown> | undefined;
  #phase: SyncStatus['phase'] = 'idle';
  #lastTold = '';

  constructor(options: SyncOptions, store: OutboxStore, lock: OutboxLock) {
    const { source, clock, wallClock, log, chain } = options;
    this.#options = options;
    this.#store = store;
    this.#lock = lock;
    this.#keeper = new OutboxKeeper(store, log, (size, root) => source.holds(size, root));
    this.#failures = new FailureRecord(store, log);
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    const { bytesPerDay } = chain.metered ?? {};
    this.#traffic = new TrafficMeter({ store, clock, wallClock, log, bytesPerDay });
    const keeper = this.#keeper;
    this.#publisher = new Publisher({
      keeper,
      store,
      source,
      kinds: chain.publish ?? [],
      clock,
      wallClock,
      log,
    });
    this.#watch = this.#openWatch();
    this.#planner = this.#openPlanner();
    this.#loop = this.#openLoop();
  }

  start(): void {
    const { signal } = this.#abort;
    this.#running ??= Promise.all([this.#planner.run(), this.#loop.run(signal), this.#lookForFaults()]);
  }

  async stop(): Promise<void> {
    if (this.#abort.signal.aborted) return void (await this.#running);
    this.#abort.abort();
    this.#loop.wake();
    await this.#running;
    this.#waiters.reject(new SyncError('sync.stopped', 'the sync service was stopped'));
    this.#setPhase('stopped');
    this.#store.close();
    this.#lock.release();
  }

  async syncNow(): Promise<SyncOutcome> {
    if (this.#abort.signal.aborted) throw new SyncError('sync.stopped', 'the sync service is stopped');
    await this.#planner.plan();
    if (!this.#isNeeded()) return { outcome: 'nothing-to-anchor', anchor: this.#lastAnchor() };
    const planned = this.#keeper.plannedSize();
    const isAnchored = planned <= (this.#lastAnchor()?.size ?? 0);
    const done = this.#waiters.add(isAnchored ? Infinity : planned);
    this.#loop.forgetFailures();
    this.start();
    this.#loop.wake();
    return done;
  }

  status(): SyncStatus {
    const { genesisHash = null } = this.#keeper.lastFinal?.evidence ?? {};
    const target = genesisHash && floorNumber(this.#keeper, genesisHash);
    const status = this.#watch.status(this.#ownStatus(), target);
    return { ...status, traffic: { ...status.traffic, today: this.#traffic.today() } };
  }

  #ownStatus(): OwnStatus {
    const { chain, source, clock } = this.#options;
    const retryAt = this.#phase === 'waiting' ? this.#loop.retryAtMonoMs : null;
    return {
      phase: this.#phase,
      transport: chain.transport,
      ...outboxStatus(this.#keeper, source.size()),
      failure: this.#failures.last,
      retryInMs: retryAt === null ? null : Math.max(0, Math.round(retryAt - clock.nowMonoMs())),
      ...sessionStatus(this.#loop.view),
      ...this.#whatNext(),
    };
  }

  #whatNext(): Pick<OwnStatus, 'held' | 'nextDueInMs'> {
    if (this.#phase === 'stopped') return { held: null, nextDueInMs: null };
    if (this.#isNeeded() && this.#phase === 'idle') {
      const held = this.#planner.holdsLink();
      return { held, nextDueInMs: held === null ? 0 : this.#planner.decide().dueInMs };
    }
    const { held, dueInMs } = this.#planner.decide();
    return { held, nextDueInMs: dueInMs };
  }

  #openPlanner(): Planner {
    const { source, clock, wallClock, random, log, chain } = this.#options;
    return new Planner({
      ...{ keeper: this.#keeper, source, clock, wallClock, random, log, signal: this.#abort.signal },
      rules: anchorRules(chain),
      traffic: this.#traffic,
      retryMs: this.#timing.firstRetryMs,
      lastPlannedAtMs: this.#store.newest(1).find(isAnchor)?.plannedAtMs,
      isAsked: () => this.#waiters.any,
      onPlanned: (commands) => {
        this.#loop.carryOut(commands);
        this.#changed();
      },
      onLook: () => {
        this.#traffic.look();
        this.#loop.look();
      },
    });
  }

  #openLoop(): GatewayLoop {
    return new GatewayLoop({
      ...{ sync: this.#options, store: this.#store, keeper: this.#keeper, timing: this.#timing },
      listening: (open) => this.#traffic.counting(this.#watch.observing(open)),
      isNeeded: () => this.#isNeeded(),
      holdsLink: () => this.#planner.holdsLink(),
      refreshPlan: (facts) => this.#refreshPlan(facts),
      onFailure: (error) => this.#onFailure(error),
      onPhase: (phase) => this.#setPhase(phase),
      onChange: () => this.#changed(),
    });
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
      this.#tell();
      await clock.sleep(LOOK_FOR_FAULTS_MS, signal).catch(() => {});
    }
  }

  #isNeeded(): boolean {
    return this.#keeper.outbox.current !== null || this.#mayPublish();
  }

  /** The next batch may be planned: entries wait for it, and nothing else does. */
  #mayPublish(): boolean {
    return this.#keeper.outbox.current === null && this.#publisher.isDue();
  }

  async #refreshPlan(facts: ChainFacts): Promise<void> {
    const { current, next } = this.#keeper.outbox;
    const waits = [current, next].some((intent) => intent && isAnchor(intent) && !isInFlight(intent));
    if (waits || this.#planner.isDue()) await this.#planner.plan();
    this.#publish(facts);
  }

  #publish(facts: ChainFacts): void {
    if (!this.#mayPublish() || this.#planner.holdsLink() !== null) return;
    this.#loop.carryOut(this.#publisher.plan(facts.limits.extrinsicBytes));
  }

  #onFailure(error: unknown): number {
    const { log, wallClock } = this.#options;
    const failures = this.#failures.add(error, wallClock.nowWallMs(), this.#lastAnchor()?.size ?? 0);
    log('warning', 'sync.failed', { ...this.#failures.last });
    this.#waiters.reject(error);
    return failures;
  }

  /** Called on every change: tells the status, and whoever waits for an anchor or an empty outbox. */
  #changed(): void {
    const isConnected = (this.#loop.view?.facts ?? null) !== null;
    if (isConnected) this.#failures.anchored(this.#lastAnchor()?.size ?? 0);
    if (isConnected && this.#keeper.outbox.current === null) this.#onEmptyOutbox();
    else if (isConnected && this.#waiters.any) this.#onAnchored();
    this.#tell();
  }

  /** The next anchor may be on its way already: whoever asked for this one need not wait for that. */
  #onAnchored(): void {
    const anchor = this.#lastAnchor();
    if (anchor !== null) this.#waiters.resolveUpTo(anchor.size, { outcome: 'anchored', anchor });
  }

  #onEmptyOutbox(): void {
    this.#loop.forgetFailures();
    const anchor = this.#lastAnchor();
    const refused = this.#keeper.takeRefused();
    if (refused !== undefined) return this.#onRefused(refused.outcome?.error ?? 'it does not say why');
    this.#failures.clear();
    // An intent that ended `unplaced` leaves entries without evidence: the next one is due at once.
    if (this.#planner.isLeftBehind(anchor?.size ?? 0)) {
      return void this.#planner.plan().catch((error: unknown) => this.#waiters.reject(error));
    }
    this.#waiters.resolve({ outcome: 'anchored', anchor });
    const { facts = null } = this.#loop.view ?? {};
    if (facts !== null) this.#publish(facts);
  }

  /** It is in a block and paid for, and the pallet did not take it. The next interval's anchor tries again. */
  #onRefused(why: string): void {
    this.#planner.giveUpLargest();
    const error = new SyncError('sync.call_refused', `the runtime refused the call of an anchor: ${why}`, {
      remedy: 'operator',
      effect: 'done',
      hint: 'The pallet may have to be told of this account first; see chain.pallet.',
    });
    this.#onFailure(error);
  }

  /** Tells the status unless it is what was told last, but for what changes all the time. */
  #tell(): void {
    this.#watch.look(this.#ownStatus());
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

  #setPhase(phase: SyncStatus['phase']): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#watch.phaseChanged();
    this.#tell();
  }

  #lastAnchor(): AnchorSummary | null {
    return summarize(this.#keeper.lastFinal);
  }
}
