import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { headerFromJson } from '../blocks/block-reader.ts';
import { auraSlotOf, type ClockProblem, clockProblem, TIMESTAMP_NOW, timestampOf } from './chain-time.ts';
import type { LinkProgress, OnProgress } from './link.ts';
import type { SmoldotProvider } from './smoldot-provider.ts';

const LOOK_EVERY_MS = 2_000;
/** Until the link is of use, somebody waits for it. */
const LOOK_EARLY_MS = 500;
/** A chain without peers may not answer for thirty seconds how many it has. */
const UNANSWERED_MS = 3_000;
/** How smoldot 3.4 says in its log that it has a peer of the parachain to load the runtime from, and that it lost it. */
const LOADING = 'Downloading parachain runtime from peer';
const NOT_LOADED = 'Failed to bootstrap parachain consensus';
const digestSchema = v.object({ digest: v.object({ logs: v.array(v.string()) }) });

/**
 * What a light client can tell of how far it is, asked on doors of its own, because a question about peers may hang for
 * thirty seconds and would hold up what stands behind it.
 */
export class ProgressWatch {
  readonly #relay: SmoldotProvider | undefined;
  readonly #para: SmoldotProvider;
  readonly #onProgress: OnProgress;
  readonly #onPeers: () => void;
  readonly #peers: PeerCount;
  readonly #relayPeers: PeerCount | undefined;
  readonly #stopped = new AbortController();
  #told = '';
  #relaySynced: boolean;
  #looks = 0;
  #loading = false;
  #opened = false;
  #best: number | null = null;
  #finalized: number | null = null;
  #finalizedAtMs: number | null = null;
  #slot: number | undefined;
  #slotMs: number | undefined;
  readonly #timeKnown: Promise<void>;
  readonly #knowTime: () => void;

