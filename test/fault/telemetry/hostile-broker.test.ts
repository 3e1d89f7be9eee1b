import fc from 'fast-check';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  sample,
  startTelemetry,
  type TelemetryUnderTest,
} from '../../support/telemetry/telemetry-station.ts';

const CONNACK = Buffer.from([0x20, 3, 0, 0, 0]);

/** A TCP server that answers CONNECT as it likes. */
interface HostileBroker {
  readonly url: string;
  connections(): number;
  /** Bytes it has read, or left unread in the kernel for want of reading. */
  received(): number;
}

/** Packet ids of the PUBLISH packets with QoS 1 in a chunk that holds whole packets (MQTT 5 §3.3). */
function publishedIds(chunk: Buffer): [number, number][] {
  const ids: [number, number][] = [];
  for (let at = 0; at < chunk.length;) {
    const isPublish = ((chunk[at++] ?? 0) & 0xf2) === 0x32;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = chunk[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const idAt = at + 2 + chunk.readUInt16BE(at);
    if (isPublish) ids.push([chunk[idAt] ?? 0, chunk[idAt + 1] ?? 0]);
    at += length;
  }
  return ids;
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function hostileBroker(answer: (socket: net.Socket) => void): Promise<HostileBroker> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  let received = 0;
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const { port } = server.address() as net.AddressInfo;
  return { url: `mqtt://127.0.0.1:${port}`, connections: () => connections, received: () => received };
}

function running(url: string, limits = {}): TelemetryUnderTest {
  const station = startTelemetry(url, { limits: { closeTimeoutMs: 50, ...limits } });
  cleanUps.push(() => station.telemetry.close());
  return station;
}

const failedWith =
  (code: string) =>
  ({ event, fields }: { event: string; fields: Readonly<Record<string, unknown>> }): boolean =>
    event === 'telemetry.disconnected' && fields.code === code;

describe('a broker', () => {
  it('that accepts TCP and never answers is given up at the deadline, and tried again', async () => {
    const broker = await hostileBroker(() => {});
    const { logged, telemetry } = running(broker.url, { connectTimeoutMs: 30 });
    telemetry.publishSample('evse1', sample(1));
    await logged(failedWith('telemetry.no_connack'));
    await expect.poll(() => broker.connections(), { interval: 5, timeout: 10_000 }).toBeGreaterThan(1);
    expect(telemetry.statistics()).toMatchObject({ connected: false, sent: 0, queued: 2 });
  });

  it('that never acknowledges gets one window of messages, then the session ends; memory stays bounded', async () => {
    const broker = await hostileBroker((socket) => socket.write(CONNACK));
    const { logged, telemetry } = running(broker.url, {
      maxInFlight: 4,
      maxSamples: 20,
      acknowledgeTimeoutMs: 60,
      reconnectMinMs: 10_000,
      reconnectMaxMs: 10_000,
    });
    await logged(({ event }) => event === 'telemetry.connected');
    for (let n = 1; n <= 5_000; n++) telemetry.publishSample('evse1', sample(n));
    // 20 samples and the birth; of these, four in flight
    expect(telemetry.statistics()).toMatchObject({ sent: 0, queued: 21, dropped: 4_980 });
    await logged(failedWith('telemetry.no_acknowledgement'));
    expect(telemetry.statistics()).toMatchObject({ connected: false, queued: 21, dropped: 4_980 });
    const perMessage = 400;
    expect(broker.received()).toBeLessThan(6 * perMessage);
  });

  it('that acknowledges nothing does not hold up the end of the station', async () => {
    const broker = await hostileBroker((socket) => socket.write(CONNACK));
    const { logged, telemetry } = running(broker.url, { closeTimeoutMs: 50 });
    await logged(({ event }) => event === 'telemetry.connected');
    telemetry.publishSample('evse1', sample(1));
    const before = performance.now();
    await telemetry.close();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(telemetry.statistics()).toMatchObject({ connected: false, queued: 0, dropped: 1 });
  });

  it('that refuses the password is reported as a matter for the operator, once', async () => {
    const broker = await hostileBroker((socket) => socket.end(Buffer.from([0x20, 3, 0, 0x86, 0])));
    const { logged, events } = running(broker.url, { reconnectMinMs: 1, reconnectMaxMs: 2 });
    expect(await logged(failedWith('telemetry.not_authorized'))).toMatchObject({ level: 'error' });
    await expect.poll(() => broker.connections(), { interval: 2, timeout: 10_000 }).toBeGreaterThan(5);
    expect(events.filter(failedWith('telemetry.not_authorized'))).toHaveLength(1);
  });

  it('that ends the session because of a second client with our id is told apart', async () => {
    const broker = await hostileBroker((socket) =>
      socket.write(Buffer.concat([CONNACK, Buffer.from([0xe0, 2, 0x8e, 0])])),
    );
    const { logged } = running(broker.url);
    expect(await logged(failedWith('telemetry.session_taken_over'))).toMatchObject({ level: 'error' });
  });

  it('that refuses a message with a reason code does not see it again in that session', async () => {
    const QUOTA_EXCEEDED = 0x97;
    const broker = await hostileBroker((socket) => {
      socket.write(CONNACK);
      socket.on('data', (chunk: Buffer) => {
        for (const id of publishedIds(chunk)) {
          socket.write(Buffer.from([0x40, 4, ...id, QUOTA_EXCEEDED, 0]));
        }
      });
    });
    const { logged, telemetry } = running(broker.url);
    telemetry.publishSample('evse1', sample(1));
    expect(await logged(({ event }) => event === 'telemetry.publish_refused')).toMatchObject({
      fields: { reasonCode: QUOTA_EXCEEDED },
    });
    await expect
      .poll(() => telemetry.statistics(), { interval: 5, timeout: 10_000 })
      .toMatchObject({ sent: 0, dropped: 1, queued: 0, connected: true });
  });

  it.each([
    ['a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
    [
      'one that announces a packet of 256 MB',
      Buffer.concat([CONNACK, Buffer.from([0xe0, 0xff, 0xff, 0xff, 0x7f])]),
    ],
    ['one that publishes to us', Buffer.concat([CONNACK, Buffer.from([0x30, 5, 0, 1, 0x61, 0, 0x62])])],
    ['one with malformed properties in CONNACK', Buffer.from([0x20, 6, 0, 0, 3, 0xff, 0xff, 0xff])],
  ])('that is %s loses its session with telemetry.bad_packet', async (_who, bytes) => {
    const broker = await hostileBroker((socket) => socket.write(bytes));
    const { logged } = running(broker.url, { connectTimeoutMs: 2_000 });
    await logged(failedWith('telemetry.bad_packet'));
  });
});

it('whatever bytes a broker sends, telemetry goes on and no exception escapes', async () => {
  const escaped: unknown[] = [];
  const note = (error: unknown): void => void escaped.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  const packet = (header: number): fc.Arbitrary<number[]> =>
    fc.uint8Array({ minLength: 2, maxLength: 30 }).map((body) => [header, body.length, ...body]);
  const answers = fc.sample(
    fc.tuple(
      fc.oneof(
        fc.constant([...CONNACK]),
        packet(0x20),
        fc.uint8Array({ maxLength: 20 }).map((noise) => [...noise]),
      ),
      fc.array(
        fc.oneof(
          packet(0x40),
          packet(0xe0),
          fc.integer({ min: 0, max: 3 }).map((id) => [0x40, 2, 0, id]),
          fc.constant([0xd0, 0]),
          fc.uint8Array({ maxLength: 10 }).map((noise) => [...noise]),
        ),
        { maxLength: 6 },
      ),
    ),
    { numRuns: 300, seed: 20_260_921 },
  );
  let turn = 0;
  const broker = await hostileBroker((socket) => {
    const [first, rest] = answers[turn++ % answers.length] ?? [[], []];
    socket.end(Buffer.from([...first, ...rest.flat()]));
  });
  const { telemetry } = running(broker.url, { reconnectMinMs: 1, reconnectMaxMs: 1, connectTimeoutMs: 200 });
  const feed = setInterval(() => telemetry.publishSample('evse1', sample(turn)), 2);
  await expect.poll(() => turn, { interval: 20, timeout: 20_000 }).toBeGreaterThan(answers.length);
  clearInterval(feed);
  process.off('uncaughtException', note).off('unhandledRejection', note);
  expect(escaped).toEqual([]);
  expect(telemetry.statistics().queued).toBeLessThanOrEqual(601);
});
