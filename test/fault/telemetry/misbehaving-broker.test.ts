import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  openTelemetry,
  type HeardMessage,
  type Listener,
  type TelemetryLimits,
} from '../../../src/telemetry/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import {
  publishOf,
  startScriptedBroker,
  type BrokerScript,
  type ScriptedBroker,
  type ScriptedSession,
} from '../../support/telemetry/scripted-broker.ts';
import {
  BIRTH,
  sample,
  startTelemetry,
  type TelemetryUnderTest,
} from '../../support/telemetry/telemetry-station.ts';

const PREFIX = 'delmonicos/v1/DE-ACME-0001';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function broker(script: BrokerScript = {}): Promise<ScriptedBroker> {
  const started = await startScriptedBroker(script);
  cleanUps.push(() => started.stop());
  return started;
}

function station(
  url: string,
  limits: Partial<TelemetryLimits> = {},
  listeners: readonly Listener[] = [],
): TelemetryUnderTest {
  const started = startTelemetry(url, { limits: { closeTimeoutMs: 50, ...limits }, listeners });
  cleanUps.push(() => started.telemetry.close());
  return started;
}

const named =
  (name: string) =>
  ({ event }: { event: string }): boolean =>
    event === name;

/** Resolves when the condition holds; looks at each turn of the loop. */
async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { interval: 2, timeout: 60_000 }).toBe(true);
}

describe('a broker', () => {
  it('that is gone for a day costs a bounded memory, a line of the log for each cause, and no sample uncounted', async () => {
    const gone = net.createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as net.AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const clock = new VirtualClock();
    const logged: (readonly [string, unknown])[] = [];
    const limits = { reconnectMaxMs: 900_000 }; // each attempt is a real one
    const telemetry = openTelemetry(
      { url: `mqtt://127.0.0.1:${port}`, stationName: 'DE-ACME-0001', birth: BIRTH, limits },
      {
        clock,
        random: () => 0.5,
        log: (_level, event, fields) => void logged.push([event, fields?.['code']]),
      },
    );
    cleanUps.push(async () => {
      const closed = telemetry.close();
      await clock.advance(10_000);
      await closed;
    });
    const readings = 8_640;
    for (let n = 1; n <= readings; n++) {
      telemetry.publishSample('evse1', sample(n));
      if (n % 240 === 0) await clock.advance(2_400_000);
    }
    const { queued, dropped, connected } = telemetry.statistics();
    expect(connected).toBe(false);
    expect(queued).toBeLessThanOrEqual(601); // with the birth
    expect(dropped).toBeGreaterThanOrEqual(readings - 600);
    expect(dropped + queued).toBeLessThanOrEqual(readings + 1);
    // Some attempts end by this clock, before the system says that nobody is there: each cause is told once.
    expect(new Set(logged.map(String)).size).toBe(logged.length);
  });

  it('that breaks each session at once is tried again, and what waits stays within its bound', async () => {
    const storm = await broker({ onSession: (session) => session.cut() });
    const { telemetry, events } = station(storm.url, { reconnectMinMs: 1, reconnectMaxMs: 1 });
    let n = 0;
    await until(() => {
      for (let turn = 0; turn < 10; turn++) telemetry.publishSample('evse1', sample(++n));
      return storm.sessions() >= 40;
    });
    expect(telemetry.statistics().queued).toBeLessThanOrEqual(601);
    storm.behave({});
    const lost = telemetry.statistics().dropped;
    await until(() => telemetry.statistics().connected && telemetry.statistics().queued === 0);
    expect(telemetry.statistics().dropped).toBe(lost);
    // Of each session one line for its beginning, and one for its end.
    expect(events.length).toBeLessThanOrEqual(2 * storm.sessions() + 10);
  });

  it('that takes small packets only gets those, and what is too large is counted', async () => {
    const MAXIMUM_PACKET_SIZE = 0x27;
    const narrow = await broker({ connackProperties: Buffer.from([MAXIMUM_PACKET_SIZE, 0, 0, 1, 0]) });
    const { telemetry, logged } = station(narrow.url);
    await logged(named('telemetry.connected'));
    telemetry.publishSample('evse1', sample(1));
    await logged(named('telemetry.document_unsendable'));
    telemetry.publishState('config/result', {
      ...{ result: 'present', code: null, message: '', via: null, sequence: null, signedBy: null },
      ...{ id: '', digest: null },
    });
    await until(() => narrow.published.has(`${PREFIX}/config/result`));
    expect(telemetry.statistics()).toMatchObject({ connected: true, dropped: 1, queued: 0 });
    expect(narrow.published.has(`${PREFIX}/meters/evse1/sample`)).toBe(false);
  });

  it('that lets us listen to nothing gets everything else', async () => {
    const NOT_AUTHORISED = 0x87;
    const closed = await broker({ subscribeCode: NOT_AUTHORISED });
    const { telemetry, logged } = station(closed.url, {}, [listener('request', () => {})]);
    expect(await logged(named('telemetry.subscription_refused'))).toMatchObject({
      level: 'warning',
      fields: { topic: `${PREFIX}/request`, reasonCode: NOT_AUTHORISED },
    });
    telemetry.publishSample('evse1', sample(1));
    await until(() => narrowed(closed).sample === 1);
    expect(telemetry.statistics().connected).toBe(true);
  });

  it('that reads nothing gets one window of messages, and loses its session', async () => {
    const deaf = await broker({ isDeaf: true });
    const { telemetry, logged } = station(deaf.url, { acknowledgeTimeoutMs: 100, reconnectMinMs: 10_000 });
    await logged(named('telemetry.connected'));
    for (let n = 1; n <= 2_000; n++) telemetry.publishSample('evse1', sample(n));
    expect(telemetry.statistics().queued).toBeLessThanOrEqual(601);
    await logged(
      ({ event, fields }) =>
        event === 'telemetry.disconnected' && fields['code'] === 'telemetry.no_acknowledgement',
    );
    expect(telemetry.statistics()).toMatchObject({ connected: false, sent: 0 });
    expect(telemetry.statistics().dropped + telemetry.statistics().queued).toBe(2_001);
  });

  it('that floods what we listen to is read no faster than at its pace', async () => {
    let heard = 0;
    let opened: (session: ScriptedSession) => void = () => {};
    const held = new Promise<ScriptedSession>((resolve) => (opened = resolve));
    const flooding = await broker({ onSession: (session) => opened(session) });
    const { telemetry } = station(flooding.url, { maxInboundBurst: 2_000, maxInboundPerSecond: 500 }, [
      listener('request', () => void heard++),
    ]);
    const session = await held;
    await until(() => flooding.subscribed.has(`${PREFIX}/request`));
    const startedAt = performance.now();
    void session.write(
      Buffer.concat(Array.from({ length: 20_000 }, () => publishOf(`${PREFIX}/request`, Buffer.alloc(100)))),
    );
    await until(() => heard > 102);
    const seconds = (performance.now() - startedAt) / 1_000;
    // A hundred at once, then 25 a second; two more were in the bytes that made it enough.
    expect(heard).toBeLessThanOrEqual(103 + 25 * seconds);
    expect(telemetry.statistics().connected).toBe(true);
  });
});

