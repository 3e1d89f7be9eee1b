import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type {
  AccountFacts,
  ChainFacts,
  GatewayEvent,
  Hex,
  OperationName,
  OperationParams,
} from '../../chain/index.ts';
import { faultConditions } from './fault-conditions.ts';
import {
  caughtUpPercent,
  type ClockProblem,
  type LinkView,
  newLink,
  observeLink,
} from '../link/link-view.ts';
import type { Gateway, OpenGateway } from '../ports.ts';
import type { ChainClock, LinkStatus, SeenChain, SyncFacts, SyncStatus, Traffic } from './status.ts';
import { statusInWords } from './status-in-words.ts';
import {
  type FaultEffect,
  type FaultStates,
  isBalanceLow,
  newFaults,
  raisedFaults,
  stepFaults,
} from './sync-faults.ts';

/** What the watch adds to what the service itself knows. */
type Watched =
  'phaseForMs' | 'link' | 'lastTry' | 'seen' | 'traffic' | 'lastCost' | 'balance' | 'clock' | 'faults';
export type OwnStatus = Omit<SyncFacts, Watched>;

export interface StatusWatchOptions {
  readonly clock: MonotonicClock;
  readonly wallClock: { nowWallMs(): number; status?: () => 'U' | 'I' | 'S' | 'R' };
  readonly log: Log;
  /** Public key of the account that pays; balances of others are none of ours. */
  readonly account: Hex;
  /** The amount below which the balance is low; null: not known. */
  readonly lowBelow: (lastCost: string | null, existentialDeposit: string | null) => string | null;
  /** Entries that have waited longer than this are overdue. */
  readonly overdueAfterMs: number;
  /** For how long entries wait already, as far as can be told when the service starts. */
  readonly waitedMs: number;
  readonly lastCost: string | null;
  /** A cost that is not the last one. */
  readonly onCost: (cost: string) => void;
  /** Faults that the journal has as raised. */
  readonly raised: ReadonlySet<string>;
  readonly onFault: (effect: FaultEffect) => void;
  /** What the link says has changed. */
  readonly onChange: () => void;
}

interface Seen extends Omit<SeenChain, 'finalizedAgeMs'> {
  readonly existentialDeposit: string | null;
  readonly finalizedMonoMs: number | null;
}

/** Listens to what gateways tell and answer, and knows from it what a status shows beyond the outbox. Changes nothing. */
export class StatusWatch {
  readonly #options: StatusWatchOptions;
  #phaseMonoMs: number;
  #link: LinkView | null = null;
  #lastTry: SyncStatus['lastTry'] = null;
  #gateway: Gateway | null = null;
  #seen: Seen | null = null;
  #lastTraffic: Traffic | null = null;
  #lastCost: string | null;
  #chainClock: Pick<ChainClock, 'problem' | 'aheadMs'> = { problem: null, aheadMs: null };
  #faults: FaultStates;
  #coveredMonoMs: number;
  #anchoredSize: number | undefined;
  #isLow = false;

  constructor(options: StatusWatchOptions) {
    const now = options.clock.nowMonoMs();
    this.#options = options;
    this.#phaseMonoMs = now;
    this.#lastCost = options.lastCost;
    this.#faults = newFaults(now, options.raised);
    this.#coveredMonoMs = now - options.waitedMs;
  }

  /** Opens gateways that are listened to: what they tell and answer passes through unchanged. */
  observing(open: OpenGateway): OpenGateway {
    return async (onEvent, signal) => {
      this.#link = newLink(this.#now());
      try {
        const gateway = await open((event) => {
          this.#hear(event);
          onEvent(event);
        }, signal);
        return this.#listenedTo(gateway);
      } catch (error) {
        this.#forgetLink();
        throw error;
      }
    };
  }

  /** The phase has become another one. */
  phaseChanged(): void {
    this.#phaseMonoMs = this.#now();
  }

