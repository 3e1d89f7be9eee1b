import { autoDetect } from '@serialport/bindings-cpp';
import { SerialPortStream } from '@serialport/stream';
import { setTimeout as delay } from 'node:timers/promises';
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
  let { baudRate } = settings;
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
    // Drained, other than on a line with requests only: a change of rate must not garble the bytes before it. A virtual port
    // (a pseudo terminal, some USB adapters) calls itself drained at once, and the change of rate, which flushes, would take
    // from it what it still holds: it is given the time that the bytes take on a wire. A real port has used that up by then.
    write: async (bytes) => {
      const onWire = delay(wireTimeMs(bytes.length, { ...settings, baudRate }));
      await settled((done) => port.write(Buffer.from(bytes), done));
      await settled((done) => port.drain(done));
      await onWire;
    },
    discardInput: () => settled((done) => port.flush(done)),
    setBaudRate: async (next) => {
      await settled((done) => port.update({ baudRate: next }, done));
      baudRate = next;
    },
    close: () => (closed ? Promise.resolve() : new Promise((resolve) => port.close(() => resolve()))),
  };
}

/** Milliseconds that so many bytes take, rounded up: a start bit, the data, parity and stop bits of each. */
export function wireTimeMs(
  bytes: number,
  {
    baudRate,
    dataBits,
    parity,
    stopBits,
  }: Pick<SerialSettings, 'baudRate' | 'dataBits' | 'parity' | 'stopBits'>,
): number {
  const bits = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits;
  return Math.ceil((bytes * bits * 1_000) / baudRate);
}

function settled(start: (done: Callback) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
