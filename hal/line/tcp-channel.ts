import { connect, type Socket } from 'node:net';
import type { ByteChannel, ChannelEvents, OpenChannel } from './channel.ts';

export interface TcpSettings {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
}

/** Detects a gateway that lost power without closing the connection. */
const KEEP_ALIVE_MS = 15_000;

/** A TCP connection to a Modbus TCP server or to a transparent serial gateway. */
export function tcpChannel({ host, port, connectTimeoutMs }: TcpSettings): OpenChannel {
  return (events, signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      });
      const giveUp = (): void => void socket.destroy(new Error('given up'));
      signal.addEventListener('abort', giveUp, { once: true });
      socket.once('close', () => signal.removeEventListener('abort', giveUp));
      socket.setTimeout(connectTimeoutMs, () => {
        socket.destroy(new Error(`no connection to ${host}:${port} within ${connectTimeoutMs} ms`));
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', reject);
        signal.removeEventListener('abort', giveUp);
        resolve(new TcpChannel(socket, events));
      });
    });
}

class TcpChannel implements ByteChannel {
  readonly #socket: Socket;

  constructor(socket: Socket, events: ChannelEvents) {
    this.#socket = socket;
    let cause: Error | undefined;
    socket.on('data', (bytes) => events.onBytes(bytes));
    socket.on('error', (error) => (cause = error));
    // A gateway that has half-closed will answer nothing more.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => events.onClosed(cause));
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  discardInput(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }
}
