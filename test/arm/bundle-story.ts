// What a bundle has to do on a target, whatever it was built by.
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { productJson, runProduct, ServiceProcess } from '../support/product.ts';
import type { VerifiedJournal } from '../support/running-world.ts';
import { managerForTest, noManager } from '../support/system/service-manager.ts';
import { checkReading, type JournaledReading } from '../support/meters/truth.ts';
import { VERSION } from './bundles.ts';
import { COMMAND_MS, committed, EmulatedProduct, EVENT_MS } from './emulated-product.ts';
import type { EmulatedTarget } from './emulated-target.ts';
import { seconds, seen, timed } from './seen.ts';
import { startYard, type Yard } from './yard.ts';

interface Reading {
  readonly meter: { readonly serial: string; readonly profile: string };
  readonly readBeginMs: number;
  readonly readEndMs: number;
  readonly values: JournaledReading['values'];
}

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly result: string }[];
}

/** Registers the story. `bundle` is asked for once, before the first test. */
export function tellBundleStory(subject: string, target: EmulatedTarget, bundle: () => string): void {
  describe(`the bundle on ${subject}`, { timeout: 600_000 }, () => {
    let product: EmulatedProduct;
    let yard: Yard;

    beforeAll(async () => {
      seen(subject, 'Node', `${target.nodeFrom} under ${target.emulator}`);
      const folder = await timed(subject, 'built in', () => Promise.resolve(bundle()));
      product = new EmulatedProduct(target, folder);
      yard = await startYard();
    }, 900_000);
    afterAll(() => yard.stop());

    it('says its version', async () => {
      const said = await timed(subject, '--version', () => product.done(['--version']));
      expect(said.trim()).toBe(VERSION);
    });

    it('derives the same keys from a root seed as this machine', async () => {
      await timed(subject, 'key init', () => product.done(['key', 'init', yard.stateDirectory]));
      const there = await product.done(['key', 'show', yard.stateDirectory, '--json']);
      const here = await runProduct(['key', 'show', yard.stateDirectory, '--json']);
      expect(there).toBe(here.stdout);
    });

    it.each(['a socket', 'a serial port'])('reads a meter over %s as it shows', async (way) => {
      const line =
        way === 'a socket'
          ? ['--profile', 'abb-b23', '--tcp', yard.tcp, '--unit', '5']
          : [
              '--profile',
              'eastron-sdm630',
              '--serial',
              yard.serialPath,
              '--baud',
              '115200',
              '--parity',
              'none',
            ];
      const { meter, readBeginMs, readEndMs, values } = await timed(subject, `meter read, ${way}`, () =>
        product.json<Reading>(['meter', 'read', ...line]),
      );
      expect(values.length).toBeGreaterThan(10);
      expect(
        checkReading(yard.station.truth, {
          meterSerial: meter.serial,
          profileId: meter.profile,
          readBeginMonoMs: readBeginMs,
          readEndMonoMs: readEndMs,
          values,
        }).mismatches,
      ).toEqual([]);
    });

    it('keeps what it acknowledged through SIGKILL, goes on, and ends in order', async () => {
      const { configPath, stateDirectory } = yard;
      const beganAt = performance.now();
      const first = product.start(configPath, stateDirectory);
      await committed(first, 1);
      seen(subject, 'start to first entries on disk', seconds(performance.now() - beganAt));
      const acknowledged = await committed(first, 20);
      expect(await first.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });

      const againAt = performance.now();
      const second = product.start(configPath, stateDirectory);
      await committed(second, acknowledged + 1);
      seen(subject, 'SIGKILL, restart to entries on disk', seconds(performance.now() - againAt));
      const last = await committed(second, acknowledged + 20);
      expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });

      const there = await timed(subject, 'journal verify', () =>
        product.json<VerifiedJournal>(['journal', 'verify', stateDirectory]),
      );
      expect(there).toMatchObject({ ok: true, firstBad: null });
      expect(there.size).toBeGreaterThanOrEqual(last);
      expect(await productJson<VerifiedJournal>(['journal', 'verify', stateDirectory])).toEqual(there);
      seen(subject, 'entries verified, there and here', there.size);
    });

    it('has in its journal what the meters showed, and exports it byte by byte as this machine does', async () => {
      const exported = async (format: string) => {
        const args = ['journal', 'export', yard.stateDirectory, '--format', format, '-o'];
        const files = ['there', 'here'].map((side) => path.join(yard.directory, `${side}.${format}`));
        const [there = '', here = ''] = files;
        await product.done([...args, there]);
        expect(await runProduct([...args, here])).toMatchObject({ status: 0 });
        const [bytes, same] = [readFileSync(there), readFileSync(here)];
        expect(bytes.equals(same)).toBe(true);
        return bytes;
      };
      expect((await exported('cbor-seq')).length).toBeGreaterThan(10_000);
      const readings = (await exported('jsonl'))
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { kind: string; body: JournaledReading })
        .filter(({ kind }) => kind === 'reading');
      const verdicts = readings.map(({ body }) => checkReading(yard.station.truth, body));
      expect(verdicts.flatMap(({ mismatches }) => mismatches)).toEqual([]);
      expect(new Set(readings.map(({ body }) => body.meterSerial)).size).toBe(2);
      expect(verdicts.every(({ checked }) => checked > 0)).toBe(true);
      seen(subject, 'readings right against the simulator', `${verdicts.length} of ${readings.length}`);
    });

    it('makes receipts that are good here, and calls good what was made here', async () => {
      const receipt = (side: string) => path.join(yard.directory, `${side}.receipt`);
      const create = (side: string) => [
        ...['receipt', 'create', yard.stateDirectory, '--index', '9', '-o', receipt(side)],
      ];
      await timed(subject, 'receipt create', () => product.done(create('there')));
      expect(await runProduct(create('here'))).toMatchObject({ status: 0 });
      const madeThere = await productJson<Report>(['receipt', 'verify', receipt('there')]);
      const madeHere = await timed(subject, 'receipt verify', () =>
        product.json<Report>(['receipt', 'verify', receipt('here')]),
      );
      expect(madeThere.ok).toBe(true);
      expect(madeHere).toEqual(madeThere);
      expect(madeHere.checks.some(({ result }) => result === 'pass')).toBe(true);
      expect(readFileSync(receipt('here')).equals(readFileSync(receipt('there')))).toBe(true);
    });

    it('tells systemd that it is ready, that it lives, and that it stops', async (context) => {
      if (noManager !== undefined) return context.skip(noManager);
      const { manager, variable } = await managerForTest();
      const beganAt = performance.now();
      const service = product.start(yard.configPath, path.join(yard.directory, 'notified'), {
        NOTIFY_SOCKET: variable,
        WATCHDOG_USEC: '20000000',
      });
      await manager.notice(({ READY }) => READY === '1', { timeoutMs: EVENT_MS });
      seen(subject, 'start to READY=1', seconds(performance.now() - beganAt));
      await manager.notice(({ WATCHDOG }) => WATCHDOG === '1', { timeoutMs: EVENT_MS });
      expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
      await manager.notice(({ STOPPING }) => STOPPING === '1', { timeoutMs: EVENT_MS });
      seen(subject, 'told systemd', 'READY, WATCHDOG, STOPPING');
    });

    it(
      'goes on with a log that this machine went on with',
      async () => {
        const stateDirectory = path.join(yard.directory, 'moved');
        cpSync(yard.stateDirectory, stateDirectory, { recursive: true });
        const { size } = await productJson<VerifiedJournal>(['journal', 'verify', stateDirectory]);
        const here = ServiceProcess.start(yard.configPath, stateDirectory);
        const moved = await committed(here, size + 6);
        expect(await here.stop('SIGTERM')).toMatchObject({ code: 0 });
        const back = product.start(yard.configPath, stateDirectory);
        const last = await committed(back, moved + 6);
        expect(await back.stop('SIGTERM')).toMatchObject({ code: 0 });
        const verified = await product.json<VerifiedJournal>(['journal', 'verify', stateDirectory]);
        expect(verified).toMatchObject({ ok: true });
        expect(verified.size).toBeGreaterThanOrEqual(last);
      },
      COMMAND_MS * 4,
    );
  });
}
