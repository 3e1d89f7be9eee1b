// A JSON-RPC server for clients that are no light clients: a smoldot client of ours behind a WebSocket. Each connection
// has the parachain for itself, on a shared light client, which follows the chains through honest peers of its own.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type AddChainOptions, type Chain, type Client, start } from 'smoldot';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { type Chain as LocalChain } from '../chain/chain.ts';
import { DevnetError, messageOf } from '../errors.ts';
import { Conversation } from './conversation.ts';
import { readRequest } from './json-rpc.ts';
import { type RpcFaults } from './rpc-faults.ts';

/** A JSON-RPC request with a full parachain block in it. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const MOST_METHODS_COUNTED = 200;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;
const WARNINGS = 2;

export interface RpcServerOptions {
  /** Chain specifications, as JSON. */
  readonly relaySpec: string;
  readonly paraSpec: string;
  /** The parachain. */
  readonly chain: LocalChain;
  /** Read at each message. */
  readonly faults: Readonly<RpcFaults>;
  readonly log: (line: string) => void;
}

export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #client: Client;
  readonly #relay: Chain;
  readonly #server: WebSocketServer;
  readonly #requests = new Map<string, number>();

  private constructor(options: RpcServerOptions, client: Client, relay: Chain, server: WebSocketServer) {
    this.#options = options;
    this.#client = client;
    this.#relay = relay;
    this.#server = server;
    server.on('connection', (socket) => {
      this.#serve(socket).catch((thrown: unknown) => closeWith(socket, INTERNAL_ERROR, thrown));
    });
  }

  /** Listens on a port of its own, on 127.0.0.1. */
  static async listen(options: RpcServerOptions): Promise<RpcServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_REQUEST_BYTES });
    await once(server, 'listening');
    const client = start({
      maxLogLevel: WARNINGS,
      logCallback: (_level, target, message) => options.log(`rpc ${target}: ${message}`),
    });
    const relay = await client.addChain({ chainSpec: options.relaySpec, disableJsonRpc: true });
    // Never removed, so that the chain stays in sync between connections.
    await client.addChain({ ...parachainOf(options, relay), disableJsonRpc: true });
    return new RpcServer(options, client, relay, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  counts(): { connections: number; requests: Readonly<Record<string, number>> } {
    return { connections: this.#server.clients.size, requests: Object.fromEntries(this.#requests) };
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#client.terminate();
  }

  async #serve(socket: WebSocket): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', (error) => this.#options.log(`rpc connection: ${error.message}`));
    // Requests may come before the chain is there.
    const early: string[] = [];
    let receive = (request: string): void => void early.push(request);
    socket.on('message', (data) => receive(textOf(data)));
    const chain = await this.#client.addChain(parachainOf(this.#options, this.#relay));
    const { chain: localChain, faults } = this.#options;
    const conversation = new Conversation({
      chain: localChain,
      faults,
      ask: (text) => {
        try {
          chain.sendJsonRpc(text);
        } catch (thrown) {
          closeWith(socket, TRY_AGAIN_LATER, thrown);
        }
      },
      tell: (text) => socket.send(text),
    });
    void closed.then(() => {
      conversation.close();
      chain.remove();
    });
    receive = (text) => {
      this.#count(text);
      conversation.fromClient(text);
    };
    for (const request of early) receive(request);
    for await (const text of chain.jsonRpcResponses) conversation.fromServer(text);
  }

  #count(text: string): void {
    const method = readRequest(text)?.method ?? 'unreadable';
    if (!this.#requests.has(method) && this.#requests.size >= MOST_METHODS_COUNTED) return;
    this.#requests.set(method, (this.#requests.get(method) ?? 0) + 1);
  }
}

function parachainOf({ paraSpec }: RpcServerOptions, relay: Chain): AddChainOptions {
  return { chainSpec: paraSpec, potentialRelayChains: [relay] };
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  throw new DevnetError('devnet.unsupported', 'ws delivers messages as one buffer unless told otherwise');
}

function closeWith(socket: WebSocket, code: number, thrown: unknown): void {
  if (socket.readyState === socket.OPEN) socket.close(code, messageOf(thrown).slice(0, 100));
}
