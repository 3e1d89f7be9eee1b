import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation, type SimulatedStation } from '../../hal/simulator/index.ts';
import { committed, exportedEntries, serviceForTest, verifiedJournal } from '../support/running-world.ts';
import { runProduct } from '../support/product.ts';

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

function home(yaml: string): { configPath: string; stateDirectory: string } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-supervised-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(configPath, yaml);
  return { configPath, stateDirectory: path.join(directory, 'state') };
}

const goodYaml = (): string => `station: { name: T-1 }
lines:
  - { id: lan, tcp: "${tcp}" }
meters:
  - { id: good, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
journal: { groupCommit: 200ms }
`;

/** The size of a journal that a service is writing, as anyone can ask for it. */
async function sizeOf(stateDirectory: string): Promise<number> {
  return (
    JSON.parse((await runProduct(['journal', 'stat', stateDirectory, '--json'])).stdout) as { size: number }
  ).size;
}

describe('a service whose watcher goes away', () => {
  it.each(['stdout', 'stderr'] as const)(
    'goes on when nobody reads its %s any more, until it is stopped',
    async (stream) => {
      const place = home(goodYaml());
      const service = serviceForTest(place, ['--log-level', 'debug']);
      await committed(service, 5);
      service.child[stream]?.destroy();
      const before = await sizeOf(place.stateDirectory);
      await expect.poll(() => sizeOf(place.stateDirectory), { timeout: 20_000 }).toBeGreaterThan(before + 10);
      expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    },
  );
});

describe('a service that is stopped', () => {
  it('ends within seconds, with all that it read in the journal, although twenty meters keep it waiting', async () => {
    // A gateway that takes every request and answers none.
    const mute = net.createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void mute.close());
    const { port } = mute.address() as net.AddressInfo;
    const silent = Array.from(
      { length: 20 },
      (_, i) => `  - { id: s${i}, line: mute, unitId: ${i + 1}, profile: abb-b23, every: 500ms }\n`,
    );
    const place = home(
      goodYaml()
        .replace('lines:\n', `lines:\n  - { id: mute, tcp: "127.0.0.1:${port}" }\n`)
        .replace('meters:\n', `meters:\n${silent.join('')}`),
    );
    const service = serviceForTest(place);
    await committed(service, 8);
    const at = performance.now();
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - at).toBeLessThan(10_000);
    expect(service.last('stopped')).toBeDefined();
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    expect(service.log.join('\n')).not.toContain('MaxListeners');
    const swaps = (await exportedEntries(place.stateDirectory)).filter(({ kind }) => kind === 'meter-swap');
    expect(swaps).toEqual([]);
  }, 60_000);

  it('ends in order also when it is told to while it starts', async () => {
    const place = home(goodYaml());
    const service = serviceForTest(place);
    await service.event(({ event }) => event === 'started');
    expect(await service.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
  });
});
