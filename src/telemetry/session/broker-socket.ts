import net from 'node:net';
import { Duplex } from 'node:stream';
import type tls from 'node:tls';
import type { BrokerAddress } from './broker-url.ts';
import { connectFailed, failure } from './connection-failure.ts';
import type { Credentials } from './credential-files.ts';
import { createInboundGuard, type InboundGuard } from './inbound-guard.ts';
import { InboundPace, type InboundPaceSize } from './inbound-pace.ts';
import type { WireMeter } from './wire-meter.ts';

/** A connected socket to a broker. Rejects with a TelemetryError; the signal ends the attempt. */
export async function connectSocket(
  address: BrokerAddress,
  credentials: Credentials,
  serverName: string | undefined,
  signal: AbortSignal,
  meter?: WireMeter,
): Promise<net.Socket> {
  const name = serverName ?? (net.isIP(address.host) === 0 ? address.host : undefined);
  // tls.connect has the option only in its own form: Node's default of checking the server's name is kept either way.
  const socket = net.connect({ host: address.host, port: address.port, noDelay: true });
  meter?.watch(socket, address.tls);
  try {
    await once(socket, 'connect', signal, 'tcp');
    if (!address.tls) return socket;
    const secure = openTls(socket, address, credentials, name);
    await once(secure, 'secureConnect', signal, 'tls');
    return secure;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function openTls(
  socket: net.Socket,
  { host }: BrokerAddress,
  { ca, cert, key }: Credentials,
  servername: string | undefined,
): tls.TLSSocket {
  try {
    // Not by `import`, which asks for all of its exports: at each start 140 root certificates would be decoded, to be kept for good.
    return process.getBuiltinModule('node:tls').connect({
      socket,
      host,
      ...(servername !== undefined && { servername }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
  } catch (cause) {
    throw connectFailed(cause, 'tls'); // a certificate or key that is no PEM
  }
}

async function once(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
  phase: 'tcp' | 'tls',
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    const end = (cause?: Error): void => {
      signal.removeEventListener('abort', aborted);
      reject(connectFailed(cause, phase));
    };
    socket.once('error', end);
    socket.once('close', () => end());
    socket.once(event, () => {
      signal.removeEventListener('abort', aborted);
      resolve();
    });
  });
}

/** Of what the library is given at once, while the pace is kept: a hundred packets at most. */
const SLICE_BYTES = 256;

/**
 * The socket as the MQTT library sees it: every byte has passed the inbound guard, and written bytes are handed on only
 * as fast as the socket takes them. Bytes are counted for `statistics()`.
 */
export class GuardedStream extends Duplex {
  readonly #socket: net.Socket;
  readonly #guard: InboundGuard;
  #meter: WireMeter | undefined;
  #pace: InboundPace | undefined;
  /** Came too fast, and waits. */
  #held: Buffer | undefined;
  #resting: NodeJS.Timeout | undefined;
  received = 0;
  sent = 0;

  /** As `createInboundGuard` takes them. */
  constructor(socket: net.Socket, ...bounds: Parameters<typeof createInboundGuard>) {
    super();
    this.#socket = socket;
    this.#guard = createInboundGuard(...bounds);
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      this.#meter?.received(chunk.length);
      if (!this.#take(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** False: nothing more is to be read for now. */
  #take(chunk: Buffer): boolean {
    const step = this.#pace === undefined ? chunk.length : SLICE_BYTES;
    let isWanted = true;
    for (let at = 0; at < chunk.length; at += step) {
      const slice = chunk.subarray(at, at + step);
      const workBefore = this.#guard.work;
      const complaint = this.#guard.inspect(slice);
      if (complaint !== undefined) {
        const details = { complaint };
        this.destroy(failure('telemetry.bad_packet', 'the broker sent what no broker may send', { details }));
        return false;
      }
      isWanted = this.push(slice);
      const restMs = this.#pace?.spend(this.#guard.work - workBefore, performance.now()) ?? 0;
      if (restMs > 0) {
        this.#rest(chunk.subarray(at + step), restMs);
        return false;
      }
    }
    return isWanted;
  }

  #rest(held: Buffer, restMs: number): void {
    this.#held = held;
    this.#resting = setTimeout(() => {
      this.#held = undefined;
      if (this.#take(held)) this.#socket.resume();
    }, restMs);
  }

  /** From now on a broker that sends faster is read no faster. */
  keepTo(size: InboundPaceSize): void {
    this.#pace = new InboundPace(size, performance.now());
  }

  /** What passes from now on is counted there, too. */
  countIn(meter: WireMeter): void {
    this.#meter = meter;
  }

  override _read(): void {
    if (this.#held === undefined) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.sent += chunk.length;
    this.#meter?.sent(chunk.length);
    this.#socket.write(chunk, done);
  }

  /** The library writes a packet in small pieces; the network gets it as one. */
  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#resting);
    this.#socket.destroy();
    done(error);
  }
}
