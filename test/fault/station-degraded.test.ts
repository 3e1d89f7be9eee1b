import {
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation, type SimulatedStation } from '../../hal/simulator/index.ts';
import { runProduct } from '../support/product.ts';
import {
  committed,
  exportedEntries,
  serviceForTest,
  syncStatus,
  verifiedJournal,
} from '../support/running-world.ts';
import { checkReading, type JournaledReading } from '../support/meters/truth.ts';

let station: SimulatedStation;
let tcp: string;

beforeAll(async () => {
  station = await startSimulatedStation({
    seed: 7,
    meters: [{ id: 'good', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' }],
  });
  const [line] = station.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  tcp = `${line.host}:${line.port}`;
});

afterAll(() => station.stop());

/** A port on which nobody listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function home(yaml: string): { configPath: string; stateDirectory: string } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-degraded-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(configPath, yaml);
  return { configPath, stateDirectory: path.join(directory, 'state') };
}

const goodYaml = (more = ''): string => `station: { name: T-1 }
lines:
  - { id: lan, tcp: "${tcp}" }
meters:
  - { id: good, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
journal: { groupCommit: 200ms }
${more}`;

async function expectReadingsRight(stateDirectory: string): Promise<void> {
  const readings = (await exportedEntries(stateDirectory)).filter(({ kind }) => kind === 'reading');
  expect(readings.length).toBeGreaterThan(3);
  for (const { body } of readings) {
    const verdict = checkReading(station.truth, body as unknown as JournaledReading);
    expect(verdict.mismatches).toEqual([]);
    expect(verdict.checked).toBeGreaterThan(0);
  }
}

describe('a station on which much is missing', () => {
  it('goes on signing and storing what it can read while a device, the broker and the chain are not there', async () => {
    const [broker, node] = [await closedPort(), await closedPort()];
    const place = home(
      goodYaml(`chain: { transport: rpc, url: "ws://127.0.0.1:${node}", anchorEvery: 1s }
telemetry: { mqtt: { url: "mqtt://127.0.0.1:${broker}" } }
`)
        .replace('lines:\n', 'lines:\n  - { id: gone, serial: /dev/there-is-no-such-device }\n')
        .replace(
          'meters:\n',
          'meters:\n  - { id: lost, line: gone, unitId: 1, profile: eastron-sdm630, every: 200ms }\n',
        ),
    );
    const service = serviceForTest(place);
    await service.event(
      (event) =>
        event['event'] === 'meter' &&
        event['meterId'] === 'lost' &&
        event['state'] === 'silent' &&
        event['code'] === 'line.open_failed',
    );
    const { failure } = await syncStatus(service, (status) => status.phase === 'waiting');
    expect(failure?.code).toMatch(/^chain\./);
    await committed(service, 20);
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(service.log.some((line) => line.includes('telemetry.'))).toBe(true);

    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    await expectReadingsRight(place.stateDirectory);
    const faults = (await exportedEntries(place.stateDirectory)).filter(({ kind }) => kind === 'fault');
    expect(faults).toHaveLength(1);
    expect(faults[0]?.body).toMatchObject({ code: 'meter.silent' });
  });

  it('says that a chain specification is missing and meters on', async () => {
    const place = home(
      goodYaml(
        'chain: { transport: light-client, relaySpec: /none/relay.json, paraSpec: /none/para.json, anchorEvery: 1s }\n',
      ),
    );
    const service = serviceForTest(place);
    const { failure } = await syncStatus(service, (status) => status.failure !== null);
    expect(failure?.code).toMatch(/^(chain|config)\./);
    await committed(service, 10);
    await service.stop('SIGTERM');
    await expectReadingsRight(place.stateDirectory);
  });

  it('refuses a second service on the same journal and leaves the first alone', async () => {
    const place = home(goodYaml());
    const first = serviceForTest(place);
    await committed(first, 5);
    const second = await runProduct(['run', '--config', place.configPath, '--state', place.stateDirectory]);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('[journal.locked]');
    await committed(first, 12);
    expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
  });

  it('makes no new seed for a journal whose seed is gone, so that the backup can still be put back', async () => {
    const place = home(goodYaml());
    const before = serviceForTest(place);
    await committed(before, 5);
    await before.stop('SIGTERM');
    const seed = path.join(place.stateDirectory, 'root.seed');
    renameSync(seed, `${seed}.backup`);

    const { status, stderr } = await runProduct([
      'run',
      '--config',
      place.configPath,
      '--state',
      place.stateDirectory,
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('[identity.seed_missing]');
    expect(existsSync(seed)).toBe(false);
    renameSync(`${seed}.backup`, seed);
    const after = serviceForTest(place);
    await committed(after, 10);
    await after.stop('SIGTERM');
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
  });

  it('keeps a journal with a corrupt page aside, goes on with all of its entries, says so, and meters on', async () => {
    const place = home(goodYaml());
    const before = serviceForTest(place);
    await committed(before, 30);
    await before.stop('SIGTERM');
    const entries = await exportedEntries(place.stateDirectory);
    const file = path.join(place.stateDirectory, 'journal.db');
    // The schema page: nothing can be read without it.
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(600, 0xa5), 0, 600, 60);
    closeSync(handle);
    const damaged = readFileSync(file);

    const after = serviceForTest(place);
    await after.event((event) => event['event'] === 'degraded' && event['part'] === 'journal');
    await committed(after, 10);
    await after.stop('SIGTERM');

    const kept = readdirSync(place.stateDirectory).filter((name) => /^journal\.db\.damaged-\d+$/.test(name));
    expect(kept).toHaveLength(1);
    expect(statSync(path.join(place.stateDirectory, kept[0] ?? '')).size).toBe(damaged.length);
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    const recovered = await exportedEntries(place.stateDirectory);
    expect(recovered.slice(0, entries.length)).toEqual(entries);
    const [boot, fault] = recovered.slice(entries.length);
    expect(boot).toMatchObject({ kind: 'boot', body: { opening: 2 } });
    expect(fault).toMatchObject({ kind: 'fault', body: { code: 'journal.corrupt' } });
    await expectReadingsRight(place.stateDirectory);
  });

  it('keeps an old copy of the journal that was put back aside, begins the next log, and meters on', async () => {
    const place = home(goodYaml());
    const first = serviceForTest(place);
    await committed(first, 10);
    await first.stop('SIGTERM');
    const file = path.join(place.stateDirectory, 'journal.db');
    const copy = readFileSync(file);
    const second = serviceForTest(place);
    await committed(second, 30);
    await second.stop('SIGTERM');
    writeFileSync(file, copy);

    const third = serviceForTest(place);
    const started = await third.event((event) => event['event'] === 'started');
    expect(started['origin']).toMatch(/^delmonicos\/[^/]+\/2$/);
    await committed(third, 10);
    await third.stop('SIGTERM');

    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    const [birth, fault] = await exportedEntries(place.stateDirectory);
    expect(birth).toMatchObject({ kind: 'boot', index: 0, station: started['origin'] });
    expect(fault).toMatchObject({ kind: 'fault', body: { code: 'journal.rolled_back' } });
    expect(readFileSync(`${file}.damaged-1`)).toEqual(copy);
    await expectReadingsRight(place.stateDirectory);
    // And once more, now without anything to say.
    const fourth = serviceForTest(place);
    expect(await fourth.event((event) => event['event'] === 'started')).toMatchObject({
      origin: started['origin'],
    });
    await fourth.stop('SIGTERM');
    const codes = (await exportedEntries(place.stateDirectory)).flatMap(({ kind, body }) =>
      kind === 'fault' ? [body['code']] : [],
    );
    expect(codes).toEqual(['journal.rolled_back']);
  });
});

describe('a configuration that is wrong', () => {
  it.each([
    [
      'an unknown key',
      (yaml: string) => yaml.replace('groupCommit', 'groupComit'),
      'line 6',
      'did you mean "groupCommit"',
    ],
    [
      'an unknown profile',
      (yaml: string) => yaml.replace('abb-b23', 'abb-b23x'),
      'line 5',
      'did you mean "abb-b23"',
    ],
    [
      'a model that tells no serial number, and none given',
      (yaml: string) => yaml.replace('abb-b23', 'siemens-pac2200'),
      'line 5',
      'needs serial',
    ],
    [
      'a meter on no line',
      (yaml: string) => yaml.replace('line: lan', 'line: lam'),
      'line 5',
      'did you mean "lan"',
    ],
  ])(
    'ends run and config check with status 2 for %s, its line and what was meant',
    async (_what, change, line, advice) => {
      const place = home(change(goodYaml()));
      for (const args of [
        ['config', 'check', place.configPath],
        ['run', '--config', place.configPath, '--state', place.stateDirectory],
      ]) {
        const { status, stderr } = await runProduct(args);
        expect(status).toBe(2);
        expect(stderr).toContain(line);
        expect(stderr).toContain(advice);
      }
    },
  );

  it('ends run with status 2 when there is no such file', async () => {
    const { status, stderr } = await runProduct(['run', '--config', '/none/station.yaml']);
    expect(status).toBe(2);
    expect(stderr).toContain('[config.unreadable]');
  });
});
