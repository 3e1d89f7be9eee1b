// `npm run devnet` as somebody uses it who has another project: a process, its output, its commands.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const MAIN = fileURLToPath(new URL('../devnet/main.ts', import.meta.url));

interface Ready {
  readonly relaySpec: string;
  readonly rpcUrl: string;
  readonly controlUrl: string;
}

describe('the dev network as a tool', { timeout: 60_000 }, () => {
  let tool: ChildProcess;
  let lines: AsyncIterator<string>;
  let ready: Ready;

  const start = (...args: readonly string[]) =>
    spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });

  beforeAll(async () => {
    tool = start(
      '--json',
      '--stdin',
      '--port-rpc',
      '0',
      '--port-control',
      '0',
      '--heartbeat',
      '0',
      '--relay-peers',
      '2',
    );
    if (tool.stdout === null) throw new Error('no output');
    lines = createInterface({ input: tool.stdout })[Symbol.asyncIterator]();
    ready = JSON.parse(await nextLine()) as Ready;
  });

  afterAll(() => tool.kill('SIGKILL'));

  const nextLine = async (): Promise<string> => (await lines.next()).value as string;

  /** Types a command and returns the line that answers it. */
  const type = async (line: string): Promise<string> => {
    tool.stdin?.write(`${line}\n`);
    return await nextLine();
  };

  const post = async (command: string, parameters: unknown, init: RequestInit = {}) => {
    const response = await fetch(`${ready.controlUrl}/${command}`, {
      method: 'POST',
      body: JSON.stringify(parameters),
      ...init,
    });
    return { status: response.status, ...((await response.json()) as { result?: unknown; error?: unknown }) };
  };

  it('takes commands from its standard input', async () => {
    expect(await type('step')).toBe('3');
    expect(await type('fault stale on relay-2')).toBe('ok');
    expect(await type('link 200ms')).toBe('ok');
    expect(await type('status')).toBe('relay       best 43, final 42');
    expect(await nextLine()).toBe('parachain   best 3, final 2');
    expect(await nextLine()).toMatch(/^relay-1 +\d+ connected \/ip4/);
    expect(await nextLine()).toMatch(/^relay-2 +\d+ connected \[stale\] \/ip4/);
    expect(await nextLine()).toMatch(/^parachain-1/);
    expect(await nextLine()).toMatch(/^rpc .* ws:/);
    expect(await nextLine()).toBe('link        200 ms each way');
  });

  it('takes them over HTTP, and answers in JSON', async () => {
    expect(await post('fault', { name: 'silent', value: true, target: 'relay-1' })).toMatchObject({
      status: 200,
    });
    expect(await post('link', { delayMs: 0 })).toMatchObject({ status: 200 });
    expect(await post('reorg', { depth: 1 })).toMatchObject({
      result: { retracted: [{ number: 3 }], best: { number: 4 } },
    });
    const { result } = (await (await fetch(`${ready.controlUrl}/status`)).json()) as { result: unknown };
    expect(result).toMatchObject({
      parachain: { best: 4 },
      peers: [
        { name: 'relay-1', faults: { silent: true } },
        { name: 'relay-2', faults: { stale: true } },
        {},
      ],
    });
    expect(await post('block', { number: 4 })).toMatchObject({ result: { number: 4 } });
    expect(await post('fault', { name: 'peers', value: false })).toMatchObject({ status: 200 });
  });

  it('says what is wrong with a command', async () => {
    expect(await post('fault', { name: 'nonsense', value: true })).toMatchObject({
      status: 400,
      error: { code: 'devnet.bad_input' },
    });
    expect(await post('reorg', { depth: 4 })).toMatchObject({
      status: 400,
      error: { code: 'devnet.bad_input' },
    });
    expect(await post('fly', {})).toMatchObject({ status: 404 });
    expect(await post('step', {}, { body: '{' })).toMatchObject({ status: 400 });
    expect((await fetch(`${ready.controlUrl}/step`)).status).toBe(405);
  });

  it('does not listen to web pages', async () => {
    expect(await post('step', {}, { headers: { origin: 'https://example.org' } })).toMatchObject({
      status: 403,
    });
    const rebound = request(`${ready.controlUrl}/status`, { headers: { host: 'example.org' } }).end();
    const [response] = (await once(rebound, 'response')) as [{ statusCode: number; resume: () => void }];
    response.resume();
    expect(response.statusCode).toBe(403);
  });

  it('has an RPC server that lies when it is told to', async () => {
    const socket = new WebSocket(ready.rpcUrl);
    await once(socket, 'open');
    const ask = async (method: string): Promise<unknown> => {
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }));
      const [data] = (await answered) as [Buffer];
      return (JSON.parse(data.toString('utf8')) as { result: unknown }).result;
    };
    const hashOf = async (number: number) =>
      ((await post('block', { number })).result as { hash: string } | undefined)?.hash;
    const best = async () =>
      ((await post('status', {})).result as { parachain: { best: number } }).parachain.best;
    await expect.poll(() => ask('chain_getBlockHash'), { timeout: 30_000 }).toBe(await hashOf(await best()));
    expect(await post('fault', { name: 'laggingBlocks', value: 2 })).toMatchObject({ status: 200 });
    expect(await ask('chain_getBlockHash')).toBe(await hashOf((await best()) - 2));
    // The server behind the lie is not cut with the peers that clients know.
    await post('cut', { target: 'relay' });
    await post('fault', { name: 'rpc', value: false });
    await post('step', {});
    await expect.poll(() => ask('chain_getBlockHash'), { timeout: 30_000 }).toBe(await hashOf(await best()));
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    await post('cut', { target: 'rpc' });
    await closed;
  });

  it('ends when it is told to quit', async () => {
    const exited = once(tool, 'exit');
    tool.stdin?.write('quit\n');
    expect(await exited).toEqual([0, null]);
  });

  it('ends with status 2 when it is started wrongly', async () => {
    const refused = start('--relay-peers', '9');
    expect(await once(refused, 'exit')).toEqual([2, null]);
  });
});
