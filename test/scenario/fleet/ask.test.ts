// Somebody asks; the station is a made-up one that answers as it likes, through a real broker.
import { connectAsync, type MqttClient } from 'mqtt';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  findStation,
  openDesk,
  StationAsker,
  type AskEvent,
  type AskOptions,
  type BrokerDesk,
} from '../../../src/fleet/index.ts';
import { readCommand, type Command, type UnverifiedCommand } from '../../../src/remote/index.ts';
import { systemMonotonicClock as clock } from '../../../src/service/index.ts';
import { TestOperator } from '../../support/remote/command-fixture.ts';
import { startBroker } from '../../support/telemetry/broker.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const NAME = 'T-1';
const PREFIX = `delmonicos/v1/${NAME}`;
const CHALLENGES = ['11'.repeat(16), '22'.repeat(16)] as const;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23);
const DOCTOR = { name: 'doctor', parameters: {} } as const;
const SYNC = { name: 'sync now', parameters: {} } as const;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Heard {
  readonly command: UnverifiedCommand;
  readonly say: (payload: object | Uint8Array, on?: string) => void;
}

type Answering = (heard: Heard, count: number) => void;

async function fakeStation(answering: Answering, status: object | undefined = online(CHALLENGES[0])) {
  const broker = await startBroker();
  cleanUps.push(() => broker.stop());
  const station: MqttClient = await connectAsync(broker.url, { protocolVersion: 5 });
  cleanUps.push(() => station.endAsync(true));
  let count = 0;
  let reached = (): void => {};
  const wasReached = new Promise<void>((resolve) => (reached = resolve));
  station.on('message', (_topic, payload, { properties }) => {
    const topic = properties?.responseTopic ?? '';
    answering(
      {
        command: readCommand(payload),
        say: (said, on = topic) =>
          void station.publish(on, said instanceof Uint8Array ? Buffer.from(said) : JSON.stringify(said), {
            qos: 1,
          }),
      },
      count++,
    );
    reached();
  });
  await station.subscribeAsync(`${PREFIX}/request`, { qos: 1 });
  const publishStatus = (document: object) =>
    station.publishAsync(`${PREFIX}/status`, JSON.stringify(document), { qos: 1, retain: true });
  if (status !== undefined) await publishStatus(status);
  return { broker, station, publishStatus, wasReached };
}

function online(challenge: string | undefined): object {
  return { status: 'online', station: NAME, ...(challenge !== undefined && { challenge }) };
}

function desk(url: string) {
  const opened = openDesk({ url }, { clock, random: () => 0.5 });
  cleanUps.push(() => opened.close());
  return opened;
}

async function asker(url: string, more: Partial<AskOptions> = {}) {
  const opened = desk(url);
  const seat = await findStation(opened, NAME, { clock, retainedWithinMs: 10_000 });
  const events: AskEvent[] = [];
  const key = new TestOperator('desk.example.com/test');
  const one = new StationAsker({
    ...{ desk: opened, station: NAME, seat, key, clock, randomBytes, nowWallMs: () => NOW },
    onEvent: (event) => events.push(event),
    ...more,
  });
  const ask = (command: Command) => one.ask(command, { silenceMs: 30_000 });
  return { ask, events, desk: opened };
}

const nonce = ({ command }: Heard): string => Buffer.from(command.nonce).toString('hex');
const good = (heard: Heard, part: number, last: boolean, result: object = { n: part }): object => ({
  ...{ request: nonce(heard), part, last, ok: true, result },
});
const bad = (heard: Heard, error: object): object => ({
  ...{ request: nonce(heard), part: 0, last: true, ok: false },
  error: { message: 'no', hint: null, ...error },
});

