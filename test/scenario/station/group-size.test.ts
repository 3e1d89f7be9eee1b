import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import { committed, serviceForTest } from '../../support/running-world.ts';

it('a group is committed as soon as it has journal.groupEntries samples, long before journal.groupCommit', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-group-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const simulated = await startSimulatedStation({
    seed: 3,
    meters: [{ id: 'm', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' }],
  });
  onTestFinished(() => simulated.stop());
  const [line] = simulated.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(
    configPath,
    `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: m, line: lan, unitId: 1, profile: abb-b23, every: 100ms }]
journal: { groupCommit: 1h, groupEntries: 3 }
telemetry: {}
`,
  );
  const service = serviceForTest({ configPath, stateDirectory: path.join(directory, 'state') });
  const started = await service.event(({ event }) => event === 'started', 60_000);
  // boot and config are entries of their own commits.
  const before = Number(started['size']);
  await committed(service, before + 3);
  await committed(service, before + 6);
});
