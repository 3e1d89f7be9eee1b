import type {
  ProviderInterface,
  ProviderInterfaceCallback,
  ProviderInterfaceEmitCb,
  ProviderInterfaceEmitted,
} from '@polkadot/rpc-provider/types';
import * as v from 'valibot';
import { ChainError } from '../../errors.ts';
import { FollowedRuntime, type RuntimeVersion, withoutLengthPrefix } from '../runtime/followed-runtime.ts';
import { JsonRpcError } from './link.ts';

/** What of a smoldot chain is used here. */
export interface LightChain {
  sendJsonRpc(request: string): void;
  nextJsonRpcResponse(): Promise<string>;
  remove(): void;
}

interface Subscription {
  readonly callback: ProviderInterfaceCallback;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  readonly subscription: Subscription | undefined;
}

const errorAnswer = v.object({ code: v.number(), message: v.string() });
const answerSchema = v.union([
  v.object({
    method: v.string(),
    params: v.object({ subscription: v.union([v.string(), v.number()]), result: v.unknown() }),
  }),
  v.object({ id: v.string(), error: errorAnswer }),
  v.object({ id: v.string(), result: v.unknown() }),
]);

/** Notifications may overtake the answer that names their subscription; so many are kept for each, the oldest go first. */
const MAX_EARLY = 16;
const MAX_EARLY_SUBSCRIPTIONS = 16;
/** Names of subscriptions that are answered here; smoldot's own are base58. */
const RUNTIME_SUBSCRIPTION = 'runtime-version:';

/**
 * @polkadot/api's provider over a smoldot chain. Every request ends, after `timeoutMs` at the latest.
 * `system_health` is answered here: @polkadot/api sends it every ten seconds to keep a WebSocket alive, and smoldot 3.4
 * without a peer keeps it, and every request behind it, for thirty seconds. What concerns the runtime is answered by the
 * runtime that is followed anyway, because smoldot would download its code again for the legacy functions.
 */
export class SmoldotProvider implements ProviderInterface {
  readonly hasSubscriptions = true;
  readonly isClonable = false;
  readonly #chain: LightChain;
  readonly #pending = new Map<string, Pending>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #early = new Map<string, unknown[]>();
  readonly #listeners = new Map<ProviderInterfaceEmitted, Set<ProviderInterfaceEmitCb>>();
  readonly #runtime: FollowedRuntime;
  readonly #versionListeners = new Map<string, ProviderInterfaceCallback>();
  #timeoutMs: number;
  #nextId = 1;
  #connected = false;

