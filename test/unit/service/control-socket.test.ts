import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog, StationError } from '../../../hal/contract/index.ts';
import { askControlSocket, openControlSocket } from '../../../src/service/index.ts';
import { hasCode } from '../../support/has-code.ts';

/** A socket that answers with what it was asked, after `waits` says so. */
async function echo(answer: (request: unknown) => Promise<object> = async (asked) => ({ asked })) {
  const folder = mkdtempSync(path.join(tmpdir(), 'control-'));
  const file = path.join(folder, 'control.sock');
  const socket = await openControlSocket({ path: file, answer, log: silentLog });
  onTestFinished(async () => {
    await socket.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { file, socket };
}

async function connect(file: string): Promise<{ socket: Socket; lines: AsyncIterator<string> }> {
  const socket = createConnection(file);
  socket.on('error', () => {});
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  return { socket, lines: createInterface({ input: socket })[Symbol.asyncIterator]() };
}

const next = async (lines: AsyncIterator<string>): Promise<Record<string, unknown>> =>
  JSON.parse((await lines.next()).value as string) as Record<string, unknown>;

describe('the control socket', () => {
  it('is for its owner and group', async () => {
    const { file } = await echo();
    expect(statSync(file).mode & 0o777).toBe(0o660);
  });

  it('answers each line in its turn, however the bytes arrive', async () => {
    let running = 0;
    const { file } = await echo(async (asked) => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { asked };
    });
    const { socket, lines } = await connect(file);
    const bytes = Buffer.from('{"n":1}\n\n \n{"n":2}\n{"n":"ü"}\n');
    for (const byte of bytes) socket.write(Buffer.of(byte));
    socket.write(`{"n":4}\n{"n":5}\n`);
    for (const n of [1, 2, 'ü', 4, 5]) expect(await next(lines)).toEqual({ ok: true, asked: { n } });
  });

  it('tells an error by its code, keeps our own mistakes to itself, and goes on', async () => {
    const { file } = await echo(async (asked) => {
      if (asked === 1) throw new StationError('test.refused', 'no', { remedy: 'retry', hint: 'later' });
      if (asked === 2) throw new Error('secret');
      return {};
    });
    const { socket, lines } = await connect(file);
    socket.write('1\n2\n{oops\n3\n');
    expect(await next(lines)).toEqual({
      ok: false,
      error: { code: 'test.refused', message: 'no', remedy: 'retry', hint: 'later', details: {} },
    });
    expect(await next(lines)).toMatchObject({
      ok: false,
      error: { code: 'internal', message: 'the request failed' },
    });
    expect(await next(lines)).toMatchObject({ ok: false, error: { code: 'control.bad_json' } });
    expect(await next(lines)).toEqual({ ok: true });
  });

  it('cuts off who sends a line without an end, and a flood of empty lines ends nothing', async () => {
    const { file } = await echo();
    const flooded = await connect(file);
    flooded.socket.write('\n'.repeat(200_000));
    flooded.socket.write('7\n');
    expect(await next(flooded.lines)).toEqual({ ok: true, asked: 7 });
    const { socket, lines } = await connect(file);
    const closed = once(socket, 'close');
    socket.write('x'.repeat(100_000));
    expect(await next(lines)).toMatchObject({ error: { code: 'control.too_long' } });
    await closed;
    expect(await askControlSocket(file, { n: 1 })).toEqual({ ok: true, asked: { n: 1 } });
  });

  it('asks nothing more of the station for a client that does not read its answers', async () => {
    let asks = 0;
    const { file } = await echo(async () => ({ n: ++asks, text: 'x'.repeat(100_000) }));
    const { socket, lines } = await connect(file);
    socket.pause();
    socket.write('1\n'.repeat(500));
    // Others are answered meanwhile, and as often as that is the case nothing more was asked for the first one.
    for (let i = 0; i < 50; i++) await askControlSocket(file, {});
    expect(asks).toBeLessThan(60);
    socket.resume();
    for (let i = 0; i < 500; i++) expect(await next(lines)).toMatchObject({ ok: true });
  });

  it('answers who has closed its half of the connection after asking', async () => {
    const { file } = await echo(async (asked) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { asked };
    });
    const socket = createConnection({ path: file, allowHalfOpen: true });
    socket.end('1\n2\n');
    const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
    const closed = once(socket, 'close');
    expect(await next(answers)).toEqual({ ok: true, asked: 1 });
    expect(await next(answers)).toEqual({ ok: true, asked: 2 });
    await closed;
  });

  it('takes sixteen connections, and one more when one has gone', async () => {
    const { file } = await echo();
    const connections = [];
    for (let i = 0; i < 16; i++) connections.push(await connect(file));
    for (const { socket, lines } of connections) {
      socket.write('1\n');
      await next(lines);
    }
    expect(await askControlSocket(file, {})).toMatchObject({ error: { code: 'control.busy' } });
    const { socket } = connections[0]!;
    const gone = once(socket, 'close');
    socket.end();
    await gone;
    await expect.poll(() => askControlSocket(file, {})).toMatchObject({ ok: true });
  });

  it('takes the place of one that a killed service left behind, and of nothing else', async () => {
    const { file, socket } = await echo();
    const options = { path: file, answer: async () => ({}), log: silentLog };
    await expect(openControlSocket(options)).rejects.toThrow(hasCode('control.in_use'));
    await socket.close();
    expect(existsSync(file)).toBe(false);
    await expect(askControlSocket(file, {})).rejects.toThrow(hasCode('control.unreachable'));
    writeFileSync(file, '');
    await expect(openControlSocket(options)).rejects.toThrow(hasCode('control.failed'));
    await expect(openControlSocket({ ...options, path: `${file}/x` })).rejects.toThrow(
      hasCode('control.failed'),
    );
  });

  it('tells the answer of what was done before it closes', async () => {
    let asks = 0;
    let finish = (): void => {};
    const work = new Promise<void>((resolve) => (finish = resolve));
    const { file, socket } = await echo(async () => {
      asks++;
      await work;
      return { done: true };
    });
    const asked = askControlSocket(file, {});
    await expect.poll(() => asks).toBe(1);
    const { socket: idle } = await connect(file);
    const gone = once(idle, 'close');
    const closed = socket.close();
    finish();
    await closed;
    expect(await asked).toEqual({ ok: true, done: true });
    await gone;
  });

  it('says of a service that ends meanwhile that the effect is not known', async () => {
    let asks = 0;
    const { file, socket } = await echo(() => new Promise(() => void asks++));
    const asked = askControlSocket(file, {});
    const refused = expect(asked).rejects.toMatchObject({ code: 'control.no_answer', effect: 'unknown' });
    await expect.poll(() => asks).toBe(1);
    await socket.close();
    await refused;
  });
});
