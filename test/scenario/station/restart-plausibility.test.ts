import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ENERGY_IMPORT } from '../../../hal/contract/index.ts';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { committed, exportedEntries, serviceForTest } from '../../support/running-world.ts';

async function meterShowing(startWh: number, port?: number): Promise<SimulatedStation> {
  const station = await startSimulatedStation({
    seed: 3,
    lines: [{ id: 'lan', kind: 'tcp', ...(port !== undefined && { port }) }],
    meters: [{ id: 'm', model: 'abb-b23', serial: '41200009', unitId: 1, on: 'lan', startWh }],
  });
  onTestFinished(() => station.stop());
  return station;
}

function importQualities(entries: Awaited<ReturnType<typeof exportedEntries>>, from: number): string[] {
  return entries
    .filter(({ index, kind }) => index >= from && kind === 'reading')
    .flatMap(({ body }) => body['values'] as { obis: string; quality: string }[])
    .filter(({ obis }) => obis === ENERGY_IMPORT)
    .map(({ quality }) => quality);
}

describe('a meter whose total fell while the service was not running', () => {
  it('is noticed by the first sample of every later run, from what the journal remembers', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-recall-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const station = await meterShowing(5_000_000);
    const [line] = station.lines;
    if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
    const place = {
      configPath: path.join(directory, 'station.yaml'),
      stateDirectory: path.join(directory, 'state'),
    };
    writeFileSync(
      place.configPath,
      `station: { name: T-1 }
lines:
  - { id: lan, tcp: "${line.host}:${line.port}" }
meters:
  - { id: m, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
journal: { groupCommit: 200ms }
`,
    );
    const first = serviceForTest(place);
    await committed(first, 8);
    await first.stop('SIGTERM');
    const before = await exportedEntries(place.stateDirectory);
    expect(new Set(importQualities(before, 0))).toEqual(new Set(['G']));

    await station.stop();
    await meterShowing(4_000_000, line.port);
    // A further restart does not make it good either.
    for (let run = 0; run < 2; run++) {
      const size = (await exportedEntries(place.stateDirectory)).length;
      const service = serviceForTest(place);
      await committed(service, size + 8);
      await service.stop('SIGTERM');
      const qualities = importQualities(await exportedEntries(place.stateDirectory), size);
      expect(qualities.length).toBeGreaterThan(2);
      expect(new Set(qualities)).toEqual(new Set(['O']));
    }
  });
});
