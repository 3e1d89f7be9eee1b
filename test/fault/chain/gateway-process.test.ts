import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { type GatewayEvent, type GatewayOptions, GatewayProcess } from '../../../src/chain/index.ts';
import { FrameError } from '../../../src/chain/frame.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { GATEWAY } from '../../support/sync/sync-station.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../support/sync/gateway-that-misbehaves.js');
const publicKey = `0x${'07'.repeat(32)}` as const;
/** What a flood may end in: killed for it, or so slow that it answers nobody. */
const CONTAINED = ['chain.protocol', 'chain.timeout', 'chain.gateway_silent'];
const started: GatewayProcess[] = [];
const timeZone = process.env['TZ'];

afterEach(async () => {
  if (timeZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = timeZone;
  await Promise.all(started.splice(0).map((gateway) => gateway.stop()));
});

/** The mode travels as TZ: of the core's environment a gateway sees next to nothing, and no argument is passed on. */
async function start(mode: string, options: Partial<GatewayOptions> = {}): Promise<GatewayProcess> {
  process.env['TZ'] = mode;
  const gateway = await GatewayProcess.start({
    entry: PROGRAM,
    clock: systemMonotonicClock,
    log: silentLog,
    onEvent: () => {},
    ...options,
  });
  started.push(gateway);
  return gateway;
}

function isGone(pid: number | undefined): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('a gateway that answers', () => {
  it('gives results and events; an answer that nobody waits for is dropped', async () => {
    const events: GatewayEvent[] = [];
    const gateway = await start('answers', { onEvent: (event) => events.push(event) });
    expect(await gateway.request('account', { publicKey })).toMatchObject({ nonce: 7, free: '1' });
    expect(events).toMatchObject([{ type: 'finalized', block: { number: 5 } }]);
    await gateway.stop();
    expect(isGone(gateway.pid)).toBe(true);
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_exited',
    });
  });

  it('passes on why it could not do it, with code, remedy and effect', async () => {
    const gateway = await start('refuses');
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.refused',
      effect: 'unknown',
      message: `account ${publicKey}`,
    });
  });
});

describe('a gateway that fails', () => {
  it('is not taken for silent because the core itself stood still', async () => {
    const gateway = await start('mute', { silenceMs: 500 });
    const until = performance.now() + 2_500;
    while (performance.now() < until);
    await expect(gateway.request('account', { publicKey }, 200)).rejects.toMatchObject({
      code: 'chain.timeout',
    });
    expect(isGone(gateway.pid)).toBe(false);
  });

  it('is killed when it spins and its heart stops', async () => {
    const gateway = await start('spins', { silenceMs: 300 });
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_silent',
      effect: 'unknown',
    });
    await gateway.stop();
    expect(isGone(gateway.pid)).toBe(true);
  });

  it('rejects what is open, with its last words, when it dies', async () => {
    const gateway = await start('dies');
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_exited',
      details: { code: 7, lastOutput: 'the light client has crashed' },
    });
    expect(await gateway.ended).toMatchObject({ code: 'chain.gateway_exited' });
  });

  it.each([
    'garbage',
    'lies',
    'unframed',
    'announces-a-gigabyte',
    'deeply-nested',
    'floods-with-messages',
    'floods-with-bytes',
  ])('is killed when it does not speak the protocol (%s)', async (mode) => {
    const gateway = await start(mode);
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({ code: 'chain.protocol' });
    await gateway.stop();
    expect(isGone(gateway.pid)).toBe(true);
  });

  it.each(['lies-at-length', 'is-of-an-unheard-kind'])(
    'puts no more into an error than people can read (%s)',
    async (mode) => {
      const gateway = await start(mode);
      const asked = gateway.request('account', { publicKey });
      await expect(asked).rejects.toMatchObject({ code: 'chain.protocol' });
      const { message } = await gateway.ended;
      expect(message.length).toBeLessThan(1_000);
    },
  );

  it('is killed when it grows above its memory', async () => {
    const gateway = await start('grows', { maxRssBytes: 2 ** 30 });
    await expect(gateway.request('account', { publicKey })).rejects.toMatchObject({
      code: 'chain.gateway_too_big',
    });
  });

  it('is killed when it grows and says that it does not', async () => {
    const gateway = await start('grows-and-lies', { maxRssBytes: 200 * 2 ** 20 });
    const asked = gateway.request('account', { publicKey });
    await expect(asked).rejects.toMatchObject({ code: 'chain.gateway_too_big' });
  });

  it('is gone when it is stopped, whatever it thinks of signals', async () => {
    const gateway = await start('ignores-sigterm');
    process.kill(gateway.pid ?? 0, 'SIGTERM');
    await gateway.stop();
    expect(isGone(gateway.pid)).toBe(true);
  });

  it('makes the core hold one frame of it at most, and time out as ever', async () => {
    const gateway = await start('a-frame-without-end');
    await expect(gateway.request('account', { publicKey }, 300)).rejects.toMatchObject({
      code: 'chain.timeout',
    });
  });

  it.each(['floods-with-messages', 'floods-with-bytes', 'floods-its-output'])(
    'costs the core neither its memory nor its turns (%s)',
    async (mode) => {
      const before = process.memoryUsage.rss();
      const turns = monitorEventLoopDelay({ resolution: 10 });
      const gateway = await start(mode, { silenceMs: 3_000 });
      turns.enable();
      const asked = gateway.request('account', { publicKey }, 2_500);
      await expect(asked).rejects.toMatchObject({ code: expect.toBeOneOf(CONTAINED) as string });
      turns.disable();
      expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 2 ** 20);
      // A turn in which nothing else is done: on a busy machine it may be late, but never by as much as a flood makes it.
      expect(turns.percentile(50) / 1e6).toBeLessThan(500);
    },
  );

  it('leaves nothing open in the core when it is killed in the middle of its output', async () => {
    const isSocket = (fd: string): boolean => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
      } catch {
        return false;
      }
    };
    const sockets = (): number => readdirSync('/proc/self/fd').filter(isSocket).length;
    const before = sockets();
    const gateway = await start('floods-its-output', { silenceMs: 60_000 });
    await expect(gateway.request('account', { publicKey }, 300)).rejects.toMatchObject({
      code: 'chain.timeout',
    });
    await gateway.stop();
    await expect.poll(sockets).toBe(before);
  });

  it('is not sent what does not fit into a frame, and nobody waits for an answer to it', async () => {
    const gateway = await start('mute');
    const tooLong = `0x${'00'.repeat(600_000)}` as const;
    await expect(gateway.request('account', { publicKey: tooLong }, 50)).rejects.toThrow(FrameError);
    // By then the first one's time is over as well; a rejection that nobody hears would end the core.
    await expect(gateway.request('account', { publicKey }, 150)).rejects.toMatchObject({
      code: 'chain.timeout',
    });
  });

  it('leaves no request without an end', async () => {
    const gateway = await start('mute');
    await expect(gateway.request('account', { publicKey }, 200)).rejects.toMatchObject({
      code: 'chain.timeout',
      effect: 'unknown',
    });
    expect(isGone(gateway.pid)).toBe(false);
  });

  it.each([
    ['never-ready', 'chain.gateway_silent', 300],
    ['wrong-version', 'chain.protocol', 60_000],
    ['dies-at-once', 'chain.gateway_exited', 60_000],
  ])('is not started when it is %s', async (mode, cause, startMs) => {
    await expect(start(mode, { startMs })).rejects.toMatchObject({
      code: 'chain.gateway_start_failed',
      cause: { code: cause },
    });
  });
});

