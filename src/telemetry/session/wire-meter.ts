import type net from 'node:net';
import { SEGMENT_BYTES } from '../outgoing/pacing.ts';

/** SYN, SYN-ACK, ACK at the beginning; FIN and ACK of both sides at the end. */
const TCP_SEGMENTS = 7;
/** Flights of a TLS handshake, the server's certificates in three, with what acknowledges them. */
const TLS_SEGMENTS = 8;
const SEGMENT_PAYLOAD_BYTES = 1_400;

/**
 * What connections to a broker cost on the wire: bytes as the TCP sockets counted them (TLS and its handshakes included), and headers for
 * as many segments as there must have been. An estimate: nobody but the kernel knows what was sent twice.
 */
export class WireMeter {
  #endedBytes = 0;
  #segments = 0;
  readonly #sockets = new Set<net.Socket>();

  /** A connection is attempted. */
  watch(socket: net.Socket, isTls: boolean): void {
    this.#sockets.add(socket);
    this.#segments += TCP_SEGMENTS + (isTls ? TLS_SEGMENTS : 0);
    socket.once('close', () => {
      this.#endedBytes += bytesOf(socket);
      this.#sockets.delete(socket);
    });
  }

  sent(bytes: number): void {
    this.#segments += Math.ceil(bytes / SEGMENT_PAYLOAD_BYTES);
  }

  /** What is received is acknowledged; what acknowledges what was sent comes with an answer. */
  received(bytes: number): void {
    this.#segments += 2 * Math.ceil(bytes / SEGMENT_PAYLOAD_BYTES);
  }

  /** Since the start, in both directions. */
  bytes(): number {
    let open = 0;
    for (const socket of this.#sockets) open += bytesOf(socket);
    return this.#endedBytes + open + this.#segments * SEGMENT_BYTES;
  }
}

function bytesOf({ bytesRead, bytesWritten }: net.Socket): number {
  return bytesRead + bytesWritten;
}
