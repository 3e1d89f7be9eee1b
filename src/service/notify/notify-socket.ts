import { constants } from 'node:os';
import { loadAddon } from '../../addon/index.ts';

/** What became of one datagram; `full`: the other side does not read, and the datagram was dropped. */
export type Sent =
  { readonly outcome: 'sent' | 'full' } | { readonly outcome: 'failed'; readonly why: string };

/** build/unix-datagram/unix-datagram.c; 0 or errno. */
interface UnixDatagram {
  send(address: Buffer, data: Buffer): number;
}

let addon: UnixDatagram | undefined;

/**
 * Sends one datagram to a Unix socket, now: when this returns it has been taken or dropped, also while nothing else in this
 * process gets its turn. Never throws and keeps no socket, which would hold the process (decision 0023).
 */
export function sendDatagram(path: string, text: string): Sent {
  try {
    addon ??= loadAddon('unix_datagram.node') as UnixDatagram;
    const errno = addon.send(Buffer.from(path), Buffer.from(text));
    if (errno === 0) return { outcome: 'sent' };
    if (errno === constants.errno.EAGAIN || errno === constants.errno.ENOBUFS) return { outcome: 'full' };
    return failed(nameOf(errno));
  } catch (error) {
    return failed(error);
  }
}

function nameOf(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

function failed(error: unknown): Sent {
  return { outcome: 'failed', why: error instanceof Error ? error.message : String(error) };
}
