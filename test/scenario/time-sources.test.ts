// The sources of time as they are on Debian: a real chronyd, which leaves the system's clock alone, and the kernel.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { askChrony } from '../../src/service/time-status/ask-chrony.ts';
import { askKernel, KERNEL_TOOLS } from '../../src/service/time-status/ask-kernel.ts';
import { askTimesyncd } from '../../src/service/time-status/ask-timesyncd.ts';
import { readRealTimeClockMs } from '../../src/service/time-status/real-time-clock.ts';
import { NO_CHRONYD, startChronyd } from '../support/system/chronyd.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'time-sources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe(`chronyd${NO_CHRONYD === undefined ? '' : ` (skipped: ${NO_CHRONYD})`}`, () => {
  it.skipIf(NO_CHRONYD !== undefined)(
    'says that it is synchronised to a server, and what chronyc says of it',
    async () => {
      const server = await startChronyd(({ ntpPort }) => [
        'local stratum 1',
        `port ${ntpPort}`,
        'allow 127.0.0.1',
      ]);
      const client = await startChronyd(() => [
        `server 127.0.0.1 port ${server.ntpPort} iburst minpoll -4 maxpoll -2`,
        'port 0',
      ]);
      try {
        const ask = askChrony({ port: client.commandPort });
        // What chronyc says a moment later differs, most of all right after the first measurement: until both agree.
        await vi.waitFor(
          async () => {
            const reading = await ask();
            const chronyc = spawnSync('chronyc', [
              ...['-h', '127.0.0.1', '-p', `${client.commandPort}`, '-c', 'tracking'],
            ]);
            const said = chronyc.stdout.toString().trim().split(',');
            expect(reading).toMatchObject({
              ...{ source: 'chrony', synchronised: true, leap: 'none' },
              detail: `reference ${said[0]}, stratum ${said[2]}`,
            });
            expect(said[13]).toBe('Normal');
            const bound = (Math.abs(Number(said[4])) + Number(said[11]) + Number(said[10]) / 2) * 1_000;
            expect(Math.abs((reading?.maxErrorMs ?? Infinity) - bound)).toBeLessThan(1);
          },
          { timeout: 15_000, interval: 50 },
        );

        const local = await askChrony({ port: server.commandPort })();
        expect(local).toMatchObject({ synchronised: false, maxErrorMs: null });
      } finally {
        await Promise.all([server.kill(), client.kill()]);
      }
    },
    30_000,
  );

  it.skipIf(NO_CHRONYD !== undefined)(
    'that stopped, or hangs, is no source',
    async () => {
      const chronyd = await startChronyd(() => ['port 0']);
      const ask = askChrony({ port: chronyd.commandPort });
      try {
        await vi.waitFor(async () => expect(await ask()).toBeDefined(), { timeout: 10_000, interval: 20 });
        expect(await ask()).toMatchObject({
          synchronised: false,
          detail: expect.stringMatching(/not synchronised/) as string,
        });
        process.kill(chronyd.pid, 'SIGSTOP');
        expect(await ask()).toBeUndefined();
      } finally {
        await chronyd.kill();
      }
      expect(await ask()).toBeUndefined();
    },
    30_000,
  );
});

const HAS_ADJTIMEX = spawnSync('/usr/sbin/adjtimex', ['--print']).status === 0;

describe('the kernel', () => {
  it.skipIf(!HAS_ADJTIMEX)(
    `is asked through adjtimex${HAS_ADJTIMEX ? '' : ' (skipped: the Debian package adjtimex is not installed)'}`,
    async () => {
      expect(await askKernel()()).toMatchObject({
        source: 'kernel',
        detail: expect.stringMatching(/^maxerror \d+ µs, status 0x[0-9a-f]+/) as string,
      });
    },
  );

  it('is asked through the next tool when one is missing, refuses, hangs or prints something else', async () => {
    const parse = KERNEL_TOOLS[0]!.parse;
    const capture = new URL('../vector/clock/adjtimex-busybox.txt', import.meta.url).pathname;
    const bad = [
      { command: 'no-such-program', args: [], parse },
      { command: 'false', args: [], parse },
      { command: 'echo', args: ['hello'], parse },
      { command: 'yes', args: [], parse },
    ];
    expect(await askKernel([...bad, { command: 'cat', args: [capture], parse }])()).toMatchObject({
      synchronised: false,
    });
    expect(await askKernel(bad)()).toBeUndefined();
  });
});

describe("systemd-timesyncd's marker", () => {
  it('is there or not', async () => {
    const marker = path.join(folder, 'synchronized');
    const nowWallMs = (): number => Date.UTC(2027, 0, 1);
    expect(await askTimesyncd({ marker, nowWallMs })()).toBeUndefined();
    writeFileSync(marker, '');
    utimesSync(marker, new Date(nowWallMs()), new Date(nowWallMs() - 100_000));
    expect(await askTimesyncd({ marker, nowWallMs })()).toMatchObject({ synchronised: true, maxErrorMs: 50 });
  });
});

describe('the battery-backed clock', () => {
  it('is read in seconds, and may be missing', async () => {
    const file = path.join(folder, 'since_epoch');
    expect(await readRealTimeClockMs(file)).toBeUndefined();
    writeFileSync(file, '1800000000\n');
    expect(await readRealTimeClockMs(file)).toBe(1_800_000_000_000);
    writeFileSync(file, 'Input/output error');
    expect(await readRealTimeClockMs(file)).toBeUndefined();
  });
});
