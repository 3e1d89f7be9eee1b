import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { formatDecimal, obis, silentLog, ZERO } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { openLine } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { REAL_CLOCK } from '../../hal/simulator/index.ts';
import { productJson, runProduct, ServiceProcess } from '../support/product.ts';
import { exportedEntries, verifiedJournal } from '../support/running-world.ts';
import { commonModel, floatMeter, integerMeter, sunSpecRegisters } from '../support/meters/sunspec-device.ts';

// SunSpec devices behind a Modbus TCP server that others wrote (modbus-serial): it answers exception 2 for registers that
// the device does not have, as real ones do.

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Serves what `registers` holds at the moment of each request; counts requests. */
async function serve(device: { registers: ReadonlyMap<number, number> }) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const asked: string[] = [];
  const read = (address: number, count: number): number[] => {
    asked.push(`${address}+${count}`);
    return Array.from({ length: count }, (_, i) => {
      const word = device.registers.get(address + i);
      if (word === undefined) throw Object.assign(new Error('no such register'), { modbusErrorCode: 2 });
      return word;
    });
  };
  const server = new modbusSerial.ServerTCP(
    {
      getHoldingRegister: (address: number) => read(address, 1)[0] ?? 0,
      getMultipleHoldingRegisters: (address: number, count: number) => read(address, count),
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise((resolve) => server.once('initialized', resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, asked };
}

const COMMON = commonModel({
  maker: 'Fronius',
  model: 'Smart Meter 63A',
  version: '1.3',
  serial: '17410078',
});
const INVERTER = { id: 103, content: Array.from({ length: 50 }, () => 0) };
const INTEGER = integerMeter(
  203,
  {
    6: -2,
    3: 532,
    4: 533,
    5: 531,
    15: -1,
    8: 2302,
    9: 2297,
    10: 2314,
    16: 4998,
    17: -2,
    18: -12_305,
    22: -1,
    54: 1,
  },
  { 46: 1_234_567, 38: 4_321 },
);
const FLOAT = floatMeter(213, {
  4: 5.32,
  6: 5.33,
  8: 5.31,
  26: 49.98,
  28: 1230.5,
  60: 43_210,
  68: 12_345_670,
});

async function sunSpecMeter(port: number) {
  const line = openLine(
    { id: 'tcp', kind: 'tcp', host: '127.0.0.1', port },
    { clock: REAL_CLOCK, log: silentLog },
  );
  closing.push(() => line.close());
  return createModbusMeter({ id: 'grid', line, unitId: 1, profile: await loadProfile('sunspec') });
}

interface ReadDocument {
  readonly meter: { readonly serial: string; readonly profile: string };
  readonly values: readonly { obis: string; value: string | null; unit: string; quality: string }[];
}

describe('a meter with the profile sunspec', () => {
  it('is found behind an inverter, and read in one request a sample from then on', async () => {
    const { port, asked } = await serve({ registers: sunSpecRegisters(40_000, [COMMON, INVERTER, INTEGER]) });
    const meter = await sunSpecMeter(port);
    expect(await meter.identify()).toEqual({
      serial: '17410078',
      firmware: '1.3',
      maker: 'Fronius',
      model: 'Smart Meter 63A',
    });
    const first = await meter.readSample();
    asked.length = 0;
    const sample = await meter.readSample();
    expect(asked).toHaveLength(1);
    expect(first.meterSerial).toBe('17410078');
    expect(Object.fromEntries(sample.values.map((each) => [each.obis, formatDecimal(each.value)]))).toEqual({
      '1-0:1.8.0*255': '12345670',
      '1-0:2.8.0*255': '43210',
      '1-0:16.7.0*255': '-1230.5',
      '1-0:14.7.0*255': '49.98',
      '1-0:32.7.0*255': '230.2',
      '1-0:52.7.0*255': '229.7',
      '1-0:72.7.0*255': '231.4',
      '1-0:31.7.0*255': '5.32',
      '1-0:51.7.0*255': '5.33',
      '1-0:71.7.0*255': '5.31',
    });
    expect(meter.rules?.get(obis('1-0:1.8.0*255'))?.rolloverAt).toEqual({
      mantissa: 42_949_672_960n,
      exponent: 0,
    });
  });

  it('is looked for anew after a read that failed: another device there has its registers elsewhere', async () => {
    const device = { registers: sunSpecRegisters(40_000, [COMMON, INVERTER, INTEGER]) };
    const { port } = await serve(device);
    const meter = await sunSpecMeter(port);
    await meter.readSample();
    const other = commonModel({ maker: 'WattNode', model: 'WNC', version: '25', serial: '606150' });
    device.registers = sunSpecRegisters(0, [other, FLOAT]);
    await expect(meter.readSample()).rejects.toMatchObject({ code: 'meter.incompatible' });
    const sample = await meter.readSample();
    expect(sample.meterSerial).toBe('606150');
    expect(sample.values.find((each) => each.obis === '1-0:1.8.0*255')?.value).toEqual({
      mantissa: 1_234_567n,
      exponent: 1,
    });
  });

  it('is never read where another model has come to stand, though those registers answer as well as before', async () => {
    const device = { registers: sunSpecRegisters(40_000, [COMMON, INTEGER]) };
    const { port } = await serve(device);
    const meter = await sunSpecMeter(port);
    await meter.readSample();
    const inTheWay = { id: 160, content: Array.from({ length: 128 }, () => 1_000) };
    device.registers = sunSpecRegisters(40_000, [COMMON, inTheWay, INTEGER]);
    await expect(meter.readSample()).rejects.toMatchObject({ code: 'meter.incompatible' });
    const sample = await meter.readSample();
    expect(formatDecimal(sample.values.find((each) => each.obis === '1-0:1.8.0*255')?.value ?? ZERO)).toBe(
      '12345670',
    );
  });

  it('walks the map once for reads that overlap', async () => {
    const { port, asked } = await serve({ registers: sunSpecRegisters(0, [COMMON, FLOAT]) });
    const meter = await sunSpecMeter(port);
    await Promise.all([meter.readSample(), meter.readSample(), meter.readSample()]);
    expect(asked.filter((each) => each === '40000+4')).toHaveLength(1);
  });

  it('says so when the device has no meter', async () => {
    const { port } = await serve({ registers: sunSpecRegisters(40_000, [COMMON, INVERTER]) });
    const meter = await sunSpecMeter(port);
    await expect(meter.identify()).rejects.toMatchObject({
      code: 'meter.incompatible',
      details: { why: expect.stringContaining('no AC meter') as string },
    });
  });
});

describe('the command line', () => {
  it.each([
    ['integers and scale factors', INTEGER, '-1230.5'],
    ['floats', FLOAT, '1230.5'],
  ])('reads a SunSpec meter of %s', async (_name, model, power) => {
    const { port } = await serve({ registers: sunSpecRegisters(40_000, [COMMON, model]) });
    const document = await productJson<ReadDocument>([
      ...['meter', 'read', '--profile', 'sunspec', '--tcp', `127.0.0.1:${port}`],
    ]);
    expect(document.meter).toEqual({ serial: '17410078', profile: 'sunspec' });
    expect(document.values).toContainEqual({
      obis: '1-0:16.7.0*255',
      value: power,
      unit: 'W',
      quality: 'G',
    });
    expect(document.values).toContainEqual({
      obis: '1-0:1.8.0*255',
      value: '12345670',
      unit: 'Wh',
      quality: 'G',
    });
  });

  it('lists the generic profile among the models', async () => {
    const { stdout } = await runProduct(['meter', 'profiles']);
    expect(stdout).toMatch(/^sunspec +SunSpec Alliance/m);
  });
});

describe('a station with a SunSpec meter', () => {
  it('journals what the meter says, under its own serial number', async () => {
    const { port } = await serve({ registers: sunSpecRegisters(40_000, [COMMON, INVERTER, INTEGER]) });
    const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-sunspec-'));
    closing.push(() => rmSync(directory, { recursive: true, force: true }));
    const [config, state] = [path.join(directory, 'station.yaml'), path.join(directory, 'state')];
    writeFileSync(
      config,
      `station: { name: T-1 }
lines:
  - { id: lan, tcp: '127.0.0.1:${port}' }
meters:
  - { id: grid, line: lan, unitId: 1, profile: sunspec, every: 200ms }
journal: { groupCommit: 200ms }
`,
    );
    const service = ServiceProcess.start(config, state);
    try {
      await service.event(({ event, size }) => event === 'committed' && Number(size) >= 10, 60_000);
    } finally {
      await service.stop('SIGTERM');
    }
    expect(await verifiedJournal(state)).toMatchObject({ ok: true });
    const readings = (await exportedEntries(state)).filter(({ kind }) => kind === 'reading');
    expect(readings.length).toBeGreaterThan(3);
    for (const { body } of readings) {
      expect(body).toMatchObject({ meterSerial: '17410078', profileId: 'sunspec' });
      expect(body['values']).toContainEqual({
        obis: '1-0:1.8.0*255',
        value: '12345670',
        unit: 'Wh',
        quality: 'G',
      });
    }
  }, 90_000);
});
