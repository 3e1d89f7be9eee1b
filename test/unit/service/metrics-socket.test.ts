import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMetricsSocket, type MetricsSocket } from '../../../src/service/index.ts';
import { hasCode } from '../../support/has-code.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

describe('the socket for Prometheus', () => {
  let directory: string;
  let socketPath: string;
  let nowMonoMs = 0;
  let made = 0;
  let text = (): string => '';
  const logged: string[] = [];
  const open: MetricsSocket[] = [];

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'metrics-'));
    socketPath = path.join(directory, 'metrics.sock');
    [nowMonoMs, made] = [0, 0];
    text = () => `a ${++made}\n`;
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((socket) => socket.close()));
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(): Promise<MetricsSocket> {
    const socket = await openMetricsSocket({
      ...{ path: socketPath, text: () => text() },
      clock: { nowMonoMs: () => nowMonoMs, sleep: () => Promise.resolve() },
      log: (_level, event) => void logged.push(event),
    });
    open.push(socket);
    return socket;
  }

  function ask(target: string, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.request({ socketPath, path: target, method, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      });
      request.on('error', reject).end();
    });
  }

  /** What comes for bytes that no client would send. */
  function raw(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = net.connect(socketPath, () => socket.write(bytes));
      socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      socket.on('error', reject).on('close', () => resolve(answer));
    });
  }

  it('answers GET /metrics as text format 0.0.4, to its owner and its group', async () => {
    await start();
    const { status, headers, body } = await ask('/metrics');
    expect({ status, body, type: headers['content-type'] }).toEqual({
      ...{ status: 200, body: 'a 1\n', type: 'text/plain; version=0.0.4; charset=utf-8' },
    });
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  });

  it('answers a query string, and HEAD without a body', async () => {
    await start();
    expect(await ask('/metrics?name=x')).toMatchObject({ status: 200, body: 'a 1\n' });
    const head = await ask('/metrics', 'HEAD');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('4');
  });

  it('has nothing else, and takes nothing', async () => {
    await start();
    expect(await ask('/')).toMatchObject({ status: 404 });
    expect(await ask('/metrics/x')).toMatchObject({ status: 404 });
    const post = await ask('/metrics', 'POST');
    expect(post.status).toBe(405);
    expect(post.headers.allow).toBe('GET, HEAD');
    expect(made).toBe(0);
  });

  it('makes the text at most four times a second, whoever asks', async () => {
    await start();
    await ask('/metrics');
    nowMonoMs = 249;
    expect((await ask('/metrics')).body).toBe('a 1\n');
    nowMonoMs = 250;
    expect((await ask('/metrics')).body).toBe('a 2\n');
  });

  it('refuses what is no HTTP, and headers without end', async () => {
    await start();
    expect(await raw('\x16\x03\x01 this is no request\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(8_192)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await ask('/metrics')).status).toBe(200);
  });

  it('has room for eight connections; one more is closed, and the eight go on', async () => {
    await start();
    const held = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = net.connect(socketPath);
        await new Promise((resolve) => socket.once('connect', resolve));
        // That it was answered shows that it has its place.
        socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
        await new Promise((resolve) => socket.once('data', resolve));
        return socket;
      }),
    );
    await new Promise<void>((resolve) => {
      const ninth = net.connect(socketPath);
      ninth.on('error', () => {});
      ninth.on('close', () => resolve());
    });
    held[0]?.destroy();
    await expect.poll(async () => (await ask('/metrics').catch(() => undefined))?.status).toBe(200);
    for (const socket of held) socket.destroy();
  });

  it('says 500 where the text cannot be made, logs why, and answers the next', async () => {
    await start();
    text = () => {
      throw new RangeError('not a number');
    };
    expect((await ask('/metrics')).status).toBe(500);
    expect(logged).toContain('control.request_failed');
    text = () => 'b 1\n';
    expect((await ask('/metrics')).body).toBe('b 1\n');
  });

  it('takes the place of a socket that a killed service left, and of no other', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    await expect(start()).rejects.toThrow(hasCode('control.in_use'));
    await new Promise((resolve) => server.close(resolve));
    await start();
    expect((await ask('/metrics')).status).toBe(200);
    writeFileSync(path.join(directory, 'file'), '');
    const options = { path: path.join(directory, 'file'), text, log: () => {} };
    const clock = { nowMonoMs: () => 0, sleep: () => Promise.resolve() };
    await expect(openMetricsSocket({ ...options, clock })).rejects.toThrow(hasCode('control.failed'));
  });

  it('is gone when it is closed, with whoever was connected', async () => {
    const socket = await start();
    const client = net.connect(socketPath);
    await new Promise((resolve) => client.once('connect', resolve));
    const cut = new Promise((resolve) => client.once('close', resolve));
    await socket.close();
    await cut;
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  });
});
