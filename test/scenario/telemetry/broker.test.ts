import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeDocument, sampleDocument, type Telemetry } from '../../../src/telemetry/index.ts';
import { startBroker } from '../../support/telemetry/broker.ts';
import { NO_MOSQUITTO, startMosquitto } from '../../support/telemetry/mosquitto.ts';
import { type ReceivedMessage, subscribe, type Subscriber } from '../../support/telemetry/mqtt-subscriber.ts';
import { JOURNAL, METER_STATUS, SYNC } from '../../support/telemetry/telemetry-examples.ts';
import { BIRTH, sample, startTelemetry } from '../../support/telemetry/telemetry-station.ts';

const STATION = 'delmonicos/v1/DE-ACME-0001';

interface BrokerUnderTest {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface BrokerKind {
  readonly name: string;
  readonly speaks: '5' | '3.1.1';
  readonly start: (port?: number) => Promise<BrokerUnderTest>;
}

const KINDS: BrokerKind[] = [
  { name: 'the embedded broker', speaks: '5', start: (port) => startBroker({ ...(port && { port }) }) },
  {
    name: 'a broker that refuses MQTT 5',
    speaks: '3.1.1',
    start: (port) => startBroker({ highestLevel: 4, ...(port && { port }) }),
  },
  {
    name: `mosquitto${NO_MOSQUITTO === undefined ? '' : ` (skipped: ${NO_MOSQUITTO})`}`,
    speaks: '5',
    start: async (port) => {
      const { port: bound, kill } = await startMosquitto(undefined, port);
      return { url: `mqtt://127.0.0.1:${bound}`, port: bound, stop: kill };
    },
  },
];

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function started(kind: BrokerKind, port?: number): Promise<BrokerUnderTest> {
  const broker = await kind.start(port);
  cleanUps.push(() => broker.stop());
  return broker;
}

async function listening(kind: BrokerKind, url: string): Promise<Subscriber> {
  const subscriber = await subscribe(url, { protocolVersion: kind.speaks === '5' ? 5 : 4 });
  cleanUps.push(() => subscriber.close());
  return subscriber;
}

function running(url: string, limits = {}): ReturnType<typeof startTelemetry> {
  const station = startTelemetry(url, { limits });
  cleanUps.push(() => station.telemetry.close());
  return station;
}

const status =
  (value: 'online' | 'offline', more: object = {}) =>
  ({ topic, payload }: ReceivedMessage): boolean => {
    if (topic !== `${STATION}/status`) return false;
    const document = JSON.parse(payload) as Record<string, unknown>;
    return Object.entries({ status: value, ...more }).every(([key, wanted]) => document[key] === wanted);
  };

/** Resolves when the broker has everything. */
async function delivered(telemetry: Telemetry): Promise<void> {
  await expect
    .poll(() => telemetry.statistics(), { interval: 5, timeout: 10_000 })
    .toMatchObject({ queued: 0, connected: true });
}

describe.each(KINDS)('with $name', (kind) => {
  const test = it.skipIf(kind.name.startsWith('mosquitto') && NO_MOSQUITTO !== undefined);

  test('a station says who it is, and its version, boot and protocol', async () => {
    const broker = await started(kind);
    const subscriber = await listening(kind, broker.url);
    running(broker.url);
    const birth = await subscriber.received(status('online'));
    expect(JSON.parse(birth.payload)).toEqual({
      status: 'online',
      station: 'DE-ACME-0001',
      version: BIRTH.version,
      identity: BIRTH.identity,
      boot: BIRTH.boot,
      session: 1,
      mqtt: kind.speaks,
      samplesDropped: 0,
      keepAliveSeconds: 30,
    });
  });

  test('a sample arrives byte for byte, and is not retained', async () => {
    const broker = await started(kind);
    const subscriber = await listening(kind, broker.url);
    const { telemetry } = running(broker.url);
    telemetry.publishSample('evse1', sample(1), { index: 5 });
    telemetry.publishSample('evse1', sample(2), { index: 6 });
    const isSecond = (message: ReceivedMessage): boolean => message.payload.includes('"12345.2"');
    const second = await subscriber.received(isSecond);
    const samples = subscriber.messages.filter(({ topic }) => topic === `${STATION}/meters/evse1/sample`);
    expect(samples.map(({ payload }) => payload)).toEqual(
      [1, 2].map((n) => encodeDocument(sampleDocument('evse1', 7, sample(n), { index: n + 4 })).toString()),
    );
    expect(second).toMatchObject({ retain: false, qos: 1 });
    if (kind.speaks === '5') expect(second.expirySeconds).toBeGreaterThan(3_500);
    await delivered(telemetry);
    const late = await listening(kind, broker.url);
    await late.received(status('online'));
    expect(late.messages.filter(({ topic }) => topic.endsWith('/sample'))).toEqual([]);
  });

  test('samples of more meters than the broker takes aliases arrive each on its own topic, for fewer bytes where it does', async () => {
    const broker = await started(kind);
    const subscriber = await listening(kind, broker.url);
    const { telemetry } = running(broker.url);
    await delivered(telemetry);
    const meters = Array.from({ length: 12 }, (_, index) => `evse${index + 10}`);
    const costs: number[] = [];
    for (const round of [1, 2]) {
      const before = telemetry.statistics().bytesSent;
      for (const meter of meters) telemetry.publishSample(meter, sample(round));
      await delivered(telemetry);
      costs.push(telemetry.statistics().bytesSent - before);
    }
    await expect
      .poll(() => subscriber.messages.filter(({ topic }) => topic.endsWith('/sample')).length, {
        interval: 5,
      })
      .toBe(24);
    for (const meter of meters) {
      const own = subscriber.messages.filter(({ topic }) => topic === `${STATION}/meters/${meter}/sample`);
      const ids = own.map(({ payload }) => (JSON.parse(payload) as { meter: { id: string } }).meter.id);
      expect(ids).toEqual([meter, meter]);
    }
    const [first = 0, second = 0] = costs;
    // mosquitto takes ten unless told: from the second time on their topics are not sent. A ping in between takes two bytes.
    const topic = `${STATION}/meters/evse10/sample`.length;
    const saved = kind.name.startsWith('mosquitto') ? 10 * topic : 0;
    expect(Math.abs(first - second - saved)).toBeLessThan(topic);
  });

  test('whoever subscribes late finds the latest state of everything, retained', async () => {
    const broker = await started(kind);
    const { telemetry } = running(broker.url);
    for (const size of [1, 2, 3]) telemetry.publishState('journal', { ...JOURNAL, size });
    telemetry.publishState('meters/evse1/status', METER_STATUS);
    await delivered(telemetry);
    const late = await listening(kind, broker.url);
    const journal = await late.received(({ topic }) => topic === `${STATION}/journal`);
    expect(journal).toMatchObject({ payload: JSON.stringify({ ...JOURNAL, size: 3 }), retain: true });
    const meter = await late.received(({ topic }) => topic === `${STATION}/meters/evse1/status`);
    expect(meter).toMatchObject({ payload: JSON.stringify(METER_STATUS), retain: true });
    expect(await late.received(status('online'))).toMatchObject({ retain: true });
  });

  test('the broker publishes the last will when the process is killed', async () => {
    const broker = await started(kind);
    const subscriber = await listening(kind, broker.url);
    const script = path.resolve(import.meta.dirname, '../../support/telemetry/telemetry-process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, broker.url], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    cleanUps.push(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    await subscriber.received(({ topic }) => topic.endsWith('/sample'));
    child.kill('SIGKILL');
    await subscriber.received(status('offline', { reason: 'connection lost', session: 1 }));
    const late = await listening(kind, broker.url);
    expect(await late.received(status('offline'))).toMatchObject({ retain: true });
  });

  test('a station that is stopped delivers what waits, says goodbye, and no will follows', async () => {
    const broker = await started(kind);
    const subscriber = await listening(kind, broker.url);
    const { telemetry } = running(broker.url);
    await subscriber.received(status('online'));
    for (let n = 1; n <= 40; n++) telemetry.publishSample('evse1', sample(n));
    await telemetry.close();
    expect(telemetry.statistics()).toMatchObject({ connected: false, queued: 0, dropped: 0 });
    await subscriber.received(status('offline', { reason: 'stopped' }));
    const late = await listening(kind, broker.url);
    expect(JSON.parse((await late.received(status('offline'))).payload)).toMatchObject({ reason: 'stopped' });
    expect(subscriber.messages.filter(({ topic }) => topic.endsWith('/sample'))).toHaveLength(40);
    expect(subscriber.messages.filter(status('offline'))).toHaveLength(1);
  });

  test('a broker that dies and comes back gets the state anew and the youngest samples; the rest is counted', async () => {
    const first = await kind.start();
    const { telemetry, events, logged } = running(first.url, { maxSamples: 10 });
    telemetry.publishState('sync', SYNC);
    await delivered(telemetry);
    await first.stop();
    await logged(({ event }) => event === 'telemetry.disconnected');
    for (let n = 1; n <= 25; n++) telemetry.publishSample('evse1', sample(n));
    expect(telemetry.statistics()).toMatchObject({ connected: false, dropped: 15 });

    const second = await started(kind, first.port);
    await delivered(telemetry);
    const late = await listening(kind, second.url);
    await late.received(
      ({ topic, payload }) => topic === `${STATION}/sync` && payload === JSON.stringify(SYNC),
    );
    const birth = await late.received(status('online', { session: 2 }));
    expect(JSON.parse(birth.payload)).toMatchObject({ samplesDropped: 15, mqtt: kind.speaks });
    // birth and sync of the first session; birth, sync and ten samples of the second
    expect(telemetry.statistics()).toMatchObject({ sent: 14, dropped: 15, sessions: 2 });
    const outages = events.filter(
      ({ event, fields }) => event === 'telemetry.disconnected' && fields.code === 'telemetry.unreachable',
    );
    expect(outages.length).toBeLessThanOrEqual(1);
  });
});

describe('an outage', () => {
  it('that lasts through many attempts is one line in the log', async () => {
    const broker = await startBroker();
    await broker.stop();
    const { telemetry, events } = running(broker.url, { reconnectMinMs: 1, reconnectMaxMs: 2 });
    await expect
      .poll(() => telemetry.statistics().failure, { interval: 5, timeout: 10_000 })
      .toBe('telemetry.unreachable');
    const back = await started(KINDS[0] as BrokerKind, broker.port);
    expect(back.port).toBe(broker.port);
    await delivered(telemetry);
    expect(events.map(({ event }) => event)).toEqual(['telemetry.disconnected', 'telemetry.connected']);
  });

  it('of the link alone costs no sample: what was in flight is sent again', async () => {
    const broker = await startBroker();
    cleanUps.push(() => broker.stop());
    const seen = new Set<string>();
    broker.onMessage(({ topic, payload }) => {
      if (topic.endsWith('/sample'))
        seen.add((JSON.parse(payload.toString()) as { readBeginMs: number }).readBeginMs.toString());
    });
    const { telemetry } = running(broker.url);
    await delivered(telemetry);
    for (let n = 1; n <= 60; n++) {
      telemetry.publishSample('evse1', sample(n));
      if (n % 20 === 0) broker.cut();
    }
    await delivered(telemetry);
    expect(seen.size).toBe(60);
    expect(telemetry.statistics()).toMatchObject({ dropped: 0 });
  });
});