describe('what a hostile broker sends to what a station listens to', () => {
  it.each([
    ['at QoS 2', publishOf(`${PREFIX}/request`, Buffer.from('x'), { qos: 2 })],
    ['larger than any listener takes', publishOf(`${PREFIX}/request`, Buffer.alloc(9_000))],
    ['with a QoS that there is none of', Buffer.from([0x36, 3, 0, 1, 0x61])],
    ['as a subscription', Buffer.from([0x82, 3, 0, 1, 0])],
  ])('%s ends the session', async (_what, bytes) => {
    const heard: number[] = [];
    const hostile = await broker({ onSession: (session) => void session.write(bytes) });
    const { logged } = station(hostile.url, {}, [
      listener('request', ({ payload }) => void heard.push(payload.length)),
    ]);
    await logged(
      ({ event, fields }) => event === 'telemetry.disconnected' && fields['code'] === 'telemetry.bad_packet',
    );
    expect(heard).toEqual([]);
  });

  it('reaches a listener on its own topic only, at most as large as it takes, and says when it lay there', async () => {
    const heard: [number, boolean][] = [];
    let opened: (session: ScriptedSession) => void = () => {};
    const held = new Promise<ScriptedSession>((resolve) => (opened = resolve));
    const hostile = await broker({ onSession: (session) => opened(session) });
    const { telemetry } = station(hostile.url, {}, [
      listener('request', ({ payload, retained }) => void heard.push([payload.length, retained])),
    ]);
    const session = await held;
    await until(() => hostile.subscribed.has(`${PREFIX}/request`));
    await session.write(publishOf(`${PREFIX}/config/set`, Buffer.alloc(10)));
    await session.write(publishOf(`${PREFIX}/request/x`, Buffer.alloc(10)));
    await session.write(publishOf(`${PREFIX}/request`, Buffer.alloc(4_097)));
    await session.write(publishOf(`${PREFIX}/request`, Buffer.alloc(4_096), { retain: true }));
    await session.write(publishOf(`${PREFIX}/request`, Buffer.from('last'), { qos: 1 }));
    await until(() => heard.some(([length]) => length === 4));
    expect(heard).toEqual([
      [4_096, true],
      [4, false],
    ]);
    expect(telemetry.statistics().connected).toBe(true);
  });

  it('reaches a listener without properties that came twice, as no broker may send them', async () => {
    const heard: HeardMessage[] = [];
    let opened: (session: ScriptedSession) => void = () => {};
    const held = new Promise<ScriptedSession>((resolve) => (opened = resolve));
    const hostile = await broker({ onSession: (session) => opened(session) });
    station(hostile.url, {}, [listener('request', (message) => void heard.push(message))]);
    const session = await held;
    await until(() => hostile.subscribed.has(`${PREFIX}/request`));
    // Response Topic 'a' (0x08) and Correlation Data 'b' (0x09), once and twice.
    const properties = Buffer.from([0x08, 0, 1, 0x61, 0x09, 0, 1, 0x62]);
    await session.write(publishOf(`${PREFIX}/request`, Buffer.from('x'), { properties }));
    const twice = Buffer.concat([properties, properties]);
    await session.write(publishOf(`${PREFIX}/request`, Buffer.from('x'), { properties: twice }));
    await until(() => heard.length === 2);
    const [once, doubled] = heard;
    expect(once).toMatchObject({ responseTopic: 'a', correlationData: new Uint8Array([0x62]) });
    expect(doubled).toEqual({ payload: new Uint8Array([0x78]), retained: false });
  });
});

function listener(topic: string, receive: Listener['receive']): Listener {
  return { topic, maxPayloadBytes: 4_096, receive };
}

function narrowed({ published }: ScriptedBroker): { sample: number | undefined } {
  return { sample: published.get(`${PREFIX}/meters/evse1/sample`) };
}
