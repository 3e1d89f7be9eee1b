import { Framing, type Received } from './framing.ts';
import type { Iec62056Telegram } from './telegram.ts';

/** Takes the bytes of a line as they come; may be asked at any time, holds no more than one telegram. */
export interface Iec62056Receiver {
  receive(bytes: Uint8Array): Received[];
  /** No more bytes will come (the end of a capture, a silence on the line): what is unfinished is refused. */
  end(): Received[];
}

export function createIec62056Receiver(): Iec62056Receiver {
  const framing = new Framing();
  return {
    receive(bytes) {
      for (const byte of bytes) framing.push(byte);
      return framing.take();
    },
    end() {
      framing.end();
      return framing.take();
    },
  };
}

/** Every telegram of a raw capture, in order; one direction or both, whole or cut. */
export function decodeIec62056Capture(bytes: Uint8Array): Iec62056Telegram[] {
  const receiver = createIec62056Receiver();
  return [...receiver.receive(bytes), ...receiver.end()].flatMap((received) =>
    received.kind === 'telegram' ? [received.telegram] : [],
  );
}
