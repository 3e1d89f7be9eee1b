import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { MonotonicClock } from '../../../hal/contract/index.ts';
import { openDesk, type BrokerDesk, type DeskMessage, type DeskOptions } from '../../../src/fleet/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { startBroker } from '../../support/telemetry/broker.ts';
import { NO_MOSQUITTO, startMosquitto } from '../../support/telemetry/mosquitto.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function desk(
  url: string,
  options: Partial<DeskOptions> = {},
  clock: MonotonicClock = systemMonotonicClock,
): BrokerDesk {
  const limits = { reconnectMinMs: 5, reconnectMaxMs: 20, ...options.limits };
  const opened = openDesk({ url, ...options, limits }, { clock, random: () => 0.5 });
  cleanUps.push(() => opened.close());
  return opened;
}

async function broker(options: Parameters<typeof startBroker>[0] = {}) {
  const started = await startBroker(options);
  cleanUps.push(() => started.stop());
  return started;
}

/** A TCP server that answers the first bytes of each connection with these. */
async function answering(bytes: readonly number[]): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    socket.once('data', () => socket.write(Buffer.from(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** Messages as they come, and the moment when one holds. */
function inbox() {
  const messages: DeskMessage[] = [];
  const looks = new Set<() => void>();
  return {
    messages,
    receive: (message: DeskMessage) => {
      messages.push(message);
      for (const look of looks) look();
    },
    has: (holds: (message: DeskMessage) => boolean) =>
      new Promise<DeskMessage>((resolve) => {
        const look = (): void => {
          const found = messages.find(holds);
          if (found !== undefined) resolve(found);
        };
        looks.add(look);
        look();
      }),
  };
}

const text = ({ payload }: DeskMessage): string => Buffer.from(payload).toString();

describe('a desk', () => {
  it.each([
    [5, '5'],
    [4, '3.1.1'],
  ] as const)('speaks to a broker whose highest level is %s: MQTT %s', async (highestLevel, version) => {
    const { url } = await broker({ highestLevel });
    const one = desk(url);
    await one.connected();
    const { messages, receive, has } = inbox();
    await one.subscribe('t/+', receive);
    const correlationData = Buffer.from('abc');
    await one.publish({ topic: 't/1', payload: Buffer.from('hello'), correlationData });
    const got = await has((message) => text(message) === 'hello');
    expect(messages).toHaveLength(1);
    expect(got).toMatchObject({ topic: 't/1', retained: false });
    if (version === '5') expect(Buffer.from(got.correlationData ?? []).toString()).toBe('abc');
    else expect(got.correlationData).toBeUndefined();
    expect(one.state()).toMatchObject({ connected: true, protocolVersion: version, sessions: 1 });
  });

  it('whose connection breaks comes back and hears again what it subscribed to', async () => {
    const middle = await broker();
    const one = desk(middle.url);
    const other = desk(middle.url);
    const { receive, has } = inbox();
    await one.subscribe('t/#', receive);
    await other.connected();
    const isBack = new Promise<void>((resolve) =>
      one.onChange(() => one.state().sessions === 2 && one.state().connected && resolve()),
    );
    middle.cut();
    await isBack;
    // A subscription that was granted after it: all before it were, too.
    await one.subscribe('u', () => {});
    await other.connected();
    await other.publish({ topic: 't/x', payload: Buffer.from('again') });
    expect((await has((message) => text(message) === 'again')).topic).toBe('t/x');
  });

  it('gets what came for it while its connection was broken: the broker keeps its session', async () => {
    const middle = await broker();
    // It does not come back before it is let.
    let letBack = (): void => {};
    const isLet = new Promise<void>((resolve) => (letBack = resolve));
    const clock: MonotonicClock = {
      nowMonoMs: () => systemMonotonicClock.nowMonoMs(),
      sleep: (ms, signal) => (ms < 100 ? isLet : systemMonotonicClock.sleep(ms, signal)),
    };
    const one = desk(middle.url, {}, clock);
    const other = desk(middle.url);
    const { receive, has } = inbox();
    await Promise.all([one.subscribe('t/#', receive), other.connected()]);
    const isBack = new Promise<void>((resolve) =>
      other.onChange(() => other.state().sessions === 2 && other.state().connected && resolve()),
    );
    middle.cut();
    await isBack;
    await other.publish({ topic: 't/x', payload: Buffer.from('meanwhile') });
    expect(one.state().connected).toBe(false);
    letBack();
    expect(text(await has(() => true))).toBe('meanwhile');
    expect(one.state().sessions).toBe(2);
  });

  it('hears nothing any more of what it has ended, and goes on hearing the rest', async () => {
    const { url } = await broker();
    const one = desk(url);
    const [ended, kept] = [inbox(), inbox()];
    const subscription = await one.subscribe('t/a', ended.receive);
    await one.subscribe('t/b', kept.receive);
    await subscription.end();
    await one.publish({ topic: 't/a', payload: Buffer.from('1') });
    await one.publish({ topic: 't/b', payload: Buffer.from('2') });
    await kept.has(() => true);
    expect(ended.messages).toEqual([]);
    expect(one.state().sessions).toBe(1);
  });

  it('says that nothing listens there, and goes on trying', async () => {
    const gone = await startBroker();
    await gone.stop();
    const one = desk(gone.url);
    await expect(one.connected()).rejects.toMatchObject({ code: 'fleet.unreachable' });
    const again = await startBroker({ port: gone.port });
    cleanUps.push(() => again.stop());
    const { receive, has } = inbox();
    await one.subscribe('t', receive);
    await one.publish({ topic: 't', payload: Buffer.from('late') });
    expect(text(await has(() => true))).toBe('late');
  });

  it.each([
    ['of which the name has no address', 'mqtt://no-such-host.invalid', 'fleet.host_unknown'],
    ['that refuses the password', [0x20, 3, 0, 0x86, 0], 'fleet.login_refused'],
    ['that is a web server', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'fleet.bad_packet'],
    [
      'that announces 256 MB after CONNACK',
      [0x20, 3, 0, 0, 0, 0x30, 0xff, 0xff, 0xff, 0x7f],
      'fleet.bad_packet',
    ],
  ] as const)('explains a broker %s', async (_what, answer, code) => {
    const one = desk(typeof answer === 'string' ? answer : await answering(answer));
    // The last one opens a session first, and loses it.
    const failed = new Promise<string | undefined>((resolve) =>
      one.onChange(() => one.state().failure && resolve(one.state().failure?.code)),
    );
    one.connected().catch(() => {});
    expect(await failed).toBe(code);
  });

  it('tells what was in flight when the broker stopped to answer: its effect is not known', async () => {
    const url = await answering([0x20, 3, 0, 0, 0]);
    const one = desk(url, { limits: { acknowledgeTimeoutMs: 20 } });
    await one.connected();
    const publish = one.publish({ topic: 't', payload: Buffer.from('x') });
    await expect(publish).rejects.toMatchObject({ code: 'fleet.no_acknowledgement', effect: 'unknown' });
  });

  it('that is closed takes nothing more, and leaves nobody waiting', async () => {
    const url = await answering([0x20, 3, 0, 0, 0]);
    const one = desk(url);
    await one.connected();
    const never = one.subscribe('t', () => {});
    await Promise.all([expect(never).rejects.toMatchObject({ code: 'fleet.not_connected' }), one.close()]);
    await expect(one.connected()).rejects.toMatchObject({ code: 'fleet.not_connected' });
    await expect(one.publish({ topic: 't', payload: new Uint8Array() })).rejects.toMatchObject({
      code: 'fleet.not_connected',
    });
  });
});

describe.skipIf(NO_MOSQUITTO)(`a desk at mosquitto (${NO_MOSQUITTO ?? 'installed'})`, () => {
  it('is told what its access list lacks, and that nobody listens', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'desk-'));
    const acl = path.join(folder, 'acl');
    writeFileSync(acl, 'topic readwrite allowed/#\n', { mode: 0o644 });
    const { port, kill } = await startMosquitto(['allow_anonymous true', `acl_file ${acl}`]);
    cleanUps.push(async () => {
      await kill();
      rmSync(folder, { recursive: true });
    });
    const one = desk(`mqtt://127.0.0.1:${port}`);
    await one.connected();
    await expect(one.publish({ topic: 'other/x', payload: Buffer.from('1') })).rejects.toMatchObject({
      code: 'fleet.not_allowed',
    });
    expect(await one.publish({ topic: 'allowed/x', payload: Buffer.from('1') })).toEqual({ heard: false });
    await one.subscribe('allowed/#', () => {});
    expect(await one.publish({ topic: 'allowed/x', payload: Buffer.from('1') })).toEqual({ heard: true });
  });
});
