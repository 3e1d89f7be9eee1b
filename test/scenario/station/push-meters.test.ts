import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedNumber, encodeP1 } from '../../support/meters/p1-encoder.ts';
import { ServiceProcess } from '../../support/product.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../../support/meters/pty.ts';
import { PushMeter, type PushedTelegram } from '../../support/meters/push-meter.ts';
import { exportedEntries, verifiedJournal, type ExportedEntry } from '../../support/running-world.ts';
import { encodeTelegram, serverId } from '../../support/meters/sml-encoder.ts';

function smlTelegram(n: number): PushedTelegram {
  const tenths = 40_000_000 + n;
  return {
    bytes: encodeTelegram({
      serverId: serverId('ISK', 70_342_571),
      entries: [
        { obis: [1, 0, 1, 8, 0, 255], unit: 30, scaler: -1, value: { uint: BigInt(tenths) } },
        { obis: [1, 0, 16, 7, 0, 255], unit: 27, scaler: 0, value: { int: BigInt(n) } },
      ],
    }),
    values: { '1-0:1.8.0*255': `${(tenths - (tenths % 10)) / 10}.${tenths % 10}`, '1-0:16.7.0*255': `${n}` },
  };
}

function p1Telegram(n: number): PushedTelegram {
  return {
    bytes: encodeP1('TST5\\2EXAMPLE-1', [
      '1-3:0.2.8(50)',
      '0-0:96.1.1(4530303030303030303030303030303031)',
      `1-0:1.8.1(${fixedNumber(1_234_000 + n)}*kWh)`,
      `1-0:1.7.0(${fixedNumber(n, 5)}*kW)`,
    ]),
    values: { '1-0:1.8.1*255': `${1_234_000 + n}`, '1-0:1.7.0*255': `${n}` },
  };
}

interface Reading {
  readonly meterSerial: string;
  readonly profileId: string;
  readonly readBeginMonoMs: number;
  readonly readEndMonoMs: number;
  readonly values: readonly { obis: string; value: string; unit: string; quality: string }[];
}

const readingsOf = (entries: readonly ExportedEntry[], profile: string): Reading[] =>
  entries
    .filter(({ kind }) => kind === 'reading')
    .map(({ body }) => body as unknown as Reading)
    .filter(({ profileId }) => profileId === profile);

const saidBy = ({ values }: Reading): Record<string, string> =>
  Object.fromEntries(values.map(({ obis, value }) => [obis, value]));

describe.skipIf(WHY_NO_PTY !== undefined)(`a station with an SML and a P1 meter${PTY_NOTE}`, () => {
  let sml: PushMeter;
  let p1: PushMeter;
  let directory: string;
  let entries: readonly ExportedEntry[];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-push-'));
    sml = await PushMeter.start({ telegram: smlTelegram, everyMs: 400 });
    p1 = await PushMeter.start({ telegram: p1Telegram, everyMs: 400 });
    const configPath = path.join(directory, 'station.yaml');
    writeFileSync(
      configPath,
      `station: { name: T-1 }
lines:
  - { id: optical, serial: ${sml.path} }
  - { id: p1port, serial: ${p1.path} }
meters:
  - { id: grid, line: optical, profile: sml, every: 100ms }
  - { id: house, line: p1port, profile: p1, every: 100ms }
journal: { groupCommit: 200ms }
`,
    );
    const service = ServiceProcess.start(configPath, path.join(directory, 'state'));
    try {
      const committed = (size: number) => (event: Record<string, unknown>) =>
        event['event'] === 'committed' && Number(event['size']) >= size;
      await service.event(committed(30), 60_000);
      sml.silent = true;
      await service.event(
        ({ event, meterId, state }) => event === 'meter' && meterId === 'grid' && state === 'silent',
        60_000,
      );
      sml.silent = false;
      const size = Number(service.last('committed')?.['size']);
      await service.event(committed(size + 30), 60_000);
    } finally {
      await service.stop('SIGTERM');
    }
    entries = await exportedEntries(path.join(directory, 'state'));
  }, 150_000);

  afterAll(async () => {
    await sml?.stop();
    await p1?.stop();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  it.each([
    ['sml', () => sml, '1ISK0070342571'],
    ['p1', () => p1, 'E0000000000000001'],
  ] as const)(
    'journals what %s telegrams said, whole, and nothing of damaged ones',
    (profile, meter, serial) => {
      const readings = readingsOf(entries, profile);
      expect(readings.length).toBeGreaterThan(10);
      const said = readings.map(saidBy);
      const good = meter().good.map(({ values }) => JSON.stringify(values));
      const places = said.map((values) => good.indexOf(JSON.stringify(values)));
      // Each reading is one whole telegram, none is read twice, and few are missed even on a machine that is busy.
      expect(said.filter((_, i) => places[i] === -1)).toEqual([]);
      expect(places).toEqual([...new Set(places)].sort((x, y) => x - y));
      const [first = 0, last = 0] = [places[0], places.at(-1)];
      expect(places.length).toBeGreaterThan(0.8 * (last - first));
      expect(meter().bad.length).toBeGreaterThan(5);
      for (const { meterSerial, values, readBeginMonoMs, readEndMonoMs } of readings) {
        expect(meterSerial).toBe(serial);
        expect(values.map(({ quality }) => quality)).toEqual(['G', 'G']);
        expect(readEndMonoMs - readBeginMonoMs).toBeGreaterThanOrEqual(0);
        expect(readEndMonoMs - readBeginMonoMs).toBeLessThan(1_500);
      }
      const ends = readings.map(({ readEndMonoMs }) => readEndMonoMs);
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
    },
  );

  it('puts on record that one fell silent, that it came back, and which readings are missing', async () => {
    const faults = entries.filter(({ kind }) => kind === 'fault').map(({ body }) => body);
    expect(faults).toEqual([
      expect.objectContaining({ code: 'meter.silent', message: 'raised' }),
      expect.objectContaining({ code: 'meter.silent', message: 'cleared' }),
    ]);
    const gaps = entries.filter(({ kind }) => kind === 'gap').map(({ body }) => body);
    expect(gaps).toEqual([expect.objectContaining({ meterId: 'grid', reason: 'meter.timeout' })]);
    const cleared = entries.findIndex(({ kind, body }) => kind === 'fault' && body['message'] === 'cleared');
    expect(readingsOf(entries.slice(cleared), 'sml').length).toBeGreaterThan(2);
    expect(await verifiedJournal(path.join(directory, 'state'))).toMatchObject({ ok: true });
  });
});
