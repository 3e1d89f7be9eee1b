import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { openDesk, type BrokerDesk, type DeskMessage } from '../../../src/fleet/index.ts';
import { formatVerifierKey } from '../../../src/journal/index.ts';
import { signCommand, type ResponsePart } from '../../../src/remote/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { Oem } from '../../support/keys/oem.ts';
import { PRODUCT, runProduct, ServiceProcess } from '../../support/product.ts';
import { exportedEntries } from '../../support/running-world.ts';
import {
  NO_BROKER_PAGE,
  startBrokerOfThePage,
  type BrokerOfThePage,
} from '../../support/telemetry/broker-page.ts';
import { parseExposition } from '../../support/telemetry/exposition-parser.ts';

const STATION = 'DE-ACME-0001';
const PREFIX = `delmonicos/v1/${STATION}`;
/** Must never be seen again. */
const PASSWORD = 'correct-horse-battery-staple';

/** A seat of one of those of docs/broker.md, and everything that it heard. */
class Seat {
  readonly desk: BrokerDesk;
  readonly heard: DeskMessage[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(desk: BrokerDesk) {
    this.desk = desk;
  }

  async listen(filter: string): Promise<void> {
    await this.desk.subscribe(filter, (message) => {
      this.heard.push(message);
      for (const look of [...this.#waiting]) look();
    });
  }

  /** The first message for which the predicate holds, also one that came before. */
  message(holds: (message: DeskMessage) => boolean): Promise<DeskMessage> {
    return new Promise((resolve, reject) => {
      const heard = (): string => [...new Set(this.heard.map(({ topic }) => topic))].join('\n');
      const late = setTimeout(() => reject(new Error(`no such message among\n${heard()}`)), 60_000);
      const look = (): void => {
        const found = this.heard.find(holds);
        if (found === undefined) return;
        this.#waiting.delete(look);
        clearTimeout(late);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async document(topic: string): Promise<Record<string, unknown>> {
    const { payload } = await this.message((one) => one.topic === topic);
    return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
  }
}

describe.skipIf(NO_BROKER_PAGE !== undefined)(
  `a station, a desk and mosquitto as docs/broker.md sets it up${NO_BROKER_PAGE === undefined ? '' : ` (skipped: ${NO_BROKER_PAGE})`}`,
  () => {
    const reader = new Oem('support');
    const chief = new Oem('chief');
    const stranger = new Oem('stranger');
    let folder: string;
    let broker: BrokerOfThePage;
    let meters: SimulatedStation;
    let service: ServiceProcess;
    let desk: Seat;
    const seats: BrokerDesk[] = [];
    const secrets: string[] = [PASSWORD];
    const outputs: string[] = [];

    const at = (name: string): string => path.join(folder, name);
    const verifierKey = ({ name, publicKey }: Oem): string => formatVerifierKey({ keyName: name, publicKey });

    function seat(name: string, more: { serverName?: string; caFile?: string } = {}): Seat {
      const { serverName = 'broker.example', caFile = broker.file('ca.pem') } = more;
      const credentials = {
        ...{ caFile, certFile: broker.file(`${name}.pem`), keyFile: broker.file(`${name}.key`) },
      };
      const ports = { clock: systemMonotonicClock, random: () => 0.5 };
      const opened = openDesk({ url: broker.url, serverName, credentials }, ports);
      seats.push(opened);
      return new Seat(opened);
    }

    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'remote-'));
      broker = await startBrokerOfThePage([STATION, 'DE-ACME-0002', 'desk', 'viewer']);
      meters = await startSimulatedStation({
        seed: 7,
        meters: [{ id: 'evse1', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' }],
      });
      const [line] = meters.lines;
      if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
      writeFileSync(
        at('station.yaml'),
        `station: { name: ${STATION} }
lines:
  - { id: lan, tcp: "${line.host}:${line.port}" }
meters:
  - { id: evse1, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
journal: { groupCommit: 200ms }
clock: { source: kernel }
telemetry:
  mqtt: { url: "${broker.url}", serverName: broker.example, username: ${STATION}, bytesPerDay: unlimited, log: debug, homeAssistant: {} }
  operators:
    - { key: "${verifierKey(reader)}" }
    - { key: "${verifierKey(chief)}", may: act }
  prometheus: { socket: ${at('metrics.sock')} }
`,
      );
      // A kernel whose clock is synchronised, also where this machine's is not: otherwise nothing expires.
      writeFileSync(
        at('adjtimex'),
        '#!/bin/sh\nprintf "maxerror: 1000\\nstatus: 1\\noffset: 0\\nreturn value = 0\\n"\n',
        {
          mode: 0o755,
        },
      );
      mkdirSync(at('credentials'));
      copyFileSync(broker.file('ca.pem'), at('credentials/mqtt-ca'));
      copyFileSync(broker.file(`${STATION}.pem`), at('credentials/mqtt-cert'));
      copyFileSync(broker.file(`${STATION}.key`), at('credentials/mqtt-key'));
      writeFileSync(at('credentials/mqtt-password'), `${PASSWORD}\n`);
      const pem = readFileSync(broker.file(`${STATION}.key`), 'utf8').split('\n');
      secrets.push(...pem.filter((text) => text.length > 30 && !text.startsWith('-')));
      desk = seat('desk');
      await desk.listen('delmonicos/v1/#');
      service = ServiceProcess.start(at('station.yaml'), at('state'), [], {
        ...{ command: process.execPath, args: [PRODUCT] },
        env: {
          ...process.env,
          ...{ CREDENTIALS_DIRECTORY: at('credentials'), PATH: `${folder}:${process.env['PATH'] ?? ''}` },
        },
      });
    });

    afterAll(async () => {
      await service?.stop('SIGKILL');
      await Promise.all(seats.map((one) => one.close()));
      await meters?.stop();
      await broker?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    // All in all ten commands reach the station: more at once it would not look at.
    let turn = 0;
    async function order(
      operator: Oem,
      command: string,
      parameters: object = {},
      { notAfterMs = Date.now() + 60_000 } = {},
    ): Promise<{ bytes: Uint8Array; nonce: string }> {
      const status = await desk.document(`${PREFIX}/status`);
      const challenge = Buffer.from(String(status['challenge']), 'hex');
      const nonce = new Uint8Array(Buffer.alloc(16, ++turn));
      const bytes = signCommand(
        { station: STATION, challenge, nonce, notAfterMs, command, parameters },
        operator.key,
      );
      return { bytes, nonce: Buffer.from(nonce).toString('hex') };
    }

    /** The last part of the answer. */
    async function ask({ bytes, nonce }: { bytes: Uint8Array; nonce: string }): Promise<ResponsePart> {
      await desk.desk.publish({ topic: `${PREFIX}/request`, payload: bytes });
      const { payload } = await desk.message(({ topic, payload: one }) => {
        if (!topic.startsWith(`${PREFIX}/response/`)) return false;
        const part = JSON.parse(Buffer.from(one).toString()) as ResponsePart;
        return part.request === nonce && part.last;
      });
      return JSON.parse(Buffer.from(payload).toString()) as ResponsePart;
    }

    it('is seen by the desk: who it is, how it is, and what its meter shows', async () => {
      expect(await desk.document(`${PREFIX}/status`)).toMatchObject({
        ...{
          status: 'online',
          station: STATION,
          challenge: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        },
      });
      expect(await desk.document(`${PREFIX}/health`)).toMatchObject({ items: expect.any(Array) as object });
      expect(await desk.document(`${PREFIX}/meters/evse1/sample`)).toMatchObject({
        meter: { id: 'evse1', serial: '41200001' },
      });
      await desk.document(`${PREFIX}/lines/lan/status`);
      await desk.document(`${PREFIX}/log`);
    });

    it('answers an operator: a reading, the health list', async () => {
      const [reading, doctor] = await Promise.all([
        order(reader, 'meter read', { meter: 'evse1' }).then(ask),
        order(reader, 'doctor').then(ask),
      ]);
      expect(reading).toMatchObject({ ok: true });
      expect(doctor).toMatchObject({ ok: true });
      expect(JSON.stringify(reading)).toContain('1-0:1.8.0*255');
    });

    it('refuses what is expired, replayed, or more than the key may', async () => {
      await desk.message(
        ({ topic, payload }) => topic === `${PREFIX}/state` && Buffer.from(payload).includes('"clock":"S"'),
      );
      const expired = await order(reader, 'doctor', {}, { notAfterMs: Date.now() - 3_600_000 });
      expect(await ask(expired)).toMatchObject({ ok: false, error: { code: 'remote.expired' } });
      const acting = await order(reader, 'log level', { level: 'info', forMs: 1_000 });
      expect(await ask(acting)).toMatchObject({ ok: false, error: { code: 'remote.not_allowed' } });
      const once = await order(chief, 'journal stat');
      expect(await ask(once)).toMatchObject({ ok: true });
      await desk.desk.publish({ topic: `${PREFIX}/request`, payload: once.bytes });
      const again = await desk.message(
        ({ payload }) =>
          Buffer.from(payload).includes(once.nonce) && Buffer.from(payload).includes('remote.replayed'),
      );
      expect(again.topic).toBe(`${PREFIX}/response/${once.nonce}`);
    });

    it('says nothing to a stranger, and has it on record', async () => {
      const forged = await order(stranger, 'doctor');
      const changed = await order(reader, 'doctor');
      const bytes = Uint8Array.from(changed.bytes);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      const before = desk.heard.length;
      for (const payload of [forged.bytes, bytes])
        await desk.desk.publish({ topic: `${PREFIX}/request`, payload });
      const told = (await Promise.all(
        ['remote.unknown_key', 'remote.bad_signature'].map((code) =>
          desk.message(
            ({ topic, payload }) => topic === `${PREFIX}/log` && Buffer.from(payload).includes(code),
          ),
        ),
      )) as readonly DeskMessage[];
      expect(told).toHaveLength(2);
      const answers = desk.heard.slice(before).filter(({ topic }) => topic.startsWith(`${PREFIX}/response/`));
      expect(answers).toEqual([]);
    });

    it('is asked by nobody whom the broker does not let ask', async () => {
      const viewer = seat('viewer');
      await viewer.listen(`${PREFIX}/status`);
      await viewer.document(`${PREFIX}/status`);
      const { bytes } = await order(chief, 'doctor');
      await expect(viewer.desk.publish({ topic: `${PREFIX}/request`, payload: bytes })).rejects.toMatchObject(
        {
          code: 'fleet.not_allowed',
        },
      );
      const neighbour = seat('DE-ACME-0002');
      await neighbour.desk.connected();
      await expect(
        neighbour.desk.publish({ topic: `${PREFIX}/status`, payload: bytes }),
      ).rejects.toMatchObject({
        code: 'fleet.not_allowed',
      });
    });

    it('is reached by nobody through a broker of another name, or another authority', async () => {
      await expect(seat('desk', { serverName: 'other.example' }).desk.connected()).rejects.toMatchObject({
        code: 'fleet.tls_name_differs',
      });
      await expect(
        seat('desk', { caFile: '/etc/ssl/certs/ca-certificates.crt' }).desk.connected(),
      ).rejects.toMatchObject({ code: 'fleet.tls_not_trusted' });
    });

    it('is asked and seen with the commands as they ship, and its entries come signed', async () => {
      writeFileSync(at('chief.pem'), chief.pem, { mode: 0o600 });
      const { identity } = (await desk.document(`${PREFIX}/status`)) as { identity?: { publicKey: string } };
      const as = (name: string): string[] => [
        ...['--broker', broker.url, '--server-name', 'broker.example', '--ca', broker.file('ca.pem')],
        ...['--cert', broker.file(`${name}.pem`), '--cert-key', broker.file(`${name}.key`)],
      ];
      const ask = (name: string, ...words: string[]) =>
        runProduct(['ask', STATION, ...words, '--key', at('chief.pem'), '--json', ...as(name)]);
      const range = [
        '--from',
        '0',
        '--to',
        '8',
        '-o',
        at('entries'),
        '--station-key',
        identity?.publicKey ?? '',
      ];
      const [stat, entries, top, refused] = await Promise.all([
        ask('desk', 'journal', 'stat'),
        ask('desk', 'journal', 'entries', ...range),
        runProduct(['top', '--once', '--json', ...as('viewer')]),
        ask('viewer', 'journal', 'stat'),
      ]);
      expect(stat).toMatchObject({ status: 0 });
      expect(entries).toMatchObject({ status: 0 });
      expect(readFileSync(at('entries')).length).toBeGreaterThan(8 * 100);
      expect(top.stdout).toContain(STATION);
      expect(refused.status).toBe(1);
      expect(refused.stdout + refused.stderr).toContain('fleet.not_allowed');
      outputs.push(...[stat, entries, top, refused].flatMap(({ stdout, stderr }) => [stdout, stderr]));
    });

    it('is known to Home Assistant, where the broker lets it announce itself', async () => {
      // The access list of a fleet does not: the station is told so, and goes on.
      const refused = (): string | undefined =>
        service.log.find((line) => line.includes('telemetry.publish_refused'));
      await expect.poll(refused, { timeout: 60_000 }).toContain('homeassistant/device/');
      expect((await desk.document(`${PREFIX}/status`))['status']).toBe('online');
    });

    it('is known to Prometheus', async () => {
      const text = await new Promise<string>((resolve, reject) => {
        http
          .get({ socketPath: at('metrics.sock'), path: '/metrics' }, (response) => {
            let body = '';
            response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
            response.on('end', () => resolve(body));
          })
          .on('error', reject);
      });
      const families = parseExposition(text);
      expect(families.get('delmonicos_broker_connected')?.samples[0]?.value).toBe('1');
      expect(families.get('delmonicos_meter_energy_watthours_total')?.samples.length).toBeGreaterThan(0);
    });

    it('has said no secret, has each command on record, and missed no reading for it', async () => {
      const configuration = await runProduct(['config', 'check', at('station.yaml')]);
      expect(await service.stop()).toMatchObject({ code: 0 });
      const entries = await exportedEntries(at('state'));
      const said = [
        ...desk.heard.map(({ topic, payload }) => topic + Buffer.from(payload).toString('latin1')),
        ...[...service.log, ...outputs],
        ...service.events.map((event) => JSON.stringify(event)),
        ...[configuration.stdout, configuration.stderr, JSON.stringify(entries)],
      ].join('\n');
      expect(secrets.length).toBeGreaterThan(2);
      for (const secret of secrets) expect(said.includes(secret)).toBe(false);
      const journaled = new Set(
        entries.filter(({ kind }) => kind === 'reading').map(({ body }) => body['readBeginMonoMs']),
      );
      const shown = desk.heard
        .filter(({ topic }) => topic === `${PREFIX}/meters/evse1/sample`)
        .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as { readBeginMs: number });
      expect(shown.length).toBeGreaterThan(5);
      const known = new Set([...journaled].map((at) => Math.floor(Number(at))));
      expect(shown.filter(({ readBeginMs }) => !known.has(readBeginMs))).toEqual([]);
      const codes = entries
        .filter(({ kind }) => kind === 'command')
        .map(({ body }) => body['code'] ?? body['outcome']);
      expect(new Set(codes)).toEqual(
        new Set([
          ...['accepted', 'remote.expired', 'remote.not_allowed', 'remote.replayed'],
          ...['remote.unknown_key', 'remote.bad_signature'],
        ]),
      );
      expect(codes.filter((code) => code === 'accepted').length).toBe(5);
    });
  },
);
