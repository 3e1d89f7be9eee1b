import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { startBroker, type EmbeddedBroker } from '../../support/telemetry/broker.ts';
import { subscribe, type Subscriber } from '../../support/telemetry/mqtt-subscriber.ts';
import { Oem } from '../../support/keys/oem.ts';
import { problemsOfMessages } from '../../support/telemetry/contract-check.ts';
import { productJson, runProduct, ServiceProcess } from '../../support/product.ts';

const oem = new Oem();
let station: SimulatedStation;
let tcp: string;
let broker: EmbeddedBroker;
let operator: Subscriber;
let directory: string;
let service: ServiceProcess | undefined;
const at = (...names: string[]) => path.join(directory, ...names);

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'signed-'));
  station = await startSimulatedStation({
    seed: 7,
    meters: [
      { id: 'one', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' },
      { id: 'two', model: 'abb-b23', serial: '41200002', unitId: 2, on: 'tcp' },
    ],
  });
  const [line] = station.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  tcp = `${line.host}:${line.port}`;
  broker = await startBroker();
  operator = await subscribe(broker.url);
  writeFileSync(at('station.yaml'), yaml(['one']));
  writeFileSync(at('oem-keys'), oem.keysFile);
  writeFileSync(at('oem.pem'), oem.pem);
  mkdirSync(at('state'));
});
afterAll(async () => {
  await service?.stop();
  await operator.close();
  await broker.stop();
  await station.stop();
  rmSync(directory, { recursive: true, force: true });
});

const UNITS: Readonly<Record<string, number>> = { one: 1, two: 2 };
const yaml = (meters: readonly string[], more = ''): string => `station: { name: DE-1${more} }
lines: [{ id: lan, tcp: "${tcp}" }]
meters:
${meters.map((id) => `  - { id: ${id}, line: lan, unitId: ${UNITS[id]}, profile: abb-b23, every: 500ms }`).join('\n')}
journal: { groupCommit: 200ms }
telemetry: { mqtt: { url: "${broker.url}" } }
`;
const result = (expected: Readonly<Record<string, unknown>>) =>
  operator.received(({ topic, payload }) => {
    if (topic !== 'delmonicos/v1/DE-1/config/result') return false;
    const document = JSON.parse(payload) as Record<string, unknown>;
    return Object.entries(expected).every(([key, value]) => document[key] === value);
  });
const answering = (id: string, from: number) =>
  service?.event((event) => {
    const seen = event['event'] === 'meter' && event['meter' + 'Id'] === id && event['state'] === 'answering';
    return seen && (service?.events.indexOf(event) ?? 0) >= from;
  }, 60_000);
const status = () =>
  productJson<Record<string, unknown>>(['config', 'status', at('station.yaml'), '--state', at('state')]);

describe('a station that is told by its OEM how to work', () => {
  it(
    'reads another meter once a file that the OEM signed has come, and says so',
    { timeout: 120_000 },
    async () => {
      service = ServiceProcess.start(at('station.yaml'), at('state'));
      await service.event(
        ({ event, meterId, state }) => event === 'meter' && meterId === 'one' && state === 'answering',
        60_000,
      );
      writeFileSync(at('new.yaml'), yaml(['one', 'two']));
      const signed = await runProduct([
        ...[
          'config',
          'sign',
          at('new.yaml'),
          '--key',
          at('oem.pem'),
          '--sequence',
          '7',
          '-o',
          at('new.cose'),
        ],
      ]);
      expect(signed).toMatchObject({ status: 0 });
      expect(await runProduct(['config', 'apply', at('new.cose'), '--state', at('state')])).toMatchObject({
        status: 0,
      });
      service.child.kill('SIGHUP');
      await answering('two', 0);
      await result({ result: 'accepted', sequence: 7, via: 'file', code: null });
      expect(await status()).toMatchObject({ source: 'signed', sequence: 7, onTrial: true, problems: [] });
    },
  );

  it(
    'refuses over MQTT what is forged, replayed or rubbish, and takes what is right',
    { timeout: 120_000 },
    async () => {
      const client = await connectAsync(broker.url);
      const topic = 'delmonicos/v1/DE-1/config/set';
      const bring = async (bytes: Uint8Array, expected: Readonly<Record<string, unknown>>) => {
        // One a second is heard at most: what was left is brought again, as an operator would.
        let isAnswered = false;
        const answered = result(expected).then(() => (isAnswered = true));
        while (!isAnswered) {
          await client.publishAsync(topic, Buffer.from(bytes), { qos: 1 });
          await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 1_200))]);
        }
      };
      const content = { station: 'DE-1', sequence: 7, yaml: yaml(['one']) };
      const forged = new Oem('stranger').sign({ ...content, sequence: 9 });
      await bring(forged, { code: 'provisioning.config_unknown_key' });
      await bring(oem.sign(content), { code: 'provisioning.config_replayed' });
      await bring(new Uint8Array(60_000), { code: 'provisioning.config_malformed' });
      const reloads = service?.events.length ?? 0;
      await bring(oem.sign({ ...content, sequence: 8 }), { result: 'accepted', sequence: 8, via: 'mqtt' });
      await service?.event(
        (event) => event['event'] === 'started' && (service?.events.indexOf(event) ?? 0) >= reloads,
        60_000,
      );
      await client.endAsync();
      expect(await status()).toMatchObject({ sequence: 8, onTrial: true });
    },
  );

  it(
    'goes back to the one before where it does not start with the new one',
    { timeout: 120_000 },
    async () => {
      const reloads = service?.events.length ?? 0;
      // A log keeps its name: with another one the journal does not open.
      writeFileSync(at('bad.yaml'), yaml(['one'], ', origin: another/log'));
      await runProduct([
        'config',
        'sign',
        at('bad.yaml'),
        '--key',
        at('oem.pem'),
        '--sequence',
        '9',
        '-o',
        at('bad.cose'),
      ]);
      await runProduct(['config', 'apply', at('bad.cose'), '--state', at('state')]);
      service?.child.kill('SIGHUP');
      const reload = await service?.event(
        (event) => event['event'] === 'reload' && (service?.events.indexOf(event) ?? 0) >= reloads,
        60_000,
      );
      expect(reload).toMatchObject({ outcome: 'failed', code: 'journal.wrong_origin' });
      await result({ result: 'rolled-back', sequence: 9, code: 'provisioning.config_rolled_back' });
      await answering('one', reloads);
      // Number 8 was on trial and had not been confirmed: the one before is the last that was, here the file.
      expect(await status()).toMatchObject({ sequence: null, source: 'file' });
      await service?.stop();
      const { status: verified } = await runProduct(['journal', 'verify', at('state')]);
      expect(verified).toBe(0);
      // Over all of its starts, a station sent nothing that the contract does not tell of.
      expect(problemsOfMessages(operator.messages)).toEqual([]);
    },
  );
});
