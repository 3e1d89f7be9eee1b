// Between a client and a JSON-RPC server: passes everything on, and stops what a test wants to look at.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';

/** A message that was stopped. What comes after it on its connection waits behind it. */
export interface Held {
  readonly method: string;
  forward(): void;
}

type Direction = 'request' | 'answer';

interface Trap {
  readonly direction: Direction;
  readonly method: string;
  readonly caught: (held: Held) => void;
}

export class RpcMiddleman {
  readonly #upstream: string;
  readonly #server: WebSocketServer;
  readonly #traps = new Set<Trap>();

  private constructor(upstream: string, server: WebSocketServer) {
    this.#upstream = upstream;
    this.#server = server;
    server.on('connection', (client) => this.#serve(client));
  }

  static async listen(upstream: string): Promise<RpcMiddleman> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new RpcMiddleman(upstream, server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves with the next request of that method, which goes no further until it is told to. */
  holdRequest(method: string): Promise<Held> {
    return new Promise((caught) => this.#traps.add({ direction: 'request', method, caught }));
  }

  /** Resolves with the answer to the next request of that method. */
  holdAnswer(method: string): Promise<Held> {
    return new Promise((caught) => this.#traps.add({ direction: 'answer', method, caught }));
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: WebSocket): void {
    const server = new WebSocket(this.#upstream);
    const methods = new Map<unknown, string>();
    const up = new Lane((text) => server.send(text), once(server, 'open'));
    const down = new Lane((text) => client.readyState === WebSocket.OPEN && client.send(text));
    client.on('message', (data) => {
      const text = textOf(data);
      const { id, method = '' } = JSON.parse(text) as { id?: unknown; method?: string };
      methods.set(id, method);
      up.pass(text, this.#stop('request', method));
    });
    server.on('message', (data) => {
      const text = textOf(data);
      const { id } = JSON.parse(text) as { id?: unknown };
      const method = id === undefined ? undefined : methods.get(id);
      if (method !== undefined) methods.delete(id);
      down.pass(text, method === undefined ? undefined : this.#stop('answer', method));
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('close', () => other.terminate());
      one.on('error', () => other.terminate());
    }
  }

  #stop(direction: Direction, method: string): Promise<void> | undefined {
    const trap = [...this.#traps].find((each) => each.direction === direction && each.method === method);
    if (trap === undefined) return undefined;
    this.#traps.delete(trap);
    return new Promise((forward) => trap.caught({ method, forward }));
  }
}

/** Messages in their order, each after what it waits for. */
class Lane {
  readonly #send: (text: string) => unknown;
  #tail: Promise<unknown>;

  constructor(send: (text: string) => unknown, ready: Promise<unknown> = Promise.resolve()) {
    this.#send = send;
    this.#tail = ready;
    ready.catch(() => {});
  }

  pass(text: string, after: Promise<void> | undefined): void {
    this.#tail = this.#tail.then(async () => {
      await after;
      this.#send(text);
    });
    // A connection that has ended takes what was waiting with it.
    this.#tail.catch(() => {});
  }
}

function textOf(data: RawData): string {
  return (data as Buffer).toString('utf8');
}
