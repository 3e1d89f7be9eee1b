import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { noteDamage } from '../../../src/journal/index.ts';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { sendDatagram } from '../../../src/service/notify/notify-socket.ts';
import { NodeInspector } from '../../support/system/node-inspector.ts';
import { PRODUCT, ServiceProcess } from '../../support/product.ts';
import { exportedEntries, verifiedJournal } from '../../support/running-world.ts';
import { managerForTest, noManager } from '../../support/system/service-manager.ts';

// The real process, with a real notify socket and real meters behind real sockets.

let site: SimulatedStation;
const tcp: string[] = [];

beforeAll(async () => {
  const meter = (id: string, serial: string, unitId: number) =>
    ({ id, model: 'abb-b23', serial, unitId, on: 'tcp' }) as const;
  site = await startSimulatedStation({
    seed: 7,
    meters: [meter('a', '41200001', 1), meter('b', '41200002', 2)],
  });
  for (const line of site.lines) if (line.kind !== 'pty') tcp.push(`${line.host}:${line.port}`);
});
afterAll(() => site.stop());

function yaml(meters: readonly string[]): string {
  const rows = meters.map(
    (id, i) => `  - { id: ${id}, line: lan, unitId: ${i + 1}, profile: abb-b23, every: 200ms }\n`,
  );
  return `station: { name: T-1 }
lines:
  - { id: lan, tcp: "${tcp[0]}" }
meters:
${rows.join('')}journal: { groupCommit: 200ms }
`;
}

interface Place {
  readonly configPath: string;
  readonly stateDirectory: string;
}

function placeForTest(text: string): Place {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-managed-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(configPath, text);
  return { configPath, stateDirectory: path.join(directory, 'state') };
}

interface Managed {
  readonly service: ServiceProcess;
  readonly manager: Awaited<ReturnType<typeof managerForTest>>['manager'];
  readonly address: string;
}

/** The service under a manager of its own, with its watchdog armed. */
async function managed(place: Place, nodeArgs: readonly string[] = []): Promise<Managed> {
  const { manager, variable } = await managerForTest();
  const env = { ...process.env, NOTIFY_SOCKET: variable, WATCHDOG_USEC: String(PERIOD_MS * 1_000) };
  const service = ServiceProcess.start(place.configPath, place.stateDirectory, [], {
    ...{ command: process.execPath, args: [...nodeArgs, PRODUCT], env },
  });
  onTestFinished(async () => void (await service.stop('SIGKILL')));
  return { service, manager, address: variable };
}

/** Far below the product's, so that the test is quick; the service asks itself four times as often. */
const PERIOD_MS = 1_000;

const isReady = (notice: Readonly<Record<string, string>>): boolean => 'READY' in notice;
const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

const why = noManager === undefined ? '' : ` (skipped: ${noManager})`;

const isReloaded = (wanted: string) => (event: Readonly<Record<string, unknown>>) =>
  event['event'] === 'reload' && event['outcome'] === wanted;

