import { readSync, writeSync } from 'node:fs';
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

/** Where stray input goes; the kernel's own buffer holds no more than sixteen times as much. */
const DISCARDED = Buffer.alloc(4_096);
const MOST_READS = 16;

type Callback = (error: Error | null | undefined) => void;

interface Port {
  /** The binding; on Linux and macOS it shows the file descriptor. */
  readonly port?: unknown;
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
   * Straight into the port's buffer: the stream's way leads through one of the four threads that all files, names and ports
   * of the process share, and costs milliseconds when they or the processor are busy. It does not drain either: tcdrain
   * holds such a thread for as long as the bytes take on the wire, and the line knows that time.
   */
  async write(bytes: Uint8Array): Promise<void> {
    const fd = this.#fd;
    const written = fd === undefined ? 0 : unlessBusy(() => writeSync(fd, bytes));
    if (written === bytes.length) return;
    await settled((done) => this.#port.write(Buffer.from(bytes.subarray(written)), done));
  }

  /** Reads what there is and forgets it, in the same turn of the event loop as the write that follows. */
  async discardInput(): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return settled((done) => this.#port.flush(done));
    for (let reads = 0; reads < MOST_READS; reads++) {
      if (unlessBusy(() => readSync(fd, DISCARDED)) === 0) return;
    }
  }

  /** Asked for anew each time, and gone as soon as closing begins: the number may soon be another file's. */
  get #fd(): number | undefined {
    const { fd } = (this.#port.port ?? {}) as { readonly fd?: unknown };
    return typeof fd === 'number' ? fd : undefined;
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#port.close(() => resolve()));
  }
}

/** The port is opened non-blocking: where there is nothing to read, or no room, the call says EAGAIN. */
function unlessBusy(act: () => number): number {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function settled(start: (done: Callback) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
