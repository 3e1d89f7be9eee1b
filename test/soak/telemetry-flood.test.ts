import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { formatVerifierKey } from '../../src/journal/index.ts';
import { lookAt } from '../bench/process-memory.ts';
import { Oem } from '../support/keys/oem.ts';
import { ServiceProcess } from '../support/product.ts';
import { exportedEntries } from '../support/running-world.ts';
import {
  publishOf,
  startScriptedBroker,
  type ScriptedSession,
} from '../support/telemetry/scripted-broker.ts';

const MESSAGES = 100_000;
const TOPICS = ['request', 'credit'] as const;

describe('a hostile broker that floods what a station listens to', () => {
  it(
    'makes it look at a few commands a second, write almost nothing, and miss no reading',
    { timeout: 300_000 },
    async () => {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'soak-flood-'));
      const meters = await startSimulatedStation({
        seed: 3,
        meters: [{ id: 'm', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' }],
      });
      const [line] = meters.lines;
      if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
      let opened: (session: ScriptedSession) => void = () => {};
      const held = new Promise<ScriptedSession>((resolve) => (opened = resolve));
      const broker = await startScriptedBroker({ onSession: (session) => opened(session) });
      const { name, publicKey } = new Oem('support');
      const config = path.join(directory, 'station.yaml');
      writeFileSync(
        config,
        `station: { name: FLOODED }
lines:
  - { id: lan, tcp: "${line.host}:${line.port}" }
meters:
  - { id: m, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
journal: { groupCommit: 1s }
telemetry:
  mqtt: { url: "${broker.url}", bytesPerDay: unlimited }
  operators: [{ key: "${formatVerifierKey({ keyName: name, publicKey })}" }]
`,
      );
      const stateDirectory = path.join(directory, 'state');
      const service = ServiceProcess.start(config, stateDirectory);
      onTestFinished(async () => {
        await service.stop('SIGKILL');
        await broker.stop();
        await meters.stop();
        rmSync(directory, { recursive: true, force: true });
      });
      const session = await held;
      const prefix = 'delmonicos/v1/FLOODED';
      await expect.poll(() => broker.subscribed.has(`${prefix}/credit`), { timeout: 60_000 }).toBe(true);
      const samples = (): number => broker.published.get(`${prefix}/meters/m/sample`) ?? 0;
      await expect.poll(samples, { timeout: 60_000 }).toBeGreaterThan(5);
      const before = lookAt(service.child.pid ?? 0);
      const startedAt = performance.now();
      for (let n = 0; n < MESSAGES; n += 100) {
        const some = Array.from({ length: 100 }, (_, m) => {
          const topic = `${prefix}/${TOPICS[(n + m) % TOPICS.length]}`;
          return publishOf(topic, randomBytes(200), {
            qos: m % 2 === 0 ? 0 : 1,
            retain: m % 7 === 0,
            id: m + 1,
          });
        });
        await session.write(Buffer.concat(some));
      }
      const sentMs = performance.now() - startedAt;
      // What is told now was read after everything had been heard: messages are taken in their order.
      const told = samples();
      await expect.poll(samples, { timeout: 60_000 }).toBeGreaterThan(told + 10);
      const after = lookAt(service.child.pid ?? 0);
      if (before === undefined || after === undefined) throw new Error('the service ended');
      const sessions = broker.sessions();
      expect((await service.stop()).code).toBe(0);
      const entries = await exportedEntries(stateDirectory);
      const begins = entries
        .filter(({ kind }) => kind === 'reading')
        .map(({ body }) => Number(body['readBeginMonoMs']));
      const gaps = begins.slice(1).map((at, n) => at - (begins[n] ?? 0));
      const commands = entries.filter(({ kind }) => kind === 'command');
      const cpuMs = after.cpuMs - before.cpuMs;
      const figures = {
        ...{
          messages: MESSAGES,
          sentMs: Math.round(sentMs),
          cpuMs,
          microsecondsEach: (1_000 * cpuMs) / MESSAGES,
        },
        ...{ sessions, megabytes: [before, after].map(({ rssBytes }) => rssBytes / 1e6) },
        ...{ readings: begins.length, longestGapMs: Math.max(...gaps), commandEntries: commands.length },
        load: os.loadavg(),
      };
      process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
      expect(commands.length).toBeGreaterThan(0);
      expect(commands.length).toBeLessThanOrEqual(20); // one a minute and code
      expect(after.rssBytes - before.rssBytes).toBeLessThan(40e6);
      // Slots are 200 ms apart; a busy machine may be late, a missed slot makes 400 ms.
      expect(gaps.filter((gap) => gap > 390).length).toBeLessThanOrEqual(begins.length * 0.02);
    },
  );
});
