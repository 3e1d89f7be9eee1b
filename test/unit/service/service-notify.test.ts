import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLog, type Log } from '../../../hal/contract/index.ts';
import { openServiceNotify, type ServiceNotify } from '../../../src/service/index.ts';
import { managerForTest, noManager } from '../../support/system/service-manager.ts';

function open(
  environment: Record<string, string | undefined>,
  log: Log = silentLog,
  monotonicUs = () => 7n,
): Promise<ServiceNotify> {
  return openServiceNotify({ environment, pid: 42, monotonicUs, log });
}

const why = noManager === undefined ? '' : ` (skipped: ${noManager})`;

describe.skipIf(noManager !== undefined)(`speaking to the service manager${why}`, () => {
  it.each([false, true])('says each change of state; over an abstract address: %s', async (abstract) => {
    const { manager, variable } = await managerForTest({ abstract });
    const notify = await open({ NOTIFY_SOCKET: variable, WATCHDOG_USEC: '20000000', WATCHDOG_PID: '42' });
    expect(notify).toMatchObject({ active: true, watchdogMs: 20_000 });
    notify.extend(5_000, 'recovering');
    notify.ready('reading');
    notify.alive();
    notify.reloading('checking');
    notify.stopping('stopping');
    await manager.notice((notice) => 'STOPPING' in notice);
    expect(manager.datagrams).toEqual([
      'STATUS=recovering\nEXTEND_TIMEOUT_USEC=5000000',
      'READY=1\nSTATUS=reading',
      'WATCHDOG=1',
      'RELOADING=1\nMONOTONIC_USEC=7\nSTATUS=checking',
      'STOPPING=1\nSTATUS=stopping',
    ]);
  });

  it('says a status when it changes, and not again', async () => {
    const { manager, variable } = await managerForTest();
    const notify = await open({ NOTIFY_SOCKET: variable });
    for (const text of ['a', 'a', 'b', 'b', 'a']) notify.status(text);
    notify.stopping('');
    await manager.notice((notice) => 'STOPPING' in notice);
    expect(manager.notices.map((notice) => notice['STATUS'])).toEqual(['a', 'b', 'a', '']);
  });

  it('has sent when the call returns, whether or not the event loop turns again', async () => {
    const { manager, variable } = await managerForTest();
    // The addon alone, which the service calls in the same turn in which it has something to say.
    const sender = `require(process.argv[1]).send(Buffer.from(process.argv[2]), Buffer.from('STATUS=recovering'));
      process.kill(process.pid, 'SIGKILL');`;
    const addon = path.resolve('dist/addons/unix_datagram.node');
    const child = spawn(process.execPath, ['-e', sender, addon, variable]);
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
    await manager.notice((notice) => notice['STATUS'] === 'recovering');
    expect(manager.datagrams).toHaveLength(1);
  });

  it('takes what is meant for this process alone out of the environment of its children', async () => {
    const { variable } = await managerForTest();
    const environment = { PATH: '/bin', NOTIFY_SOCKET: variable, WATCHDOG_USEC: '1', WATCHDOG_PID: '42' };
    await open(environment);
    expect(environment).toEqual({ PATH: '/bin' });
  });

  it('says once that the socket is gone, and never throws', async () => {
    const { manager, variable } = await managerForTest();
    const logged: unknown[] = [];
    const notify = await open({ NOTIFY_SOCKET: variable }, (_level, event, fields) =>
      logged.push([event, fields?.['code']]),
    );
    await manager.close();
    rmSync(variable);
    for (let i = 0; i < 100; i++) {
      notify.status(`status ${i}`);
      notify.alive();
      notify.reloading('again');
    }
    expect(logged).toEqual([['notify.failed', 'failed']]);
  });

  it('drops what a manager that does not read cannot take, but no change of state, and says both once it lasts', async () => {
    const { manager, variable } = await managerForTest({ reads: false });
    const logged: unknown[] = [];
    let nowUs = 1n;
    const notify = await open(
      { NOTIFY_SOCKET: variable },
      (_level, event, fields) => logged.push([event, fields?.['code']]),
      () => nowUs,
    );
    for (let i = 0; i < 2_000; i++) notify.alive();
    nowUs += 4_999_999n;
    notify.alive();
    expect(logged).toEqual([]);
    nowUs += 1n;
    notify.alive();
    notify.ready('reading');
    notify.status('dropped');
    notify.reloading('checking');
    notify.ready('reading again');
    expect(logged).toEqual([['notify.failed', 'full']]);
    manager.read();
    await manager.notice((notice) => notice['STATUS'] === 'reading again');
    const states = manager.notices.filter((notice) => !('WATCHDOG' in notice));
    expect(states.map((notice) => notice['STATUS'])).toEqual(['reading', 'checking', 'reading again']);
    expect(manager.datagrams.length).toBeLessThan(2_000);
    expect(logged).toEqual([
      ['notify.failed', 'full'],
      ['notify.works_again', undefined],
    ]);
  });
});

describe('a manager whose queue is full for a moment', () => {
  it('is told what it must not miss a little later, and nothing is logged', async () => {
    const taken: string[] = [];
    const logged: string[] = [];
    let isFull = true;
    const notify = await openServiceNotify({
      ...{ environment: { NOTIFY_SOCKET: '/run/notify' }, pid: 42, monotonicUs: () => 7n },
      log: (_level, event) => logged.push(event),
      send: (_address, text) => {
        if (isFull) return { outcome: 'full' };
        taken.push(text);
        return { outcome: 'sent' };
      },
    });
    notify.reloading('checking');
    notify.status('dropped');
    isFull = false;
    await expect.poll(() => taken).toEqual(['RELOADING=1\nMONOTONIC_USEC=7\nSTATUS=checking']);
    expect(logged).toEqual([]);
  });
});

describe('without a service manager', () => {
  it.each([undefined, '', '@', 'vsock:1:2'])('with %j as its socket nothing is done', async (socket) => {
    const notify = await open({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000000' });
    expect(notify).toMatchObject({ active: false, watchdogMs: undefined });
    notify.ready('reading');
    notify.status('reading');
    notify.alive();
    notify.extend(1);
    notify.reloading('');
    notify.stopping('');
  });
});
