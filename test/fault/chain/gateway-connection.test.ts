import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { type GatewayOptions, GatewayProcess } from '../../../src/chain/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import {
  type Activator,
  type ActivatorOptions,
  startActivator,
} from '../../support/system/socket-activator.ts';
import { GATEWAY } from '../../support/sync/sync-station.ts';

const MISBEHAVES = path.resolve(import.meta.dirname, '../../support/sync/gateway-that-misbehaves.js');
const ACTIVATE = '/usr/bin/systemd-socket-activate';
const publicKey = `0x${'07'.repeat(32)}` as const;
const ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function directory(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'gateway-'));
  ends.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function activator(options: ActivatorOptions): Promise<Activator> {
  const started = await startActivator(options);
  ends.push(() => started.stop());
  return started;
}

async function connect(socket: string, options: Partial<GatewayOptions> = {}): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start({
    entry: { socket },
    clock: systemMonotonicClock,
    log: silentLog,
    onEvent: () => {},
    ...options,
  });
  ends.push(() => gateway.stop());
  return gateway;
}

function isGone(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('a gateway of another user, behind a socket', () => {
  it('answers; its number and its memory are what it says of itself', async () => {
    const { socket, children } = await activator({ program: MISBEHAVES, env: { TZ: 'answers' } });
    const gateway = await connect(socket);
    expect(await gateway.request('account', { publicKey })).toMatchObject({ nonce: 7, free: '1' });
    await gateway.stop();
    const [child] = children;
    if (child?.exitCode === null) await once(child, 'exit');
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_exited',
    });
  });

  it('has ended when its connection has: what is open is rejected, and the core goes on', async () => {
    const { socket, children } = await activator({ program: MISBEHAVES, env: { TZ: 'mute' } });
    const gateway = await connect(socket);
    const asked = gateway.request('account', { publicKey });
    children[0]?.kill('SIGKILL');
    await expect(asked).rejects.toMatchObject({ code: 'chain.gateway_exited', effect: 'unknown' });
    expect(await gateway.ended).toMatchObject({ code: 'chain.gateway_exited', remedy: 'retry' });
    const next = await connect(socket);
    expect(children).toHaveLength(2);
    await next.stop();
  });

  it.each([
    ['garbage', 'chain.protocol'],
    ['announces-a-gigabyte', 'chain.protocol'],
    ['floods-with-bytes', 'chain.protocol'],
  ])('is left when it does not speak the protocol (%s)', async (mode, code) => {
    const { socket } = await activator({ program: MISBEHAVES, env: { TZ: mode } });
    const gateway = await connect(socket);
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({ code });
  });

  it('does not stand in the way of the next one when it hangs and was left', async () => {
    const { socket, children } = await activator({ program: MISBEHAVES, env: { TZ: 'spins' } });
    const gateway = await connect(socket, { silenceMs: 300 });
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_silent',
    });
    const next = await connect(socket);
    expect(children[0]?.signalCode).toBeNull();
    expect(children).toHaveLength(2);
    await next.stop();
  });

  it('cannot have another process ended by claiming its number', async () => {
    const { socket } = await activator({ program: MISBEHAVES, env: { TZ: 'claims-the-core' } });
    const gateway = await connect(socket, { maxRssBytes: 2 ** 20 });
    const { code } = (await gateway.ended) as { code?: string };
    expect(code).toBe('chain.gateway_too_big');
    expect(gateway.pid).toBe(process.pid);
  });
});

describe('a socket behind which no gateway starts', () => {
  const failed = { code: 'chain.gateway_start_failed', remedy: 'retry' };

  it('is said with the reason when nobody has made it', async () => {
    const socket = path.join(directory(), 'absent.sock');
    await expect(connect(socket)).rejects.toMatchObject({ ...failed, cause: { code: 'ENOENT' } });
  });

  it('is said with the reason when nobody listens there any more', async () => {
    const socket = path.join(directory(), 'left.sock');
    const listener = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', listener]);
    await expect(connect(socket)).rejects.toMatchObject({ ...failed, cause: { code: 'ECONNREFUSED' } });
  });

  it('is left when it takes the connection and says nothing', async () => {
    const socket = path.join(directory(), 'mute.sock');
    const server = createServer(() => {}).listen(socket);
    ends.push(() => void server.close());
    const started = connect(socket, { startMs: 300 });
    await expect(started).rejects.toMatchObject({ ...failed, cause: { code: 'chain.gateway_silent' } });
  });

  it('is said when it closes the connection because there are too many', async () => {
    const { socket } = await activator({ program: MISBEHAVES, env: { TZ: 'mute' }, maxConnections: 1 });
    await connect(socket);
    await expect(connect(socket)).rejects.toMatchObject({
      ...failed,
      cause: { code: 'chain.gateway_exited' },
    });
  });
});

describe('the real gateway, handed its connection', () => {
  const relaySpec = '/nonexistent/relay.json';
  const transport = { transport: 'light-client', relaySpec, paraSpec: relaySpec } as const;

  it('works for it, says who it is, and ends with it', async () => {
    const { socket, children } = await activator({ program: GATEWAY.pathname });
    const gateway = await connect(socket);
    await expect(gateway.request('connect', { transport, call: null })).rejects.toMatchObject({
      code: 'chain.spec_unreadable',
    });
    expect(gateway.pid).toBe(children[0]?.pid);
    expect(gateway.rssBytes).toBeGreaterThan(10 * 2 ** 20);
    await gateway.stop();
    await expect.poll(() => isGone(children[0]?.pid ?? 0), { timeout: 10_000 }).toBe(true);
  });

  it('does not take what was handed over to another process', async () => {
    const run = `LISTEN_PID=1 LISTEN_FDS=1 exec '${process.execPath}' '${GATEWAY.pathname}'`;
    const child = spawn('/bin/sh', ['-c', run], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    const [status] = (await once(child, 'exit')) as [number];
    expect(status).toBe(2);
  });

  it.skipIf(!existsSync(ACTIVATE))(
    'is started by systemd-socket-activate as by our double of it (needs the package systemd)',
    async () => {
      const socket = path.join(directory(), 'gateway.sock');
      const activate = spawn(ACTIVATE, ['--accept', '--listen', socket, process.execPath, GATEWAY.pathname], {
        stdio: 'ignore',
      });
      ends.push(() => void activate.kill('SIGKILL'));
      await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true);
      const gateway = await connect(socket);
      await expect(gateway.request('connect', { transport, call: null })).rejects.toMatchObject({
        code: 'chain.spec_unreadable',
      });
      expect(gateway.pid).toBeGreaterThan(0);
      const { pid = 0 } = gateway;
      await gateway.stop();
      await expect.poll(() => isGone(pid), { timeout: 10_000 }).toBe(true);
    },
  );
});

describe('the watch of a gateway that nobody else can end', () => {
  it('ends it when its main thread spins, and not before', async () => {
    const source = path.resolve(import.meta.dirname, '../../../src/chain/gateway/hang-watch.ts');
    const program = `
      import { dieWhenHung } from ${JSON.stringify(source)};
      const beat = dieWhenHung({ everyMs: 20, looks: 60 });
      let beats = 0;
      setInterval(() => {
        beat();
        if (++beats < 30) return;
        process.stdout.write('30 beats\\n');
        for (;;);
      }, 20);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ said, signal }).toEqual({ said: '30 beats\n', signal: 'SIGKILL' });
  });
});
