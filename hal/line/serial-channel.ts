import { autoDetect } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import type { Parity } from '../contract/index.ts';
import type { ByteChannel, ChannelEvents, OpenChannel } from './channel.ts';

export interface SerialSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: Parity;
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
}

/** A serial port (or a PTY). The binding is asked for one path only: its `list()` ends the process without udevadm. */
export function serialChannel(settings: SerialSettings): OpenChannel {
  return async (events) => {
    // `lock` takes the port exclusively (TIOCEXCL): a second reader would steal bytes from answers.
    const port = new SerialPortStream({ binding: autoDetect(), autoOpen: false, lock: true, ...settings });
    await settled((done) => port.open(done));
    return new SerialChannel(port, events);
  };
}

type Callback = (error: Error | null | undefined) => void;

interface Port {
  write(bytes: Buffer, done: Callback): boolean;
  flush(done: Callback): void;
  close(done: Callback): void;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'close' | 'error', listener: (error?: Error | null) => void): unknown;
}

class SerialChannel implements ByteChannel {
  readonly #port: Port;
  #closed = false;

  constructor(port: Port, events: ChannelEvents) {
    this.#port = port;
    const gone = (error?: Error | null): void => {
      if (this.#closed) return;
      this.#closed = true;
      events.onClosed(error ?? undefined);
    };
    port.on('data', (bytes) => events.onBytes(bytes));
    port.on('close', gone);
    port.on('error', (error) => {
      gone(error);
      port.close(() => {});
    });
  }

  /**
   * Does not drain: tcdrain blocks one of the four threads that all files, names and other ports of the process share, for
   * as long as the bytes take on the wire, and says little of a USB adapter. The line knows how long bytes take.
   */
  write(bytes: Uint8Array): Promise<void> {
    return settled((done) => this.#port.write(Buffer.from(bytes), done));
  }

  discardInput(): Promise<void> {
    return settled((done) => this.#port.flush(done));
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#port.close(() => resolve()));
  }
}

function settled(start: (done: Callback) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
