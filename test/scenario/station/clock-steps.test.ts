// A station without a battery-backed clock: it boots in 1970, meters, and finds a time server later.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import {
  correctedTime,
  decodeEntry,
  openJournalReader,
  timeAnchors,
  verifyJournal,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import { systemMonotonicClock, type TimeReading } from '../../../src/service/index.ts';
import { startStation } from '../../../src/station/index.ts';

describe('a station that boots without the time', () => {
  it('says so, announces the step before anything that carries the new time, and its first times can be put right', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-clock-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const simulated = await startSimulatedStation({
      seed: 3,
      lines: [{ id: 'lan', kind: 'tcp' }],
      meters: [{ id: 'm', model: 'abb-b23', serial: '41200009', unitId: 1, on: 'lan' }],
    });
    onTestFinished(() => simulated.stop());
    const [line] = simulated.lines;
    if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
    const configPath = path.join(directory, 'station.yaml');
    writeFileSync(
      configPath,
      `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: m, line: lan, unitId: 1, profile: abb-b23, every: 200ms }]
journal: { groupCommit: 300ms }
`,
    );
    const stateDirectory = path.join(directory, 'state');
    const bootedMs = Date.now();
    let wrongByMs = -bootedMs;
    const source: { says?: TimeReading } = {};
    let size = 0;
    const station = await startStation({
      ...{ configPath, stateDirectory, version: '0.1.0', random: () => 0.5, log: silentLog },
      gatewayEntry: new URL('file:///nowhere'),
      clock: systemMonotonicClock,
      wallClock: { nowWallMs: () => Date.now() + wrongByMs },
      timeSources: {
        chrony: async () => source.says,
        kernel: async () => undefined,
        timesyncd: async () => undefined,
      },
      onEvent: (event) => {
        if (event.event === 'committed') size = event.size;
      },
    });
    onTestFinished(() => station.stop());
    await expect.poll(() => size, { timeout: 20_000 }).toBeGreaterThan(6);
    wrongByMs = 0;
    source.says = { source: 'chrony', synchronised: true, maxErrorMs: 3.5, leap: 'none', detail: 'test' };
    const before = size;
    await expect.poll(() => size, { timeout: 20_000 }).toBeGreaterThan(before + 14);
    await station.stop();

    const reader = openJournalReader(stateDirectory);
    const entries: JournalEntry[] = [...reader.entries()].map(({ cose }) => decodeEntry(cose).entry);
    reader.close();
    expect(await verifyJournal(stateDirectory)).toMatchObject({ ok: true });

    const at = entries.findIndex(({ kind }) => kind === 'clock-step');
    const [old, young] = [entries.slice(0, at), entries.slice(at)];
    expect(old.every(({ timeMs, clock }) => timeMs < 86_400_000 && clock === 'U')).toBe(true);
    expect(young.every(({ timeMs }) => timeMs >= bootedMs)).toBe(true);
    const steps = young.flatMap((entry) => (entry.kind === 'clock-step' ? [entry.body] : []));
    expect(steps).toHaveLength(2);
    expect(steps[0]).toMatchObject({ before: 'U', after: 'U', reason: 'set' });
    expect(Math.abs(steps[0]!.stepMs - bootedMs)).toBeLessThan(10);
    expect(steps[1]).toMatchObject({
      ...{ before: 'U', after: 'S', reason: 'status', source: 'chrony', maxErrorMs: 4 },
    });
    expect(young.at(-1)?.clock).toBe('S');

    // The entries of 1970, put right: within what the wall clock really was meanwhile.
    const known = timeAnchors(entries);
    for (const entry of old) {
      const { timeMs, basis, maxErrorMs } = correctedTime(entry, known);
      expect(basis).toBe('later');
      expect(maxErrorMs).toBeLessThan(50);
      expect(Math.abs(timeMs - (entry.timeMs + bootedMs))).toBeLessThan(20);
    }
  });
});
