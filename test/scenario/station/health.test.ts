// A real service, a simulated meter that falls silent, a broker: the list, telemetry and doctor say the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import { FAULTS, nameOf, type HealthItem } from '../../../src/health/index.ts';
import { askControlSocket } from '../../../src/service/index.ts';
import { startBroker } from '../../support/telemetry/broker.ts';
import { problemsOfMessages, topicKey } from '../../support/telemetry/contract-check.ts';
import { subscribe, type ReceivedMessage } from '../../support/telemetry/mqtt-subscriber.ts';
import { runProduct } from '../../support/product.ts';
import { committed, exportedEntries, serviceForTest } from '../../support/running-world.ts';

interface List {
  readonly state: string;
  readonly items: readonly HealthItem[];
}

async function place() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-health-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const station = await startSimulatedStation({
    seed: 4,
    lines: [{ id: 'lan', kind: 'tcp' }],
    meters: [{ id: 'm', model: 'eastron-sdm630', serial: '41200009', unitId: 1, on: 'lan' }],
  });
  onTestFinished(() => station.stop());
  const broker = await startBroker();
  onTestFinished(() => broker.stop());
  const [line] = station.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const configPath = path.join(directory, 'station.yaml');
  const socket = path.join(directory, 'control.sock');
  writeFileSync(
    configPath,
    `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: evse1, line: lan, unitId: 1, profile: eastron-sdm630, every: 500ms }]
journal: { groupCommit: 500ms, maxSize: 1MiB }
telemetry: { mqtt: { url: "${broker.url}" } }
control: { socket: ${socket} }
`,
  );
  return { station, broker, configPath, socket, stateDirectory: path.join(directory, 'state') };
}

/** What is raised, by name and code; the machine that the test runs on may have a clock, a disk or a flash of its own. */
const ofMeters = ({ items }: List): string[] =>
  items
    .filter(({ check }) => check === 'meter' || check === 'line' || check === 'journal' || check === 'broker')
    .map((item) => `${nameOf(item)}: ${item.code ?? item.state}`)
    .sort();

/** Whatever the station has sent satisfies the schemas of the contract, key by key, and each kind of message was among it. */
function expectContract(messages: readonly ReceivedMessage[]): void {
  expect(problemsOfMessages(messages)).toEqual([]);
  const sent = new Set(messages.map(({ topic }) => topicKey(topic)));
  const kinds = ['status', 'state', 'journal', 'health', 'meterStatus', 'meterSample', 'lineStatus'] as const;
  for (const kind of [...kinds, 'healthChange'] as const) expect(sent).toContain(kind);
  const last = (kind: ReturnType<typeof topicKey>): unknown =>
    JSON.parse(messages.findLast(({ topic }) => topicKey(topic) === kind)?.payload ?? '{}');
  expect(last('state')).toMatchObject({
    boot: { count: 1, reason: 'first' },
    openFiles: expect.any(Number) as number,
  });
  expect(last('lineStatus')).toMatchObject({ line: { id: 'lan', kind: 'tcp', meters: 1, listens: false } });
  expect(last('meterStatus')).toMatchObject({
    unitId: 1,
    line: 'lan',
    unit: { breaker: expect.any(String) as string },
  });
  const changes = messages.filter(({ topic }) => topicKey(topic) === 'healthChange');
  const told = changes.map(({ payload }) => JSON.parse(payload) as { type: string; code: string });
  expect(told).toContainEqual(
    expect.objectContaining({ type: 'raise', code: 'meter.silent', subject: 'evse1' }),
  );
}

describe('the health of a running station', () => {
  it('is told alike on the control socket, over MQTT and by doctor, when a meter falls silent; and by doctor alone after that', async () => {
    const world = await place();
    const { socket, broker, configPath, stateDirectory } = world;
    const backend = await subscribe(broker.url);
    onTestFinished(() => backend.close());
    const service = serviceForTest(world);
    await committed(service, 6);
    const asked = async (): Promise<List> =>
      (await askControlSocket(socket, { health: true }))['health'] as List;
    const doctor = async (): Promise<{ status: number; report: { running: boolean; health: List } }> => {
      const { status, stdout } = await runProduct([
        ...['doctor', '--config', configPath, '--state', stateDirectory, '--json'],
      ]);
      return { status, report: JSON.parse(stdout) as { running: boolean; health: List } };
    };
    const published = async (holds: (list: List) => boolean, after: number): Promise<List> => {
      const { payload } = await backend.received((message) => {
        if (!message.topic.endsWith('/T-1/health')) return false;
        if (backend.messages.indexOf(message) < after) return false;
        return holds(JSON.parse(message.payload) as List);
      });
      return JSON.parse(payload) as List;
    };
    const isSilent = (list: List): boolean => list.items.some(({ code }) => code === 'meter.silent');

    const WELL = ['broker: ok', 'journal: ok', 'line lan: ok', 'meter evse1: ok'];
    await expect.poll(async () => ofMeters(await asked()), { timeout: 30_000 }).toEqual(WELL);
    expect(isSilent(await published((list) => ofMeters(list).includes('meter evse1: ok'), 0))).toBe(false);

    const heal = world.station.faults.inject({ line: 'lan', unitId: 1 }, { kind: 'silent' });
    const before = backend.messages.length;
    await expect.poll(async () => isSilent(await asked()), { timeout: 30_000 }).toBe(true);
    const SILENT = ['broker: ok', 'journal: ok', 'line lan: ok', 'meter evse1: meter.silent'];
    const [onSocket, overMqtt, byDoctor] = [await asked(), await published(isSilent, before), await doctor()];
    expect(ofMeters(onSocket)).toEqual(SILENT);
    expect(ofMeters(overMqtt)).toEqual(SILENT);
    expect(ofMeters(byDoctor.report.health)).toEqual(SILENT);
    expect(byDoctor).toMatchObject({ status: 1, report: { running: true } });
    const items = [onSocket, overMqtt, byDoctor.report.health].map(({ items: all }) =>
      all.find(({ code }) => code === 'meter.silent'),
    );
    for (const item of items) {
      expect(item).toMatchObject({ state: 'fault', subject: 'evse1', advice: FAULTS['meter.silent'].advice });
      expect(item?.sinceMs).toBe(items[0]?.sinceMs);
    }
    // A running service's lines are not opened by doctor, and what it adds is of other things.
    expect(byDoctor.report.health.items.filter(({ check }) => check === 'line')).toHaveLength(1);

    await service.stop('SIGTERM');
    expectContract(backend.messages);
    const faults = (await exportedEntries(stateDirectory)).filter(({ kind }) => kind === 'fault');
    expect(faults.map(({ body }) => body)).toMatchObject([{ code: 'meter.silent', message: 'raised' }]);
    // Nobody serves it any more: doctor asks the meter by itself, and its items are of the same shape.
    heal();
    const stopped = await doctor();
    expect(stopped.report.running).toBe(false);
    expect(ofMeters(stopped.report.health)).toEqual(['broker: ok', 'line lan: ok', 'meter evse1: ok']);
  }, 120_000);
});
