import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { sendDatagram } from '../../../src/service/notify/notify-socket.ts';
import { NodeInspector } from '../../support/node-inspector.ts';
import { PRODUCT, ServiceProcess } from '../../support/product.ts';
import { committed, exportedEntries, verifiedJournal } from '../../support/running-world.ts';
import { managerForTest, noManager } from '../../support/service-manager.ts';

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

interface Managed {
  readonly service: ServiceProcess;
  readonly manager: Awaited<ReturnType<typeof managerForTest>>['manager'];
  readonly address: string;
  readonly configPath: string;
  readonly stateDirectory: string;
}

/** The service under a manager of its own, with its watchdog armed. */
async function managed(
  text: string,
  { watchdogUsec = '4000000', nodeArgs = [] as readonly string[] } = {},
): Promise<Managed> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-managed-'));
  const [configPath, stateDirectory] = [path.join(directory, 'station.yaml'), path.join(directory, 'state')];
  writeFileSync(configPath, text);
  const { manager, variable } = await managerForTest();
  const env = { ...process.env, NOTIFY_SOCKET: variable, WATCHDOG_USEC: watchdogUsec };
  const service = ServiceProcess.start(configPath, stateDirectory, [], {
    ...{ command: process.execPath, args: [...nodeArgs, PRODUCT], env },
  });
  onTestFinished(async () => {
    await service.stop('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  return { service, manager, address: variable, configPath, stateDirectory };
}

/** Far below the product's, so that the test is quick; the service asks itself four times as often. */
const PERIOD_MS = 1_000;

const isReady = (notice: Readonly<Record<string, string>>): boolean => 'READY' in notice;
const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

const why = noManager === undefined ? '' : ` (skipped: ${noManager})`;

describe.skipIf(noManager !== undefined)(`the service under a service manager${why}`, () => {
  it('is ready once it reads, feeds the watchdog, takes another configuration on SIGHUP and keeps the old one when that is bad', async () => {
    const { service, manager, configPath, stateDirectory } = await managed(yaml(['evse1']));
    await manager.notice(isReady);
    expect(service.last('started')).toBeDefined();
    await committed(service, 5);
    await manager.notice((notice) => 'WATCHDOG' in notice);
    await manager.notice((notice) => notice['STATUS'] === 'reading 1 meter');

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
    await service.event(({ event, outcome }) => event === 'reload' && outcome === 'done');
    await manager.notice((notice) => notice['STATUS'] === 'reading 2 meters', { after });

    // One that is none.
    writeFileSync(configPath, 'station: { nam: T-1 }\n');
    after = manager.datagrams.length;
    service.child.kill('SIGHUP');
    await manager.notice(isReady, { after });
    const refused = await service.event(({ event, outcome }) => event === 'reload' && outcome === 'refused');
    expect(refused).toMatchObject({ code: 'config.invalid' });
    await manager.notice(
      (notice) => notice['STATUS'] === 'new configuration not in force (config.invalid), reading 2 meters',
      { after },
    );
    expect(service.events.filter(({ event }) => event === 'stopped')).toHaveLength(1);

    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await manager.notice((notice) => 'STOPPING' in notice);
    expect(manager.notices.some((notice) => 'EXTEND_TIMEOUT_USEC' in notice)).toBe(true);
    expect(await verifiedJournal(stateDirectory)).toMatchObject({ ok: true });
    const entries = await exportedEntries(stateDirectory);
    const configs = entries.filter(({ kind }) => kind === 'config').map(({ body }) => body);
    expect(configs).toMatchObject([
      { digest: first, reason: 'start' },
      { digest: second, reason: 'reload' },
    ]);
  }, 120_000);

  it('starves the watchdog when its event loop is held up, and goes on when it is let go', async () => {
    const { service, manager, address } = await managed(yaml(['evse1']), {
      ...{ watchdogUsec: String(PERIOD_MS * 1_000), nodeArgs: ['--inspect=127.0.0.1:0'] },
    });
    await manager.notice((notice) => 'WATCHDOG' in notice);
    const inspector = await NodeInspector.attach(service);
    onTestFinished(() => inspector.close());
    await inspector.ask('Debugger.enable');
    await inspector.ask('Debugger.pause');
    await inspector.until('Debugger.paused');
    // Datagrams keep their order: between these two of ours there is none of its.
    sendDatagram(address, 'MARK=held');
    await new Promise((resolve) => setTimeout(resolve, 3 * PERIOD_MS));
    sendDatagram(address, 'MARK=let go');
    await manager.notice((notice) => notice['MARK'] === 'let go');
    const marked = manager.notices.findIndex((notice) => 'MARK' in notice);
    expect(manager.notices[marked + 1]).toEqual({ MARK: 'let go' });
    await inspector.ask('Debugger.resume');
    await manager.notice((notice) => 'WATCHDOG' in notice, { after: marked + 2 });
    await expect.poll(() => service.log.join('\n')).toContain('service.loop_blocked');
    // A process waits for its debugger to go away before it ends.
    inspector.close();
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 120_000);
});
