// A JSON-RPC server for clients that are no light clients: a smoldot client of ours behind a WebSocket. Each connection
// has the parachain for itself, on a shared light client.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type AddChainOptions, type Chain, type Client, start } from 'smoldot';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { DevnetError, messageOf } from '../errors.ts';

/** A JSON-RPC request with a full parachain block in it. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;
const WARNINGS = 2;

export interface RpcServerOptions {
  /** Chain specifications, as JSON. */
  readonly relaySpec: string;
  readonly paraSpec: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly log: (line: string) => void;
}

export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #client: Client;
  readonly #relay: Chain;
  readonly #server: WebSocketServer;

  private constructor(options: RpcServerOptions, client: Client, relay: Chain, server: WebSocketServer) {
    this.#options = options;
    this.#client = client;
    this.#relay = relay;
    this.#server = server;
    server.on('connection', (socket) => {
      this.#serve(socket).catch((thrown: unknown) => closeWith(socket, INTERNAL_ERROR, thrown));
    });
  }

  /** @throws DevnetError `devnet.bad_input` when the port is taken */
  static async listen(options: RpcServerOptions): Promise<RpcServer> {
    const server = await listenOn(options.port);
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

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
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
    void closed.then(() => chain.remove());
    receive = (request) => {
      try {
        chain.sendJsonRpc(request);
      } catch (thrown) {
        closeWith(socket, TRY_AGAIN_LATER, thrown);
      }
    };
    for (const request of early) receive(request);
    for await (const response of chain.jsonRpcResponses) socket.send(response);
  }
}

async function listenOn(port: number): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: MAX_REQUEST_BYTES });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new DevnetError('devnet.bad_input', `cannot listen on port ${port}: ${messageOf(cause)}`, cause);
  }
  return server;
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
