import type { Socket } from 'node:net';

/**
 * Ends a connection at once, with a TCP RST where that is still possible. `resetAndDestroy` alone would send a FIN first,
 * which looks like an orderly end: it ends the stream before it resets what is below, by way of this flag of `net`.
 */
export function breakOff(socket: Socket): void {
  const inReset = socket as Socket & { resetAndClosing?: boolean };
  // libuv refuses to reset what is being shut down or is not connected yet.
  if (!socket.destroyed && !socket.connecting && !socket.writableEnded) inReset.resetAndClosing = true;
  socket.destroy();
}