describe('a core that may open no more files', () => {
  it('is told that no gateway starts, and goes on', async () => {
    const source = path.resolve(import.meta.dirname, '../../../src/chain/gateway-process.ts');
    const program = `
      import { closeSync, openSync } from 'node:fs';
      import { GatewayProcess } from ${JSON.stringify(source)};
      const files = [];
      try { for (;;) files.push(openSync('/dev/null')); } catch {}
      for (const spare of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
        const codes = new Set();
        if (spare > 0) closeSync(files.pop());
        await GatewayProcess.start({
          entry: '/nowhere', clock: { nowMonoMs: () => 0 }, log: () => {}, onEvent: () => {},
        }).catch((error) => codes.add(error.code));
        await new Promise((resolve) => setTimeout(resolve, 50));
        process.stdout.write([...codes].join() + ' ');
      }`;
    const node = `exec ${process.execPath} --import tsx --input-type=module -e "$0"`;
    const child = spawn('bash', ['-c', `ulimit -n 64; ${node}`, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    const [status] = (await once(child, 'close')) as [number];
    expect(status).toBe(0);
    expect(new Set(said.trim().split(' '))).toEqual(new Set(['chain.gateway_start_failed']));
  });
});

describe('a gateway whose start is called off', () => {
  it('is gone at once, whatever it was waiting for', async () => {
    const abort = new AbortController();
    const starting = start('never-ready', { signal: abort.signal });
    abort.abort();
    await expect(starting).rejects.toMatchObject({ code: 'chain.gateway_start_failed' });
    await expect(start('never-ready', { signal: abort.signal })).rejects.toMatchObject({
      code: 'chain.gateway_start_failed',
    });
  });
});

describe('the real gateway', () => {
  it('ends with its core, also when a light client has taken its main thread for good', async () => {
    // A core that starts a process which does what the gateway does at its start and then spins; then the core is killed.
    const source = path.resolve(import.meta.dirname, '../../../src/chain/gateway/parent-watch.ts');
    const spinner = `
      import { dieWithCore } from ${JSON.stringify(source)};
      dieWithCore(Number(process.argv[1].slice(2)));
      setTimeout(() => { process.stdout.write(process.pid + '\\n'); setTimeout(() => { for (;;); }, 100); }, 200);`;
    const core = `
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', ${JSON.stringify(spinner)}, '--', 'p=' + process.pid], { stdio: 'inherit' });`;
    const child = spawn(process.execPath, ['-e', core], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const pid = Number(line);
    expect(isGone(pid)).toBe(false);
    child.kill('SIGKILL');
    await expect.poll(() => isGone(pid), { timeout: 10_000 }).toBe(true);
  });

  it('does not run without a core', async () => {
    const child = spawn(process.execPath, [GATEWAY.pathname], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [status] = (await once(child, 'exit')) as [number];
    expect(status).toBe(2);
  });
});