  /** The whole status. `target`: a block of this chain that is known to be final. */
  status(own: OwnStatus, target: number | null): SyncStatus {
    const facts = { ...own, ...this.#watched(target), faults: raisedFaults(this.#faults) };
    return { ...facts, words: statusInWords(facts) };
  }

  /** Looks whether a fault is to be raised or cleared. To be called now and then, also while nothing happens. */
  look(own: OwnStatus): void {
    const now = this.#now();
    if (own.anchoredSize !== this.#anchoredSize || own.backlog === 0) {
      if (this.#anchoredSize !== undefined || own.backlog === 0) this.#coveredMonoMs = now;
      this.#anchoredSize = own.anchoredSize;
    }
    const { overdueAfterMs, onFault, log } = this.#options;
    const unanchoredForMs = now - this.#coveredMonoMs;
    const conditions = faultConditions(
      { ...own, ...this.#watched(null) },
      { unanchoredForMs, overdueAfterMs },
    );
    this.#isLow = conditions['sync.low_balance'].holds ?? this.#isLow;
    const { next, effects } = stepFaults(this.#faults, conditions, now);
    this.#faults = next;
    for (const effect of effects) {
      const { type, code, facts } = effect;
      const shown = Object.fromEntries(facts.map(({ name, value }) => [name, value]));
      log(type === 'raise' ? 'error' : 'info', code, {
        ...shown,
        fault: type === 'raise' ? 'raised' : 'cleared',
      });
      this.#attempt(() => onFault(effect));
    }
  }

  #watched(target: number | null): Omit<SyncFacts, keyof OwnStatus | 'faults'> {
    const now = this.#now();
    const { wallClock, lowBelow } = this.#options;
    const session = this.#gateway?.traffic ?? null;
    const free = this.#seen?.free ?? null;
    const below = lowBelow(this.#lastCost, this.#seen?.existentialDeposit ?? null);
    return {
      phaseForMs: Math.round(now - this.#phaseMonoMs),
      link: this.#link && linkStatus(this.#link, target, now),
      lastTry: this.#lastTry,
      seen: this.#seen && seenStatus(this.#seen, now),
      traffic: { session, last: this.#lastTraffic, today: null },
      lastCost: this.#lastCost,
      balance: { free, lowBelow: below, low: isBalanceLow(free, below) ?? this.#isLow },
      clock: { trusted: (wallClock.status?.() ?? 'S') === 'S', ...this.#chainClock },
    };
  }

  #listenedTo(gateway: Gateway): Gateway {
    this.#gateway = gateway;
    void gateway.ended.then(() => {
      if (this.#gateway !== gateway) return;
      this.#lastTraffic = gateway.traffic;
      this.#gateway = null;
      this.#forgetLink();
    });
    return {
      get pid() {
        return gateway.pid;
      },
      get rssBytes() {
        return gateway.rssBytes;
      },
      get traffic() {
        return gateway.traffic;
      },
      ended: gateway.ended,
      stop: () => gateway.stop(),
      request: async <O extends OperationName>(operation: O, params: OperationParams<O>) => {
        const result = await gateway.request(operation, params);
        this.#sawAnswer(operation, params, result);
        return result;
      },
    };
  }

  #forgetLink(): void {
    if (this.#link !== null) this.#lastTry = { stage: this.#link.stage, peers: this.#link.peers };
    this.#link = null;
  }

  #hear(event: GatewayEvent): void {
    const now = this.#now();
    if (this.#link !== null) this.#link = observeLink(this.#link, event, now);
    if (event.type === 'finalized') this.#sawFinalized(event.block.number);
    if (event.type !== 'progress') return;
    this.#compareClocks(event.finalizedAtMs, event.clock);
    this.#options.onChange();
  }

  #compareClocks(finalizedAtMs: number | null, problem: ClockProblem | null): void {
    if (finalizedAtMs === null) return;
    this.#chainClock = { problem, aheadMs: this.#options.wallClock.nowWallMs() - finalizedAtMs };
  }

  #sawAnswer(operation: OperationName, params: unknown, result: unknown): void {
    if (operation === 'connect' || operation === 'facts') this.#sawFacts(result as ChainFacts);
    if (operation === 'outcome') this.#sawCost((result as { readonly fee: string | null }).fee);
    if (operation !== 'account') return;
    const { finalized, free } = result as AccountFacts;
    const event = { type: 'finalized', block: finalized } as const;
    if (this.#link !== null) this.#link = observeLink(this.#link, event, this.#now());
    this.#sawFinalized(finalized.number);
    const isOwn = (params as OperationParams<'account'>).publicKey === this.#options.account;
    if (isOwn && this.#seen !== null) this.#seen = { ...this.#seen, free };
  }

  #sawCost(fee: string | null): void {
    if (fee === null || fee === this.#lastCost) return;
    this.#lastCost = fee;
    this.#attempt(() => this.#options.onCost(fee));
  }

  #sawFacts({ specName, specVersion, token, existentialDeposit }: ChainFacts): void {
    const known = this.#seen ?? { finalizedNumber: null, finalizedMonoMs: null, free: null };
    this.#seen = { ...known, specName, specVersion, token, existentialDeposit };
    const { finalized = null } = this.#link ?? {};
    if (finalized !== null) this.#sawFinalized(finalized);
  }

  #sawFinalized(number: number): void {
    if (this.#seen === null || number <= (this.#seen.finalizedNumber ?? -1)) return;
    this.#seen = { ...this.#seen, finalizedNumber: number, finalizedMonoMs: this.#now() };
  }

  /** Whoever keeps what is seen is no reason not to anchor. */
  #attempt(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log('error', 'sync.status_not_stored', { error });
    }
  }

  #now(): number {
    return this.#options.clock.nowMonoMs();
  }
}

/** The link as a status shows it. `target`: a block of this chain that is known to be final. */
export function linkStatus(link: LinkView, target: number | null, now: number): LinkStatus {
  const { stage, peers, relayPeers, peerLosses, best, finalized } = link;
  const ago = (moment: number | null): number | null => (moment === null ? null : Math.round(now - moment));
  const ahead = target !== null && (finalized ?? -1) < target ? target : null;
  return {
    ...{ stage, stageForMs: Math.round(now - link.stageMonoMs) },
    ...{ peers, relayPeers, peerlessForMs: ago(link.peerlessMonoMs), peerLosses },
    ...{ best, finalized, finalizedAgeMs: ago(link.finalizedMonoMs) },
    ...{ target: ahead, percent: caughtUpPercent(link, ahead) },
  };
}

function seenStatus(seen: Seen, now: number): SeenChain {
  const { specName, specVersion, token, finalizedNumber, finalizedMonoMs, free } = seen;
  const finalizedAgeMs = finalizedMonoMs === null ? null : Math.round(now - finalizedMonoMs);
  return { specName, specVersion, token, finalizedNumber, finalizedAgeMs, free };
}
