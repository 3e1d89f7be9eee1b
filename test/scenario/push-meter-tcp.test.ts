import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { formatDecimal, silentLog, type MeterSample } from '../../hal/contract/index.ts';
import { createStreamMeter } from '../../hal/driver/stream/index.ts';
import { openListeningLine } from '../../hal/line/index.ts';
import { REAL_CLOCK } from '../../hal/simulator/index.ts';
import { concat, encodeTelegram, serverId } from '../support/meters/sml-encoder.ts';

const telegram = (tenthWh: number): Uint8Array =>
  encodeTelegram({
    serverId: serverId('ISK', 4711),
    entries: [{ obis: [1, 0, 1, 8, 0, 255], unit: 30, scaler: -1, value: { uint: BigInt(tenthWh) } }],
  });

const energyOf = ({ values }: MeterSample): string[] => values.map(({ value }) => formatDecimal(value));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it('a gateway that hangs up in the middle of a telegram is called again, and halves are not joined', async () => {
  const whole = telegram(10);
  let calls = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    // The second call begins with what the first one left out: a gateway may have kept it.
    if (calls++ === 0) socket.end(whole.subarray(0, 70));
    else socket.write(concat(whole.subarray(70), telegram(20)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as net.AddressInfo;
  const line = openListeningLine(
    { id: 'gateway', kind: 'rtuOverTcp', host: '127.0.0.1', port },
    { clock: REAL_CLOCK, log: silentLog },
  );
  closing.push(() => line.close());
  const meter = createStreamMeter({ id: 'm', line, protocol: 'sml', clock: REAL_CLOCK });
  expect(energyOf(await meter.readSample())).toEqual(['2.0']);
  expect(calls).toBe(2);
  expect(meter.statistics()).toMatchObject({ telegrams: 1 });
  expect(meter.statistics().refused).toBeGreaterThan(0);
});

it('a burst of telegrams longer than any buffer of the line is read to its last byte', async () => {
  const burst = concat(...Array.from({ length: 100 }, (_, n) => telegram(1_000 + n)));
  expect(burst.length).toBeGreaterThan(3 * 4_096);
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(burst);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as net.AddressInfo;
  const line = openListeningLine(
    { id: 'gateway', kind: 'rtuOverTcp', host: '127.0.0.1', port },
    { clock: REAL_CLOCK, log: silentLog },
  );
  closing.push(() => line.close());
  const meter = createStreamMeter({ id: 'm', line, protocol: 'sml', clock: REAL_CLOCK });
  await expect
    .poll(() => meter.statistics(), { timeout: 5_000 })
    .toMatchObject({ telegrams: 100, refused: 0 });
  expect(energyOf(await meter.readSample())).toEqual(['109.9']);
});
