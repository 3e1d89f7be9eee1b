import { once } from 'node:events';
import net from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { LineTap, openListeningLine, type LineTraceEvent } from '../../../hal/line/index.ts';
import { REAL_CLOCK } from '../../../hal/simulator/index.ts';

it('lets somebody listen to a line that a meter talks on, for a while, without taking anything from who reads it', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const tap = new LineTap(REAL_CLOCK);
  const { port } = server.address() as net.AddressInfo;
  const place = { id: 'l', kind: 'rtuOverTcp', host: '127.0.0.1', port } as const;
  const line = openListeningLine(place, { clock: REAL_CLOCK, log: silentLog, tap });
  onTestFinished(() => line.close());
  const read: string[] = [];
  let came = (): void => {};
  const events: LineTraceEvent[] = [];
  const stopListening = tap.listen((event) => events.push(event));
  const connected = once(server, 'connection') as Promise<[net.Socket]>;
  line.listen({
    onBytes: (bytes) => {
      read.push(Buffer.from(bytes).toString());
      came();
    },
    onInterrupted: () => {},
    onClosed: () => {},
  });
  const [socket] = await connected;
  onTestFinished(() => void socket.destroy());
  const say = async (text: string): Promise<void> => {
    const next = new Promise<void>((resolve) => (came = resolve));
    socket.write(text);
    await next;
  };
  await say('one');
  await line.send(Buffer.from('wake'));
  stopListening();
  await say('two');
  expect(read).toEqual(['one', 'two']);
  const heard = events.map((event) =>
    'bytes' in event ? `${event.kind} ${Buffer.from(event.bytes).toString()}` : event.kind,
  );
  expect(heard).toEqual(['opened', 'received one', 'sent wake']);
});
