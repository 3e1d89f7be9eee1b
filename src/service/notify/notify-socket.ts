import { DgramSocket } from 'node-unix-socket';

/** What became of one datagram; `full`: the other side does not read, and the datagram was dropped. */
export type Sent =
  { readonly outcome: 'sent' | 'full' } | { readonly outcome: 'failed'; readonly why: string };

/**
 * Sends one datagram to a Unix socket, now: when this returns it has been taken or dropped, also while nothing else in this
 * process gets its turn. Never throws. Each has a socket of its own (40 µs): one that is kept would hold the process, and one
 * whose peer is full tries again without a pause, for good (decision 0023).
 */
export function sendDatagram(path: string, text: string): Sent {
  let socket: DgramSocket | undefined;
  try {
    socket = new DgramSocket();
    socket.on('error', () => {});
    const bytes = Buffer.from(text);
    // Called before sendTo returns, unless the socket is full.
    let sent: Sent = { outcome: 'full' };
    socket.sendTo(bytes, 0, bytes.length, path, (error?: Error | null) => {
      sent = error ? failed(error) : { outcome: 'sent' };
    });
    return sent;
  } catch (error) {
    return failed(error);
  } finally {
    try {
      socket?.close();
    } catch {
      // Nothing is left to be done with it.
    }
  }
}

function failed(error: unknown): Sent {
  return { outcome: 'failed', why: error instanceof Error ? error.message : String(error) };
}
