// The commands over HTTP on 127.0.0.1, so that a program in any language can drive the network.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Devnet } from '../devnet.ts';
import { DevnetError, messageOf } from '../errors.ts';
import { COMMANDS, readCall } from './commands.ts';
import { run } from './run.ts';

const MAX_BODY_BYTES = 64 * 1024;
const LOCAL_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class ControlServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `port` 0: any that is free. @throws DevnetError `devnet.bad_input` when the port is taken */
  static async listen(devnet: Devnet, port: number): Promise<ControlServer> {
    const server = createServer((request, response) => void answer(devnet, request, response));
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new DevnetError('devnet.bad_input', `cannot listen on port ${port}: ${messageOf(cause)}`, cause);
    }
    return new ControlServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(devnet: Devnet, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const result = await resultOf(devnet, request);
    write(response, 200, { result: result ?? null });
  } catch (thrown) {
    const code = thrown instanceof DevnetError ? thrown.code : 'devnet.bad_input';
    write(response, statusOf(thrown), { error: { code, message: messageOf(thrown) } });
  }
}

async function resultOf(devnet: Devnet, request: IncomingMessage): Promise<unknown> {
  refuseBrowsers(request);
  const name = (request.url ?? '/').split('?')[0]?.slice(1) ?? '';
  if (name === '') {
    return Object.fromEntries(
      Object.entries(COMMANDS).map(([key, { usage, does }]) => [key, { usage, does }]),
    );
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new HttpError(404, `no command "${name}": there are ${Object.keys(COMMANDS).join(', ')}`);
  }
  const { method } = request;
  if (method !== 'POST' && !(method === 'GET' && command.isQuestion)) {
    throw new HttpError(405, `${name} is asked for with POST`);
  }
  return await run(devnet, readCall(name, await readJson(request)));
}

/** A page in a browser on this machine must not be able to drive the network, whatever name it knows this port by. */
function refuseBrowsers({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  if (headers.origin !== undefined || !LOCAL_NAMES.has(host)) {
    throw new HttpError(403, 'only for programs on this machine');
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new HttpError(413, `more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (cause) {
    throw new DevnetError('devnet.bad_input', `not JSON: ${messageOf(cause)}`, cause);
  }
}

function statusOf(thrown: unknown): number {
  if (thrown instanceof HttpError) return thrown.status;
  if (!(thrown instanceof DevnetError)) return 500;
  switch (thrown.code) {
    case 'devnet.bad_input':
    case 'devnet.unsupported':
    case 'devnet.unknown_block':
    case 'devnet.state_pruned':
      return 400;
    case 'devnet.not_running':
      return 503;
    case 'devnet.runtime_failed':
      return 500;
  }
}

function write(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(text);
}