describe.skipIf(noManager !== undefined)(`the service under a service manager${why}`, () => {
  it('is ready once it reads, takes another configuration on SIGHUP, and keeps the old one when that is bad or does not start', async () => {
    const place = placeForTest(yaml(['evse1']));
    const { configPath, stateDirectory } = place;
    const { service, manager } = await managed(place);
    await manager.notice((notice) => 'EXTEND_TIMEOUT_USEC' in notice);
    // A hang-up during the start does not end it; it is a reload, afterwards.
    service.child.kill('SIGHUP');
    await manager.notice((notice) => 'RELOADING' in notice);
    expect(manager.notices.findIndex(isReady)).toBeLessThan(
      manager.notices.findIndex((notice) => 'RELOADING' in notice),
    );
    await service.event(isReloaded('done'));
    await manager.notice((notice) => 'WATCHDOG' in notice);
    await manager.notice(({ STATUS }) => STATUS?.startsWith('1 of 1 meters read') === true);

    // Another list of meters.
    const first = digestOf(configPath);
    writeFileSync(configPath, yaml(['evse1', 'evse2']));
    const second = digestOf(configPath);
    let after = manager.datagrams.length;
    const before = process.hrtime.bigint() / 1_000n;
    service.child.kill('SIGHUP');
    const reloading = await manager.notice((notice) => 'RELOADING' in notice, { after });
    expect(BigInt(reloading['MONOTONIC_USEC'] ?? 0)).toBeGreaterThanOrEqual(before);
    await manager.notice(isReady, { after });
    await service.event(({ event, meterId }) => event === 'meter' && meterId === 'evse2');
    await manager.notice(({ STATUS }) => STATUS?.startsWith('2 of 2 meters read') === true, { after });

    // One that is none: nothing is stopped for it.
    writeFileSync(configPath, 'station: { nam: T-1 }\n');
    after = manager.datagrams.length;
    service.child.kill('SIGHUP');
    await manager.notice(isReady, { after });
    expect(await service.event(isReloaded('refused'))).toMatchObject({ code: 'config.invalid' });
    const refused = 'new configuration not in force (config.invalid); 2 of 2 meters read';
    await manager.notice(({ STATUS }) => STATUS?.startsWith(refused) === true, { after });
    expect(service.events.filter(({ event }) => event === 'stopped')).toHaveLength(2);

    // One that is valid, and that the journal does not belong to.
    writeFileSync(
      configPath,
      yaml(['evse1']).replace('{ name: T-1 }', '{ name: T-1, origin: delmonicos/other }'),
    );
    after = manager.datagrams.length;
    service.child.kill('SIGHUP');
    expect(await service.event(isReloaded('failed'))).toMatchObject({ code: 'journal.wrong_origin' });
    await manager.notice(isReady, { after });

    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await manager.notice((notice) => 'STOPPING' in notice);
    await manager.notice((notice) => notice['STATUS'] === 'stopping: journal');
    const entries = await exportedEntries(stateDirectory);
    const configs = entries.filter(({ kind }) => kind === 'config').map(({ body }) => body);
    expect(configs).toMatchObject([
      { digest: first, reason: 'start' },
      { digest: first, reason: 'reload' },
      { digest: second, reason: 'reload' },
      { digest: second, reason: 'reload-failed' },
    ]);
  }, 120_000);

  it('starves the watchdog when its event loop is held up, commits what it has when it crashes, and tells how a recovery goes', async () => {
    const place = placeForTest(yaml(['evse1']).replace('groupCommit: 200ms', 'groupCommit: 1h'));
    const { service, manager, address } = await managed(place, ['--inspect=127.0.0.1:0']);
    await manager.notice((notice) => 'WATCHDOG' in notice);
    await service.event(({ event, state }) => event === 'meter' && state === 'answering');
    const inspector = await NodeInspector.attach(service);
    onTestFinished(() => inspector.close());
    await inspector.ask('Debugger.enable');
    await inspector.ask('Debugger.pause');
    await inspector.until('Debugger.paused');
    // Datagrams keep their order: between these two of ours there is none of its.
    sendDatagram(address, 'MARK=held');
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    sendDatagram(address, 'MARK=let go');
    await manager.notice((notice) => notice['MARK'] === 'let go');
    const marked = manager.notices.findIndex((notice) => 'MARK' in notice);
    expect(manager.notices[marked + 1]).toEqual({ MARK: 'let go' });
    await inspector.ask('Debugger.resume');
    await manager.notice((notice) => 'WATCHDOG' in notice, { after: marked + 2 });

    const expression = 'void Promise.reject(new Error("nobody foresaw\\n<0>this"))';
    await inspector.ask('Runtime.evaluate', { expression });
    // A process waits for its debugger to go away before it ends.
    inspector.close();
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(service.log.filter((line) => line.includes('nobody foresaw'))).toEqual([
      expect.stringMatching(
        /^error service\.crashed code=internal error="nobody foresaw\\n<0>this" origin=unhandledRejection/,
      ),
    ]);
    const kept = await verifiedJournal(place.stateDirectory);
    expect(kept).toMatchObject({ ok: true });
    // Boot and configuration are committed at once; the readings would have waited for an hour.
    expect(kept.size).toBeGreaterThan(2);

    noteDamage(place.stateDirectory, { code: 'journal.corrupt', message: 'for this test', thorough: true });
    const next = await managed(place);
    await next.manager.notice(isReady);
    const told = next.manager.notices.slice(0, next.manager.notices.findIndex(isReady));
    expect(told).toContainEqual({
      STATUS: `recovering the journal: 0 of ${kept.size} entries`,
      EXTEND_TIMEOUT_USEC: '120000000',
    });
    expect(await next.service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 120_000);
});