  constructor(options: {
    readonly relay: SmoldotProvider | undefined;
    readonly para: SmoldotProvider;
    readonly onProgress: OnProgress;
    /** The chain that everything begins with, the relay chain where there is one, has a peer. */
    readonly onPeers: () => void;
  }) {
    this.#relay = options.relay;
    this.#para = options.para;
    this.#onProgress = options.onProgress;
    this.#onPeers = options.onPeers;
    this.#peers = new PeerCount(options.para, () => this.#hearPeers());
    this.#relayPeers = options.relay && new PeerCount(options.relay, () => this.#hearPeers());
    this.#relaySynced = options.relay === undefined;
    ({ promise: this.#timeKnown, resolve: this.#knowTime } = deferred());
    void this.#look();
    void this.#waitForRelay();
    void this.#followHeads();
  }

  get peers(): number | undefined {
    return this.#peers.value ?? undefined;
  }

  /** Some things smoldot tells nowhere else. `message`: of the parachain's sync service. */
  hearLog(message: string): void {
    const wasLoading = this.#loading;
    if (message.startsWith(LOADING)) this.#loading = true;
    if (message.startsWith(NOT_LOADED)) this.#loading = false;
    if (this.#loading !== wasLoading) this.#tell();
  }

  opened(): void {
    this.#opened = true;
    this.#tell();
  }

  /** The newest final block's time, as soon as it is known; undefined when it is not in `withinMs`. */
  async chainTime(withinMs: number): Promise<number | undefined> {
    await Promise.race([this.#timeKnown, delay(withinMs, undefined, { ref: false })]);
    return this.#finalizedAtMs ?? undefined;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      void this.#peers.ask();
      void this.#relayPeers?.ask();
      if (this.#looks++ * LOOK_EARLY_MS === UNANSWERED_MS) this.#tell();
      const everyMs = this.#opened ? LOOK_EVERY_MS : LOOK_EARLY_MS;
      await delay(everyMs, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => {});
    }
  }

  #hearPeers(): void {
    if (((this.#relayPeers ?? this.#peers).value ?? 0) > 0) this.#onPeers();
    this.#tell();
  }

  async #waitForRelay(): Promise<void> {
    if (this.#relay === undefined) return;
    const relay = this.#relay;
    const { promise, resolve } = deferred();
    const follow = relay.subscribe('chainHead', 'chainHead_v1_follow', [false], (_error, event: unknown) => {
      if (v.is(v.object({ event: v.literal('initialized') }), event)) resolve();
    });
    try {
      const id = await follow;
      await promise;
      this.#relaySynced = true;
      this.#tell();
      await relay.unsubscribe('chainHead', 'chainHead_v1_unfollow', id);
    } catch {
      // The light client has been stopped; what is lost is told by the other door.
    }
  }

  async #followHeads(): Promise<void> {
    const follow = (method: string, onHead: (header: unknown, number: number) => void): Promise<unknown> =>
      this.#para
        .subscribe('head', method, [], (error, json: unknown) => {
          if (error === null) onHead(json, headerFromJson(json).number);
        })
        .catch(() => undefined);
    await follow('chain_subscribeFinalizedHeads', (json, number) => {
      this.#finalized = number;
      void this.#learnTime(json);
      this.#tell();
    });
    await follow('chain_subscribeNewHeads', (_json, number) => {
      this.#best = number;
      this.#tell();
    });
  }

  /** Once from the chain's state; after that a block's slot says it, for free. */
  async #learnTime(json: unknown): Promise<void> {
    const slot = auraSlotOf(v.parse(digestSchema, json).digest.logs);
    this.#slot = slot;
    if (this.#finalizedAtMs !== null || this.#slotMs !== undefined) return this.#setTime(undefined);
    const params = [TIMESTAMP_NOW, headerFromJson(json).hash];
    const value = await this.#para.send<unknown>('state_getStorage', params).catch(() => undefined);
    // Null: a chain that does not keep the time.
    if (value === null) this.#knowTime();
    const ms = timestampOf(value);
    if (ms === undefined) return;
    if (slot !== undefined && slot > 0) this.#slotMs = Math.round(ms / slot);
    this.#setTime(ms);
    this.#knowTime();
    this.#tell();
  }

  /** Of the newest final block, which may be a later one than `ms` is of. */
  #setTime(ms: number | undefined): void {
    const hasSlot = this.#slot !== undefined && this.#slotMs !== undefined;
    this.#finalizedAtMs = hasSlot ? (this.#slot ?? 0) * (this.#slotMs ?? 0) : (ms ?? this.#finalizedAtMs);
  }

  get #isStarting(): boolean {
    const isAnswered = this.#peers.value !== null || (this.#relayPeers?.value ?? null) !== null;
    return !isAnswered && this.#looks * LOOK_EARLY_MS < UNANSWERED_MS;
  }

  get stage(): LinkProgress['stage'] {
    const hasPeers = (this.#peers.value ?? 0) > 0;
    const hasRelayPeers = ((this.#relayPeers ?? this.#peers).value ?? 0) > 0;
    if (!hasPeers && !hasRelayPeers) return this.#isStarting ? 'starting' : 'finding-peers';
    if (this.#opened) return hasPeers ? 'ready' : 'finding-peers';
    if (!this.#relaySynced) return 'syncing';
    // Of a parachain's peers smoldot says nothing until the runtime is there.
    if (!hasPeers && !this.#loading) return 'finding-peers';
    return 'loading-runtime';
  }

  #clock(): ClockProblem | null {
    return this.#finalizedAtMs === null ? null : (clockProblem(this.#finalizedAtMs, Date.now()) ?? null);
  }

  #tell(): void {
    if (this.#stopped.signal.aborted) return;
    const progress: LinkProgress = {
      stage: this.stage,
      peers: this.#peers.value,
      ...(this.#relayPeers !== undefined && { relayPeers: this.#relayPeers.value }),
      best: this.#best,
      finalized: this.#finalized,
      finalizedAtMs: this.#finalizedAtMs,
      clock: this.#clock(),
    };
    const text = JSON.stringify(progress);
    if (text === this.#told) return;
    this.#told = text;
    this.#onProgress(progress);
  }
}

/** Asks one door how many peers its chain has, and never twice at once: an answer may take long while there are none. */
class PeerCount {
  readonly #door: SmoldotProvider;
  readonly #onAnswer: () => void;
  #asking = false;
  value: number | null = null;

  constructor(door: SmoldotProvider, onAnswer: () => void) {
    this.#door = door;
    this.#onAnswer = onAnswer;
  }

  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const answer = await this.#door.send<unknown>('system_peers', []).catch(() => undefined);
    this.#asking = false;
    if (Array.isArray(answer)) this.value = answer.length;
    this.#onAnswer();
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
