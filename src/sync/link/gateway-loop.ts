import { type ChainFacts, type ChainTransport, GatewayProcess, type Hex } from '../../chain/index.ts';
import { checkGenesis } from '../signing/chain-check.ts';
import { SyncError } from '../errors.ts';
import { isInFlight } from '../outbox/intent.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { OutboxCommand } from '../outbox/outbox-model.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';
import type { OpenGateway, SyncOptions, SyncTiming } from '../ports.ts';
import { startDelayMs } from '../planning/anchor-policy.ts';
import { retryDelayMs } from '../planning/retry-schedule.ts';
import { Session, type SessionView } from './session.ts';
import { fullBudget, type SigningBudget, spendSignature } from '../signing/signing-budget.ts';
import { GENESIS_PROPERTY, type HeldBack, type SyncStatus } from '../status/status.ts';
import { Wake } from '../wake.ts';

export interface GatewayLoopOptions {
  readonly sync: SyncOptions;
  readonly store: OutboxStore;
  readonly keeper: OutboxKeeper;
  readonly timing: SyncTiming;
  /** Opens gateways; what they tell and carry is listened to. */
  readonly listening: (open: OpenGateway) => OpenGateway;
  /** Whether there is work for a gateway. */
  readonly isNeeded: () => boolean;
  /** Why none may be started now; null: one may. */
  readonly holdsLink: () => HeldBack | null;
  /** The chain is there: makes the plan as fresh as it should be. */
  readonly refreshPlan: (facts: ChainFacts) => Promise<void>;
  /** Returns how many failures there were in a row. */
  readonly onFailure: (error: unknown) => number;
  readonly onPhase: (phase: SyncStatus['phase']) => void;
  readonly onChange: () => void;
}

/** A gateway lives while there is something to do, and is started anew after a failure, with growing delays. */
export class GatewayLoop {
  readonly #options: GatewayLoopOptions;
  readonly #wake: Wake;
  #signatures: SigningBudget;
  #session: Session | null = null;
  #retryAtMonoMs: number | null = null;
  #isIdle = false;
  #isAsked = false;

  constructor(options: GatewayLoopOptions) {
    this.#options = options;
    this.#wake = new Wake(options.sync.clock);
    this.#signatures = fullBudget(options.sync.clock.nowMonoMs());
  }

  get view(): SessionView | undefined {
    return this.#session?.view;
  }

  get retryAtMonoMs(): number | null {
    return this.#retryAtMonoMs;
  }

  /** Has the present gateway, if there is one, carry out what a plan commands; starts one if it is needed. */
  carryOut(commands: readonly OutboxCommand[]): void {
    this.#session?.carryOut(commands);
    this.#wake.now();
  }

  /** Looks anew whether a gateway is needed. A retry is waited for all the same. */
  look(): void {
    if (this.#isIdle && this.#options.isNeeded()) this.#wake.now();
  }

  /** Ends a wait: somebody wants a gateway now, or none any more. */
  wake(): void {
    this.#wake.now();
  }

  /** Waits for no retry any more, nor for this station's turn after the start. */
  forgetFailures(): void {
    this.#retryAtMonoMs = null;
    this.#isAsked = true;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { isNeeded, holdsLink, onPhase, sync } = this.#options;
    if (isNeeded() && !this.#isAsked) this.#spreadStart();
    while (!signal.aborted) {
      const wait = (this.#retryAtMonoMs ?? 0) - sync.clock.nowMonoMs();
      if (!isNeeded()) {
        onPhase('idle');
        this.#isIdle = true;
        await this.#wake.sleep(Infinity);
        this.#isIdle = false;
      } else if (wait > 0) {
        onPhase('waiting');
        await this.#wake.sleep(wait);
      } else if (holdsLink() !== null) {
        onPhase('idle');
        await this.#wake.sleep(HELD_LOOK_MS);
      } else await this.#oneSession(signal);
    }
  }

  async #oneSession(signal: AbortSignal): Promise<void> {
    const { sync, keeper, timing, onPhase, onChange } = this.#options;
    const { account, chain, clock, wallClock, log } = sync;
    const session = new Session({
      transport: transportOf(sync),
      openGateway: this.#openGateway(),
      ...{ keeper, account, chain, timing, clock, log, onChange },
      nowWallMs: () => wallClock.nowWallMs(),
      beforeSigning: () => this.#spendSignature(),
      floorNumber: (genesisHash) => floorNumber(keeper, genesisHash),
      onConnected: (facts) => this.#onConnected(facts),
    });
    this.#session = session;
    onPhase('connecting');
    try {
      await session.run(signal);
    } catch (error) {
      this.#onFailure(error);
    } finally {
      this.#session = null;
    }
  }

  async #onConnected(facts: ChainFacts): Promise<void> {
    const { sync, store, keeper, refreshPlan, onPhase } = this.#options;
    const known = store.property(GENESIS_PROPERTY);
    checkGenesis(facts.genesisHash, sync.chain.genesisHash ?? known);
    if (known !== facts.genesisHash) {
      if (known !== undefined) keeper.dispatch({ type: 'chain-changed' });
      store.setProperty(GENESIS_PROPERTY, facts.genesisHash);
    }
    await refreshPlan(facts);
    onPhase('connected');
  }

  #spreadStart(): void {
    const { sync, timing } = this.#options;
    const delay = startDelayMs(sync.chain.anchorEveryMs, sync.random(), timing.startSpreadMs);
    this.#retryAtMonoMs = sync.clock.nowMonoMs() + delay;
  }

  #onFailure(error: unknown): void {
    const { sync, timing, onFailure } = this.#options;
    const { firstRetryMs: firstMs, maxRetryMs: maxMs } = timing;
    const delay = retryDelayMs(onFailure(error), sync.random(), { firstMs, maxMs });
    this.#retryAtMonoMs = sync.clock.nowMonoMs() + delay;
  }

  #spendSignature(): void {
    const { clock, chain } = this.#options.sync;
    const left = spendSignature(this.#signatures, clock.nowMonoMs(), chain.anchorEveryMs);
    if (left === undefined) {
      throw new SyncError('sync.too_many_signatures', 'not signed: too many signatures in a short time', {
        hint: 'Either what was sent is lost again and again, or the node or the gateway is not to be trusted.',
      });
    }
    this.#signatures = left;
  }

  #openGateway(): OpenGateway {
    const { listening, sync } = this.#options;
    const { gatewayEntry, clock, log } = sync;
    return listening(
      typeof gatewayEntry === 'function'
        ? gatewayEntry
        : (onEvent, signal) => GatewayProcess.start({ entry: gatewayEntry, clock, log, onEvent, signal }),
    );
  }
}

/** How often it is looked whether a link that is held back may be used. */
const HELD_LOOK_MS = 10_000;

/** No finalized block below it is believed yet: that of the last anchor, and the one that what is in flight was born at. */
export function floorNumber({ lastFinal, outbox: { current } }: OutboxKeeper, genesisHash: Hex): number {
  const anchored = lastFinal?.evidence?.genesisHash === genesisHash ? lastFinal.evidence.blockNumber : 0;
  const born = current !== null && isInFlight(current) ? (current.attempt?.birth.number ?? 0) : 0;
  return Math.max(anchored, born);
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
