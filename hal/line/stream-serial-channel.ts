import { autoDetect } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import type { ByteChannel, ChannelEvents } from './channel.ts';
import type { SerialSettings } from './serial-channel.ts';

/** A serial port for meters that send by themselves: its rate can change while it is open. */
export interface TunableChannel extends ByteChannel {
  setBaudRate(baudRate: number): Promise<void>;
}

type Callback = (error: Error | null | undefined) => void;

/** Rejects with what the operating system said. */
export async function openStreamSerialChannel(
  settings: SerialSettings,
  events: ChannelEvents,
): Promise<TunableChannel> {
  const port = new SerialPortStream({ binding: autoDetect(), autoOpen: false, lock: true, ...settings });
  await settled((done) => port.open(done));
  // What a driver kept from before nobody knows the age of.
  await settled((done) => port.flush(done));
  let closed = false;
  const gone = (error?: Error | null): void => {
    if (closed) return;
    closed = true;
    events.onClosed(error ?? undefined);
  };
  port.on('data', (bytes: Buffer) => events.onBytes(bytes));
  port.on('close', gone);
  port.on('error', (error) => {
    gone(error);
    port.close(() => {});
  });
  return {
    // Drained, other than on a line with requests only: a change of rate must not garble the bytes before it.
    write: async (bytes) => {
      await settled((done) => port.write(Buffer.from(bytes), done));
      await settled((done) => port.drain(done));
    },
    discardInput: () => settled((done) => port.flush(done)),
    setBaudRate: (baudRate) => settled((done) => port.update({ baudRate }, done)),
    close: () => (closed ? Promise.resolve() : new Promise((resolve) => port.close(() => resolve()))),
  };
}

function settled(start: (done: Callback) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
