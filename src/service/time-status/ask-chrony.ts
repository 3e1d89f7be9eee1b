import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { decodeTrackingReply, encodeTrackingRequest } from './chrony-tracking.ts';
import type { AskTime, TimeReading } from './time-reading.ts';

/** chronyd's command port (chrony.conf: cmdport). */
const COMMAND_PORT = 323;
/** chronyd on the same machine answers within a millisecond. */
const ANSWER_WITHIN_MS = 1_000;

/**
 * Asks chronyd over its command port on the loopback, which answers `tracking` to anybody there; no process is started. Where
 * chronyd does not run, the port is closed, and that is known at once.
 */
export function askChrony({ host = '127.0.0.1', port = COMMAND_PORT } = {}): AskTime {
  return () =>
    new Promise<TimeReading | undefined>((resolve) => {
      const sequence = randomInt(2 ** 32);
      const socket = createSocket('udp4');
      let isOpen = true;
      const end = (reading?: TimeReading): void => {
        if (!isOpen) return;
        isOpen = false;
        clearTimeout(late);
        socket.close(() => resolve(reading));
      };
      const late = setTimeout(() => end(), ANSWER_WITHIN_MS);
      socket.on('error', () => end());
      socket.on('message', (datagram) => {
        const reading = decodeTrackingReply(datagram, sequence);
        if (reading !== undefined) end(reading);
      });
      // Connected: datagrams of others do not arrive, and a port that is closed is told as an error.
      socket.connect(port, host, () => {
        if (isOpen) socket.send(encodeTrackingRequest(sequence));
      });
    });
}