  constructor(chain: LightChain, timeoutMs: number) {
    this.#chain = chain;
    this.#timeoutMs = timeoutMs;
    const source = {
      request: (method: string, params: readonly unknown[]) => this.#request(method, params),
      subscribe: async (method: string, params: readonly unknown[], onEvent: (event: unknown) => void) =>
        String(await this.#request(method, params, { callback: (_error, event) => onEvent(event) })),
    };
    this.#runtime = new FollowedRuntime(
      source,
      () => this.#timeoutMs,
      (version) => this.#tellVersion(version),
    );
    void this.#pump();
    setImmediate(() => void this.connect());
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** While a light client catches up, plain requests wait for it: they get more time then. */
  set timeoutMs(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  clone(): ProviderInterface {
    throw new ChainError('chain.unsupported', 'a light client link cannot be cloned', { remedy: 'halt' });
  }

  connect(): Promise<void> {
    if (!this.#connected) {
      this.#connected = true;
      this.#emit('connected');
    }
    return Promise.resolve();
  }

  disconnect(): Promise<void> {
    if (this.#connected) {
      this.#connected = false;
      this.#emit('disconnected');
      this.#chain.remove();
    }
    return Promise.resolve();
  }

  on(type: ProviderInterfaceEmitted, listener: ProviderInterfaceEmitCb): () => void {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(listener));
    return () => set.delete(listener);
  }

  send<T>(method: string, params: unknown[]): Promise<T> {
    if (method === 'system_health') {
      return Promise.resolve({ peers: 1, isSyncing: false, shouldHavePeers: true } as T);
    }
    return (this.#ofRuntime(method, params) ?? this.#request(method, params)) as Promise<T>;
  }

  async subscribe(
    _type: string,
    method: string,
    params: unknown[],
    callback: ProviderInterfaceCallback,
  ): Promise<number | string> {
    if (method !== 'state_subscribeRuntimeVersion') {
      return String(await this.#request(method, params, { callback }));
    }
    const version = await this.#runtime.version();
    const id = `${RUNTIME_SUBSCRIPTION}${this.#nextId++}`;
    this.#versionListeners.set(id, callback);
    setImmediate(() => this.#versionListeners.has(id) && callback(null, version));
    return id;
  }

  unsubscribe(_type: string, method: string, id: number | string): Promise<boolean> {
    if (this.#versionListeners.delete(String(id))) return Promise.resolve(true);
    this.#subscriptions.delete(String(id));
    return this.#request(method, [id]) as Promise<boolean>;
  }

  /** Undefined: no question about the runtime, or about that of a block that is not followed. */
  #ofRuntime(method: string, params: readonly unknown[]): Promise<unknown> | undefined {
    const optional = params.map((param) => (typeof param === 'string' ? param : undefined));
    if (method === 'state_getRuntimeVersion' && optional[0] === undefined) return this.#runtime.version();
    const legacy = (): Promise<unknown> => this.#request(method, params);
    if (method === 'state_getMetadata') {
      const metadata = this.#runtime.call('Metadata_metadata', '0x', optional[0]);
      return metadata.then((bytes) => (bytes === undefined ? legacy() : withoutLengthPrefix(bytes)));
    }
    if (method !== 'state_call') return undefined;
    const output = this.#runtime.call(optional[0] ?? '', optional[1] ?? '0x', optional[2]);
    return output.then((bytes) => bytes ?? legacy());
  }

  #tellVersion(version: RuntimeVersion): void {
    for (const callback of this.#versionListeners.values()) callback(null, version);
  }

  #request(method: string, params: readonly unknown[], subscription?: Subscription): Promise<unknown> {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new ChainError(
            'chain.timeout',
            `the light client did not answer ${method} in ${this.#timeoutMs} ms`,
            {
              effect: 'unknown',
            },
          ),
        );
      }, this.#timeoutMs);
      this.#pending.set(id, { resolve, reject, timer, subscription });
      try {
        this.#chain.sendJsonRpc(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      } catch (cause) {
        this.#settle(id)?.reject(notConnected(cause));
      }
    });
  }

  #emit(type: ProviderInterfaceEmitted): void {
    for (const listener of this.#listeners.get(type) ?? []) listener();
  }

  async #pump(): Promise<void> {
    try {
      for (;;) this.#receive(JSON.parse(await this.#chain.nextJsonRpcResponse()));
    } catch (cause) {
      for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(notConnected(cause));
      if (this.#connected) {
        this.#connected = false;
        this.#emit('disconnected');
      }
    }
  }

  #receive(message: unknown): void {
    const parsed = v.safeParse(answerSchema, message);
    if (!parsed.success) return;
    const answer = parsed.output;
    if ('method' in answer) return this.#notify(String(answer.params.subscription), answer.params.result);
    const pending = this.#settle(answer.id);
    if (pending === undefined) return;
    if ('error' in answer) return pending.reject(new JsonRpcError(answer.error.code, answer.error.message));
    if (pending.subscription !== undefined) this.#open(String(answer.result), pending.subscription);
    pending.resolve(answer.result);
  }

  #notify(id: string, result: unknown): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription !== undefined) return subscription.callback(null, result);
    if (!this.#early.has(id) && this.#early.size >= MAX_EARLY_SUBSCRIPTIONS) {
      this.#early.delete(this.#early.keys().next().value as string);
    }
    this.#early.set(id, [...(this.#early.get(id) ?? []), result].slice(-MAX_EARLY));
  }

  #open(id: string, subscription: Subscription): void {
    this.#subscriptions.set(id, subscription);
    const early = this.#early.get(id) ?? [];
    this.#early.delete(id);
    for (const result of early) subscription.callback(null, result);
  }

  #settle(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}

function notConnected(cause: unknown): ChainError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChainError('chain.not_connected', `the light client takes no request: ${why}`, { cause });
}
