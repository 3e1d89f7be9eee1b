// smoldot itself, on the specifications of a dev network: requests, notifications, and what it says in its log.
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type Chain, type Client, start } from 'smoldot';

export interface SpecPaths {
  readonly relaySpecPath: string;
  readonly paraSpecPath: string;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

interface Response {
  readonly id?: number;
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: { readonly subscription: string; readonly result: Json };
}

/** An error that the light client answered a request with. */
export class JsonRpcError extends Error {
  readonly code: number;

  constructor({ code, message }: { readonly code: number; readonly message: string }) {
    super(message);
    this.code = code;
  }
}

const DEBUG = 4;

/** Everything that came, and what is still to come, as one list that can be waited on. */
class History<T> {
  readonly items: T[] = [];
  readonly #changed = new EventEmitter().setMaxListeners(0);

  push(item: T): void {
    this.items.push(item);
    this.#changed.emit('push');
  }

  /** The first item, of the past or the future, for which `test` holds. */
  async first(test: (item: T) => boolean): Promise<T> {
    for (;;) {
      const found = this.items.find(test);
      if (found !== undefined) return found;
      await new Promise((resolve) => this.#changed.once('push', resolve));
    }
  }
}

export class LightClient {
  readonly #client: Client;
  readonly log: History<string>;
  readonly relay: LightChain;
  readonly parachain: LightChain;

  private constructor(client: Client, log: History<string>, relay: Chain, parachain: Chain) {
    this.#client = client;
    this.log = log;
    this.relay = new LightChain(relay);
    this.parachain = new LightChain(parachain);
  }

  static async start({ relaySpecPath, paraSpecPath }: SpecPaths): Promise<LightClient> {
    const log = new History<string>();
    const client = start({
      maxLogLevel: DEBUG,
      logCallback: (_level, _target, message) => log.push(message),
    });
    const relay = await client.addChain({ chainSpec: await readFile(relaySpecPath, 'utf8') });
    const parachain = await client.addChain({
      chainSpec: await readFile(paraSpecPath, 'utf8'),
      potentialRelayChains: [relay],
    });
    return new LightClient(client, log, relay, parachain);
  }

  async stop(): Promise<void> {
    await this.#client.terminate();
  }
}

export class LightChain {
  readonly #chain: Chain;
  readonly #notifications = new History<{ readonly subscription: string; readonly result: Json }>();
  readonly #waiting = new Map<number, (response: Response) => void>();
  #lastId = 0;

  constructor(chain: Chain) {
    this.#chain = chain;
    void this.#receive();
  }

  /** @throws JsonRpcError */
  async request(method: string, ...params: readonly Json[]): Promise<Json> {
    const id = ++this.#lastId;
    const response = await new Promise<Response>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#chain.sendJsonRpc(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
    if (response.error !== undefined) throw new JsonRpcError(response.error);
    return response.result ?? null;
  }

  async subscribe(method: string, ...params: readonly Json[]): Promise<Subscription> {
    const id = await this.request(method, ...params);
    const ours = ({ subscription }: { subscription: string }) => subscription === id;
    return {
      results: () => this.#notifications.items.filter(ours).map(({ result }) => result),
      first: async (test) => {
        const found = await this.#notifications.first((item) => ours(item) && test(item.result));
        return found.result;
      },
    };
  }

  /** The events of `chainHead_v1_follow`. */
  async followHead(): Promise<HeadEvents> {
    const subscription = await this.subscribe('chainHead_v1_follow', false);
    return {
      events: () => subscription.results() as readonly JsonObject[],
      first: async (test) => (await subscription.first((result) => test(result as JsonObject))) as JsonObject,
    };
  }

  async #receive(): Promise<void> {
    try {
      for await (const text of this.#chain.jsonRpcResponses) {
        const response = JSON.parse(text) as Response;
        if (response.params !== undefined) this.#notifications.push(response.params);
        if (response.id !== undefined) this.#waiting.get(response.id)?.(response);
      }
    } catch {
      // The client was stopped; requests that wait are given up with the test that made them.
    }
  }
}

export interface Subscription {
  results(): readonly Json[];
  /** The first notification, of the past or the future, for which `test` holds. */
  first(test: (result: Json) => boolean): Promise<Json>;
}

export interface HeadEvents {
  events(): readonly JsonObject[];
  first(test: (event: JsonObject) => boolean): Promise<JsonObject>;
}
