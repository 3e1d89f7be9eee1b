import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import { listenOnUnixSocket } from './unix-listener.ts';

/** A Prometheus server keeps one open; one more looks at it by hand. */
const MAX_CONNECTIONS = 8;
const MAX_HEADER_BYTES = 4_096;
/** From the first byte of a request to its last. */
const REQUEST_MS = 5_000;
/** A reader that takes nothing for so long is cut off. */
const SILENT_MS = 15_000;
/** Longer than the usual scrape interval, so that a connection is used again. */
const KEEP_ALIVE_MS = 75_000;
/** Whoever asks more often than that gets the same text: asking costs the station nothing then. */
const FRESH_MS = 250;

/** Prometheus text exposition format 0.0.4. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const PATH = '/metrics';

export interface MetricsSocketOptions {
  readonly path: string;
  /** The text, made when it is asked for. */
  readonly text: () => string;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

export interface MetricsSocket {
  /** Closes the socket and every connection; resolves when the file is gone. */
  close(): Promise<void>;
}

/**
 * HTTP/1.1 on a Unix socket: `GET /metrics`, and nothing else. node:http is loaded here, for those stations that have it.
 * @throws ControlError `control.in_use` when another process listens there, `control.failed`
 */
export async function openMetricsSocket(options: MetricsSocketOptions): Promise<MetricsSocket> {
  const answer = answerWith(options);
  // Not by `import`: it would be loaded by every station.
  const server = process.getBuiltinModule('node:http').createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: REQUEST_MS,
    },
    answer,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = SILENT_MS;
  server.on('clientError', refuseMalformed);
  await listenOnUnixSocket(server, options.path);
  server.on('error', (error) => options.log('error', 'control.failed', { error }));
  return { close: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await done;
}

function refuseMalformed({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

function answerWith({
  text,
  clock,
  log,
}: MetricsSocketOptions): (request: IncomingMessage, response: ServerResponse) => void {
  let body = Buffer.alloc(0);
  let madeAtMonoMs = -Infinity;
  const fresh = (): Buffer => {
    const now = clock.nowMonoMs();
    if (now - madeAtMonoMs < FRESH_MS) return body;
    body = Buffer.from(text());
    madeAtMonoMs = now;
    return body;
  };
  return (request, response) => {
    request.resume(); // a body is of no use here
    response.on('error', () => response.destroy());
    const { method = '', url = '' } = request;
    if (url.split('?', 1)[0] !== PATH) return refuse(response, 404, `only ${PATH} is here`);
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return refuse(response, 405, 'only GET and HEAD are answered');
    }
    try {
      const content = fresh();
      response.writeHead(200, { 'Content-Type': CONTENT_TYPE, 'Content-Length': content.length });
      response.end(method === 'HEAD' ? undefined : content);
    } catch (error) {
      log('error', 'control.request_failed', { error });
      refuse(response, 500, 'the figures cannot be made; see the log');
    }
  };
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${why}\n`);
}
