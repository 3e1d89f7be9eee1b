import { type Log, type MonotonicClock, unreachable } from '../../../hal/contract/index.ts';
import {
  type AccountFacts,
  ChainError,
  type ChainFacts,
  type ChainTransport,
  type GatewayEvent,
  type Hex,
} from '../../chain/index.ts';
import { checkGenesis } from '../signing/chain-check.ts';
import { SyncError } from '../errors.ts';
import { FactsAsker } from './facts-asker.ts';
import type { AttemptOrder } from '../signing/make-attempt.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { OutboxCommand, OutboxEvent } from '../outbox/outbox-model.ts';
import { type AttemptName, performCommand } from './perform-command.ts';
import { callNameOf } from '../signing/planned-call.ts';
import type { ChainAccount, Gateway, OpenGateway, SyncTiming } from '../ports.ts';
import { newsOf } from './transaction-news.ts';

export interface SessionOptions {
  readonly transport: ChainTransport;
  readonly openGateway: OpenGateway;
  readonly keeper: OutboxKeeper;
  readonly account: ChainAccount;
  readonly chain: AttemptOrder['chain'];
  readonly timing: SyncTiming;
  readonly clock: MonotonicClock;
  readonly nowWallMs: () => number;
  readonly log: Log;
  /** The chain answers. Throws when it is not the chain to sign for; resolves when the plan is as fresh as it should be. */
  readonly onConnected: (facts: ChainFacts) => Promise<void>;
  /** Something in `view` or in the outbox has changed. */
  readonly onChange: () => void;
  /** Called before each signature; throws when it would be one too many. */
  readonly beforeSigning: () => void;
  /** Finalized blocks of that chain below it are older than what we have seen final: not to be believed yet. */
  readonly floorNumber: (genesisHash: Hex) => number;
}

/** What a session knows, for the status. */
export interface SessionView {
  readonly facts: ChainFacts | null;
  readonly finalizedNumber: number | null;
  readonly peers: number | null;
  readonly free: string | null;
  readonly gateway: Gateway | null;
}

const ASK_AGAIN_MS = 2_000;
/** Answers that a peer or server owes us, and that the next one may give. */
const PASSING = new Set(['chain.bad_answer', 'chain.timeout', 'chain.unreachable']);

function isPassing(error: unknown): boolean {
  return error instanceof ChainError && PASSING.has(error.code);
}