describe('who asks a station', () => {
  it('gets the parts in order, whatever comes between them', async () => {
    const { broker } = await fakeStation((heard) => {
      heard.say(Buffer.from('garbage'));
      heard.say(good(heard, 2, true));
      heard.say(good({ ...heard, command: { ...heard.command, nonce: randomBytes(16) } }, 0, true));
      heard.say(good(heard, 0, false));
      heard.say(good(heard, 0, false, { n: 'again' }));
      heard.say({ ...good(heard, 1, false), result: 'x'.repeat(30_000) });
      heard.say(good(heard, 1, false));
    });
    const { ask } = await asker(broker.url);
    expect(await ask(DOCTOR)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  });

  it('signs again for a new challenge, which the refusal tells', async () => {
    const challenges: string[] = [];
    const { broker } = await fakeStation((heard, count) => {
      challenges.push(Buffer.from(heard.command.challenge).toString('hex'));
      heard.say(
        count === 0 ? bad(heard, { code: 'remote.stale', challenge: CHALLENGES[1] }) : good(heard, 0, true),
      );
    });
    const { ask, events } = await asker(broker.url);
    expect(await ask(DOCTOR)).toHaveLength(1);
    expect(challenges).toEqual(CHALLENGES);
    expect(events).toEqual([{ event: 'challenge-renewed' }]);
  });

  it('waits for the status with it where the refusal does not tell it', async () => {
    const fake = await fakeStation((heard, count) => {
      if (count > 0) return heard.say(good(heard, 0, true));
      heard.say(bad(heard, { code: 'remote.stale' }));
      void fake.publishStatus(online(CHALLENGES[1]));
    });
    const { ask } = await asker(fake.broker.url);
    expect(await ask(DOCTOR)).toHaveLength(1);
  });

  it('is told what the station says when it refuses the second one, too', async () => {
    const { broker } = await fakeStation((heard, count) =>
      heard.say(bad(heard, { code: 'remote.stale', challenge: CHALLENGES[(count + 1) % 2] })),
    );
    const { ask } = await asker(broker.url);
    await expect(ask(DOCTOR)).rejects.toMatchObject({ code: 'remote.stale' });
  });

  it('signs again relative to the time of a station whose clock is behind', async () => {
    const times: number[] = [];
    const { broker } = await fakeStation((heard, count) => {
      times.push(heard.command.notAfterMs);
      heard.say(
        count === 0
          ? bad(heard, { code: 'remote.expired', stationTimeMs: NOW - HOUR })
          : { ...good(heard, 0, true), expiry: 'unjudged' },
      );
    });
    const { ask, events } = await asker(broker.url);
    expect(await ask(SYNC)).toHaveLength(1);
    expect((times[0] ?? 0) - (times[1] ?? 0)).toBe(HOUR);
    expect(events).toEqual([{ event: 'clock-differs', stationAheadMs: -HOUR }, { event: 'expiry-unjudged' }]);
  });

  it('signs for a time far ahead only what reads, unless told to believe it', async () => {
    const { broker } = await fakeStation((heard) => {
      const isInTime = heard.command.notAfterMs > NOW + HOUR;
      heard.say(
        isInTime ? good(heard, 0, true) : bad(heard, { code: 'remote.expired', stationTimeMs: NOW + HOUR }),
      );
    });
    const wary = await asker(broker.url);
    expect(await wary.ask(DOCTOR)).toHaveLength(1);
    const other = await asker(broker.url);
    await expect(other.ask(SYNC)).rejects.toMatchObject({ code: 'fleet.clock_differs' });
    const believing = await asker(broker.url, { believesStationTime: true });
    expect(await believing.ask(SYNC)).toHaveLength(1);
  });

  it.each([
    ['says nothing', () => {}, 'fleet.no_answer'],
    ['leaves a gap', (heard: Heard) => heard.say(good(heard, 1, true)), 'fleet.incomplete_answer'],
    [
      'obeyed a copy that somebody else sent',
      (heard: Heard) => heard.say(bad(heard, { code: 'remote.replayed' })),
      'fleet.no_answer',
    ],
  ] as const)('stops waiting for a station that %s', async (what, answering, code) => {
    const { broker, wasReached } = await fakeStation(answering);
    const virtual = new VirtualClock();
    const { ask, desk: opened } = await asker(broker.url, { clock: virtual });
    const answered = new Promise<unknown>((resolve) => {
      // The asker's own subscription is served with the same message.
      void opened.subscribe(`${PREFIX}/response/+`, resolve);
    });
    let isOver = false;
    const asked = expect(ask(DOCTOR).finally(() => (isOver = true))).rejects.toMatchObject({ code });
    await (what === 'says nothing' ? wasReached : answered);
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      await virtual.advance(30_000);
    }
    await asked;
  });

  it('learns that a station takes no commands', async () => {
    const { broker } = await fakeStation(() => {}, online(undefined));
    const { ask } = await asker(broker.url);
    await expect(ask(DOCTOR)).rejects.toMatchObject({ code: 'fleet.takes_no_commands' });
  });
});

describe('who looks for a station', () => {
  it('is told which near names there are', async () => {
    const { broker } = await fakeStation(() => {});
    const opened = desk(broker.url);
    let come = (): void => {};
    const haveCome = new Promise<void>((resolve) => (come = resolve));
    const watched: Pick<BrokerDesk, 'subscribe'> = {
      subscribe: (filter, onMessage) =>
        opened.subscribe(filter, (message) => {
          onMessage(message);
          come();
        }),
    };
    // Nothing is retained of the name that is looked for; then the names of all come.
    const pauses = [Promise.resolve(), haveCome];
    const pausing = { nowMonoMs: () => 0, sleep: async () => await pauses.shift() };
    await expect(findStation(watched, 'T-7', { clock: pausing, retainedWithinMs: 1 })).rejects.toMatchObject({
      code: 'fleet.no_station',
      details: { near: [NAME], seen: 1 },
    });
  });

  it('is told that it is offline, and when it last spoke', async () => {
    const { broker, station } = await fakeStation(() => {}, {
      ...{ status: 'offline', station: NAME, reason: 'connection lost' },
    });
    await station.publishAsync(`${PREFIX}/state`, JSON.stringify({ time: NOW }), { qos: 1, retain: true });
    const options = { clock, retainedWithinMs: 100_000 };
    await expect(findStation(desk(broker.url), NAME, options)).rejects.toMatchObject({
      code: 'fleet.station_offline',
      details: { reason: 'connection lost', lastSpokeAt: '2026-11-23T00:00:00Z' },
    });
  });
});
