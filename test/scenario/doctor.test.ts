import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { nameOf, type HealthItem } from '../../src/health/index.ts';
import { openTestJournal, temporaryDirectory } from '../support/journal/journal-fixture.ts';
import { productJson, runProduct } from '../support/product.ts';

// `doctor` as a process: simulated meters, and a server that stands for a broker or a node.

interface Report {
  readonly ok: boolean;
  readonly running: boolean;
  readonly health: { readonly state: string; readonly items: readonly HealthItem[] };
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function stateDirectory(): string {
  const { directory, remove } = temporaryDirectory();
  closing.push(remove);
  return directory;
}

async function simulatedPort(): Promise<number> {
  const station = await startSimulatedStation({
    seed: 5,
    meters: [{ id: 'a', model: 'eastron-sdm72d-m', serial: '23990417', unitId: 1, on: 'tcp' }],
  });
  closing.push(() => station.stop());
  const [line] = station.lines;
  return line !== undefined && 'port' in line ? line.port : 0;
}

async function listeningPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

function configFile(directory: string, text: string): string {
  const file = path.join(directory, 'station.yaml');
  writeFileSync(file, text);
  return file;
}

function meterOn(line: string, profile = 'eastron-sdm72d-m', unitId = 1): string {
  return `{ id: ${line}-meter, line: ${line}, unitId: ${unitId}, profile: ${profile}, every: 1s }`;
}

const resultsOf = ({ health }: Report): Record<string, string> =>
  Object.fromEntries(health.items.map((item) => [nameOf(item), item.state]));

describe('doctor', () => {
  it('finds nothing wrong with a station that works', async () => {
    const directory = stateDirectory();
    expect((await runProduct(['key', 'init', directory])).status).toBe(0);
    const broker = await listeningPort();
    const config = configFile(
      directory,
      `station: { name: A }
lines: [{ id: gateway, tcp: "127.0.0.1:${await simulatedPort()}" }]
meters: [${meterOn('gateway')}]
journal: { maxSize: 1MiB }
telemetry: { mqtt: { url: "mqtt://127.0.0.1:${broker}" } }
`,
    );
    const report = await productJson<Report>(['doctor', '--config', config, '--state', directory]);
    expect(report.ok).toBe(true);
    expect(resultsOf(report)).toMatchObject({
      ...{ service: 'ok', 'line gateway': 'ok', 'meter gateway-meter': 'ok', disk: 'ok', key: 'ok' },
      ...{ broker: 'ok', chain: 'unknown' },
    });
    const meter = report.health.items.find((item) => nameOf(item) === 'meter gateway-meter');
    expect(meter?.detail).toContain('serial 23990417');
    const text = await runProduct(['doctor', '--config', config, '--state', directory]);
    expect(text.status).toBe(0);
    expect(text.stdout).toMatch(/^ok +meter gateway-meter: /m);
  });

  it('calls a running service that takes the question and does not answer a fault', async () => {
    const directory = stateDirectory();
    const journal = await openTestJournal(directory);
    closing.push(() => journal.close());
    const socket = path.join(directory, 'control.sock');
    const server = createServer((client) => client.on('data', () => client.destroy())).listen(socket);
    await once(server, 'listening');
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const config = configFile(
      directory,
      `station: { name: A }
lines: [{ id: gateway, tcp: "127.0.0.1:1" }]
meters: [${meterOn('gateway')}]
control: { socket: ${socket} }
`,
    );
    const { status, stdout } = await runProduct([
      ...['doctor', '--config', config, '--state', directory, '--json'],
    ]);
    const { health } = JSON.parse(stdout) as Report;
    expect(health.items.find(({ check }) => check === 'service')).toMatchObject({
      ...{ state: 'fault', code: 'service.no_answer' },
    });
    expect(status).toBe(1);
  });

  it('names everything that is wrong, with what to do about it', async () => {
    const directory = stateDirectory();
    const spec = path.join(directory, 'relay.json');
    writeFileSync(spec, '{"id":"r","genesis":{},"bootNodes":[]}');
    const config = configFile(
      directory,
      `station: { name: A }
lines:
  - { id: absent, serial: /dev/tty-that-is-not-there }
  - { id: file, serial: ${spec} }
  - { id: closed, tcp: "127.0.0.1:1" }
  - { id: gateway, tcp: "127.0.0.1:${await simulatedPort()}" }
  - { id: unused, tcp: "127.0.0.1:2" }
meters:
  - ${meterOn('absent')}
  - ${meterOn('file', 'eastron-sdm72d-m', 2)}
  - ${meterOn('closed')}
  - ${meterOn('gateway', 'eastron-sdm630')}
chain: { transport: light-client, relaySpec: ${spec}, paraSpec: ${directory}/none.json }
telemetry: { mqtt: { url: "mqtt://127.0.0.1:1" } }
`,
    );
    const { status, stdout, stderr } = await runProduct([
      ...['doctor', '--config', config, '--state', directory, '--json'],
    ]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const report = JSON.parse(stdout) as Report;
    expect(report.ok).toBe(false);
    expect(resultsOf(report)).toMatchObject({
      ...{ 'line absent': 'fault', 'line file': 'fault', 'line closed': 'fault', 'line gateway': 'ok' },
      ...{
        'line unused': 'warning',
        'meter absent-meter': 'unknown',
        'meter closed-meter': 'unknown',
      },
      // The model says that it is another one than the configuration has it.
      ...{ 'meter gateway-meter': 'fault', key: 'fault', broker: 'fault' },
      ...{ 'chain relaySpec': 'ok', 'chain relay boot nodes': 'warning' },
      ...{ 'chain paraSpec': 'fault', chain: 'unknown' },
    });
    const silent = report.health.items.filter(({ state, advice }) => state === 'fault' && !advice);
    expect(silent).toEqual([]);
  });

  it('leaves the lines to a service that runs', async () => {
    const directory = stateDirectory();
    const journal = await openTestJournal(directory);
    closing.push(() => journal.close());
    const config = configFile(
      directory,
      `station: { name: A }
lines: [{ id: gateway, tcp: "127.0.0.1:1" }]
meters: [${meterOn('gateway')}]
`,
    );
    const { stdout } = await runProduct(['doctor', '--config', config, '--state', directory, '--json']);
    const { running, health } = JSON.parse(stdout) as Report;
    expect(running).toBe(true);
    expect(health.items.find(({ check }) => check === 'service')?.detail).toContain(`pid ${process.pid}`);
    const asked = health.items.filter(({ check }) => check === 'line' || check === 'meter');
    expect(asked.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
    await journal.flush();
  });

  it('ends with 2 for a configuration that cannot be', async () => {
    const directory = stateDirectory();
    const config = configFile(directory, 'station: {}\n');
    expect((await runProduct(['doctor', '--config', config])).status).toBe(2);
  });
});