/** One life of a gateway: connects, works the outbox off, waits idle for more, and ends. */
export class Session {
  readonly #options: SessionOptions;
  readonly #watches = new Map<number, AttemptName>();
  readonly #end = new AbortController();
  #gateway: Gateway | null = null;
  #view: SessionView = { facts: null, finalizedNumber: null, peers: null, free: null, gateway: null };
  #failure: unknown;
  #progressMonoMs = 0;
  #connectedMonoMs = 0;
  #toldBehind = false;
  #wake: () => void = () => {};
  readonly #facts: FactsAsker;
  #lastWatch = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { keeper, account } = options;
    this.#facts = new FactsAsker({
      ...{ keeper, account, request: this.#request, isOver: () => this.#over },
      onSeen: (seen, isOwn) => this.#see(seen, isOwn),
      isBehind: (finalizedNumber) => this.#isBehind(finalizedNumber),
      dispatch: (event) => this.#dispatch(event),
    });
  }

  get view(): SessionView {
    return this.#view;
  }

  get #over(): boolean {
    return this.#end.signal.aborted;
  }

  /**
   * Resolves when the outbox has been empty for the idle time, or on abort. Rejects with what made it impossible to go on;
   * the outbox then tells what is known, and another session goes on from there. The gateway is gone in either case.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { openGateway, transport, chain, keeper, onConnected } = this.#options;
    const stop = (): void => void this.#gateway?.stop();
    try {
      const gateway = await openGateway((event) => this.#hear(event), signal);
      this.#gateway = gateway;
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) return;
      this.#show({ gateway });
      void gateway.ended.then((reason) => this.#fail(reason));
      const facts = await gateway.request('connect', { transport, call: callNameOf(chain) });
      await onConnected(facts);
      this.#show({ facts });
      this.#connectedMonoMs = this.#options.clock.nowMonoMs();
      this.#progress();
      this.carryOut(keeper.dispatch({ type: 'link-up' }));
      // While it is stored something may be planned: that is worked off on this link, too.
      do {
        await this.#workUntilIdle(signal);
        if (!signal.aborted) await this.#save();
      } while (!signal.aborted && keeper.outbox.current !== null);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#end.abort();
      signal.removeEventListener('abort', stop);
      keeper.dispatch({ type: 'link-down' });
      await this.#gateway?.stop();
    }
  }

  /**
   * For commands of events that came from elsewhere (a new plan). Failures end the session. A plan is no progress: it comes
   * also while nobody answers.
   */
  carryOut(commands: readonly OutboxCommand[]): void {
    for (const command of commands) void this.#runPatiently(command);
    this.#wake();
  }

  async #workUntilIdle(signal: AbortSignal): Promise<void> {
    const { clock, timing, keeper } = this.#options;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure as Error;
      if (signal.aborted) return;
      const busy = keeper.outbox.current !== null;
      const left = this.#progressMonoMs + (busy ? timing.stallMs : timing.idleMs) - clock.nowMonoMs();
      if (left <= 0) {
        if (!busy) return;
        throw new SyncError(
          'sync.stalled',
          `no finalized block and no other progress in ${timing.stallMs} ms`,
          {
            effect: 'unknown',
            hint: 'The light client has no peers, or the chain has stopped to finalize.',
          },
        );
      }
      await this.#waitForNews(left);
    }
  }

  async #waitForNews(atMostMs: number): Promise<void> {
    const timer = new AbortController();
    const news = new Promise<void>((resolve) => (this.#wake = resolve));
    const asleep = this.#options.clock.sleep(atMostMs, timer.signal).catch(() => {});
    await Promise.race([news, asleep]);
    timer.abort();
  }

  #hear(event: GatewayEvent): void {
    if (this.#over) return;
    const { current, link } = this.#options.keeper.outbox;
    switch (event.type) {
      case 'log':
        return this.#options.log(event.level, 'chain.gateway_log', {
          source: event.source,
          text: event.message,
        });
      case 'link-lost':
        return this.#fail(new ChainError('chain.unreachable', event.why, { effect: 'unknown' }));
      case 'finalized':
        // Before the link is up nothing is known to compare facts with; it then begins with asking for them.
        if (current !== null && link !== null) void this.#runPatiently({ type: 'ask-facts' });
        return this.#show({ finalizedNumber: event.block.number });
      case 'peers':
        return this.#show({ peers: event.count });
      case 'progress':
        return this.#show({ peers: event.peers });
      case 'runtime':
        return void this.#hearOfUpgrade(event.specVersion);
      case 'transaction':
        return this.#hearOfTransaction(event);
      default:
        unreachable(event);
    }
  }

  #hearOfTransaction(event: GatewayEvent & { type: 'transaction' }): void {
    const about = this.#watches.get(event.watch);
    const news = about && newsOf(event, about);
    if (news !== undefined) this.#dispatch(news);
  }

  #dispatch(event: OutboxEvent): void {
    if (this.#over) return;
    try {
      this.carryOut(this.#options.keeper.dispatch(event));
      this.#progress();
    } catch (error) {
      this.#fail(error);
    }
    this.#options.onChange();
  }

  /**
   * A question that got no answer is asked again on the same link: a peer that goes away must not cost a light client what
   * it has synced. For the stall time at most: that other questions are answered helps nothing when a light client asks
   * this one of the same bad peer each time, and another gateway chooses its peers anew. What acts is never repeated here.
   */
  async #runPatiently(command: OutboxCommand): Promise<void> {
    const { clock, timing, log } = this.#options;
    const isQuestion = command.type === 'ask-facts' || command.type === 'locate';
    const since = clock.nowMonoMs();
    while (!this.#over) {
      try {
        return await this.#run(command);
      } catch (error) {
        if (!isQuestion || !isPassing(error) || clock.nowMonoMs() - since >= timing.stallMs)
          return this.#fail(error);
        log('info', 'sync.question_unanswered', { command: command.type, why: String(error) });
        await clock.sleep(ASK_AGAIN_MS, this.#end.signal).catch(() => {});
      }
    }
  }

  async #run(command: OutboxCommand): Promise<void> {
    if (command.type === 'ask-facts') return this.#facts.ask();
    const { account, chain, nowWallMs, log, beforeSigning } = this.#options;
    const { facts, free } = this.#view as SessionView & { facts: ChainFacts };
    const ports = { account, free, chain, nowWallMs, log, beforeSigning, facts, request: this.#request };
    const watch = (about: AttemptName): number => this.#follow(about);
    const event = await performCommand(command, { ...ports, watch });
    this.#dispatch(event);
    if (event.type === 'located') await this.#save();
  }

  #see({ finalized, free }: AccountFacts, isOwn: boolean): void {
    this.#progress();
    const finalizedNumber = Math.max(finalized.number, this.#view.finalizedNumber ?? 0);
    this.#show({ finalizedNumber, ...(isOwn && { free }) });
  }

  #follow(about: AttemptName): number {
    this.#watches.clear();
    this.#watches.set(++this.#lastWatch, about);
    return this.#lastWatch;
  }

  /** What is signed next is made for the new runtime. An attempt that is on its way ends by its nonce or its era, as ever. */
  async #hearOfUpgrade(specVersion: number): Promise<void> {
    const before = this.#view.facts;
    if (before === null) return;
    this.#options.log('info', 'sync.runtime_upgraded', { from: before.specVersion, to: specVersion });
    try {
      const facts = await this.#request('facts', {});
      checkGenesis(facts.genesisHash, before.genesisHash);
      this.#show({ facts });
    } catch (error) {
      // Asked again before anything is signed: what is prepared says for which runtime.
      if (!isPassing(error)) this.#fail(error);
    }
  }

  /** The light client begins there next time. Only saves time and traffic. */
  async #save(): Promise<void> {
    try {
      const { bytes } = await this.#request('save', {});
      this.#options.log('debug', 'sync.light_client_saved', { bytes });
    } catch (error) {
      this.#options.log('info', 'sync.light_client_not_saved', { why: String(error) });
    }
  }

  /**
   * A light client that has just started, or a node that lags, tells of a past that we have already left behind: acting on
   * it would only waste an attempt. After the stall time it is taken for what it says; the height may have been the lie.
   */
  #isBehind(finalizedNumber: number): boolean {
    const { floorNumber, clock, timing, log } = this.#options;
    const floor = floorNumber((this.#view.facts as ChainFacts).genesisHash);
    if (finalizedNumber >= floor) return false;
    if (!this.#toldBehind) log('warning', 'sync.chain_behind', { finalizedNumber, seenFinal: floor });
    this.#toldBehind = true;
    return clock.nowMonoMs() - this.#connectedMonoMs < timing.stallMs;
  }

  #request: Gateway['request'] = (operation, params) => {
    if (this.#gateway === null) throw new ChainError('chain.not_connected', 'no gateway');
    return this.#gateway.request(operation, params);
  };

  #progress(): void {
    this.#progressMonoMs = this.#options.clock.nowMonoMs();
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #show(change: Partial<SessionView>): void {
    this.#view = { ...this.#view, ...change };
    this.#options.onChange();
  }
}
