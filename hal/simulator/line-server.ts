import { createServer, type AddressInfo, type Socket } from 'node:net';
import { SimulatorError } from './errors.ts';
import type { LineTraits } from './fault.ts';
import { openPty } from './pty.ts';
import type { WireTimes } from './wire.ts';
import { Responder, type LineCounts, type ResponderOptions } from './responder.ts';

export type SimulatedLineKind = 'pty' | 'tcp' | 'rtuOverTcp';

/** A line that a program can connect to: `path` of a serial port, or `host` and `port`. */
export type LineAddress =
  | { readonly kind: 'pty'; readonly path: string }
  | { readonly kind: 'tcp' | 'rtuOverTcp'; readonly host: string; readonly port: number };

export interface LineServer {
  readonly address: LineAddress;
  readonly counts: Readonly<LineCounts>;
  readonly times: Readonly<WireTimes>;
  close(): Promise<void>;
}

export function traitsOf(kind: SimulatedLineKind): LineTraits {
  return { framing: kind === 'tcp' ? 'mbap' : 'rtu', socket: kind !== 'pty' };
}

/** Serves the units of one line on a pseudo terminal. @throws SimulatorError `simulator.pty_unavailable` */
export async function servePty(options: ResponderOptions): Promise<LineServer> {
  const pty = await openPty();
  const counts: LineCounts = { requests: 0, answers: 0, faults: 0 };
  const responder = new Responder(options, { write: (bytes) => pty.write(bytes), close: () => {} }, counts);
  pty.onBytes((bytes) => responder.onBytes(bytes));
  return {
    address: { kind: 'pty', path: pty.path },
    counts,
    times: options.wire.times,
    close: async () => {
      options.wire.stop();
      await pty.close();
    },
  };
}

/**
 * Serves the units of one line on a TCP port (0: a free one) of this machine only.
 * @throws SimulatorError `simulator.listen_failed`
 */
export async function serveTcp(
  options: ResponderOptions,
  kind: 'tcp' | 'rtuOverTcp',
  port: number,
): Promise<LineServer> {
  const host = '127.0.0.1';
  const counts: LineCounts = { requests: 0, answers: 0, faults: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const responder = new Responder(
      options,
      {
        write: (bytes) => {
          if (!socket.destroyed) socket.write(bytes);
        },
        close: () => socket.destroySoon(),
      },
      counts,
    );
    socket.on('data', (bytes) => responder.onBytes(bytes));
    // A client that resets the connection ends it; there is nobody to tell.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new SimulatorError('simulator.listen_failed', `cannot listen on ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    address: { kind, host, port: (server.address() as AddressInfo).port },
    counts,
    times: options.wire.times,
    close: async () => {
      options.wire.stop();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
