import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { loadProfile } from '../../hal/profile/index.ts';
import { openPty, startSimulatedStation } from '../../hal/simulator/index.ts';
import { givenRegisters, sameNumber, type RegisterImage } from '../support/meters/modbus-registers.ts';
import { parseRtuRequest, rtuAnswer } from '../support/meters/rtu-frames.ts';
import { productJson, runProduct } from '../support/product.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

// `meter read` as a process, against servers that others wrote: modbus-serial's and Debian's python3-pymodbus.

interface ReadDocument {
  readonly meter: { readonly serial: string; readonly profile: string };
  readonly readBeginMs: number;
  readonly readEndMs: number;
  readonly values: readonly { obis: string; value: string; unit: string; quality: string }[];
}

const MODELS = [
  { model: 'eastron-sdm630', serial: '19283746' },
  { model: 'carlo-gavazzi-em340', serial: 'KZ1280022001V' },
  { model: 'abb-b23', serial: '15080042' },
  { model: 'schneider-iem3155', serial: '204800731' },
];

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Every value is the one that the server was given, and none is missing. */
function expectGiven(document: ReadDocument, expected: ReturnType<typeof givenRegisters>['expected']): void {
  const wrong = expected.filter(({ obis, tenths, exponent, unit }) => {
    const read = document.values.find((value) => value.obis === obis);
    return read?.unit !== unit || read.quality !== 'G' || !sameNumber(read.value, tenths, exponent);
  });
  expect(wrong).toEqual([]);
  expect(document.values.length).toBe(expected.length);
  expect(document.readBeginMs).toBeLessThanOrEqual(document.readEndMs);
}

async function serveWithModbusSerial(image: RegisterImage): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const server = new modbusSerial.ServerTCP(
    {
      getInputRegister: (address: number) => image.input.get(address) ?? 0,
      getHoldingRegister: (address: number) => image.holding.get(address) ?? 0,
    },
    { host: '127.0.0.1', port, unitID: 7 },
  );
  await new Promise((resolve) => server.once('initialized', resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return port;
}

describe('meter read against the server of modbus-serial', () => {
  it.each(MODELS)('shows what the server was given: $model', async ({ model, serial }) => {
    const { image, expected } = givenRegisters(await loadProfile(model), serial, 11);
    const port = await serveWithModbusSerial(image);
    const document = await productJson<ReadDocument>([
      ...['meter', 'read', '--profile', model, '--tcp', `127.0.0.1:${port}`, '--unit', '7'],
    ]);
    expect(document.meter).toEqual({ serial, profile: model });
    expectGiven(document, expected);
  });
});

describe('meter read of a model that tells no serial number', () => {
  it('shows its values, and that the serial number is unknown', async () => {
    const { image, expected } = givenRegisters(await loadProfile('siemens-pac2200'), '', 11);
    const port = await serveWithModbusSerial(image);
    const document = await productJson<ReadDocument>([
      ...['meter', 'read', '--profile', 'siemens-pac2200', '--tcp', `127.0.0.1:${port}`, '--unit', '7'],
    ]);
    expect(document.meter).toEqual({ serial: null, profile: 'siemens-pac2200' });
    expectGiven(document, expected);
  });
});

/** Debian's Python, not one that somebody installed beside it. */
const PYTHON = '/usr/bin/python3';
const pymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus'], { encoding: 'utf8' });
const NO_PYMODBUS =
  pymodbus.status === 0 ? '' : ' (skipped: Debian package python3-pymodbus is not installed)';
const PYMODBUS_SERVER = new URL('../support/meters/pymodbus_server.py', import.meta.url).pathname;

async function serveWithPymodbus(image: RegisterImage): Promise<number> {
  const tables = Object.fromEntries(
    Object.entries(image).map(([table, registers]) => [table, Object.fromEntries(registers)]),
  );
  const child: ChildProcess = spawn(PYTHON, [PYMODBUS_SERVER], { stdio: ['pipe', 'pipe', 'ignore'] });
  closing.push(async () => {
    child.kill();
    await once(child, 'exit');
  });
  child.stdin?.write(`${JSON.stringify(tables)}\n`);
  if (child.stdout === null) throw new Error('no stdout');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return Number(line);
}

describe(`meter read against the server of pymodbus${NO_PYMODBUS}`, () => {
  it.skipIf(NO_PYMODBUS !== '').each(MODELS)(
    'shows what the server was given: $model',
    async ({ model, serial }) => {
      const { image, expected } = givenRegisters(await loadProfile(model), serial, 23);
      const port = await serveWithPymodbus(image);
      const document = await productJson<ReadDocument>([
        ...['meter', 'read', '--profile', model, '--tcp', `127.0.0.1:${port}`, '--unit', '1'],
      ]);
      expect(document.meter).toEqual({ serial, profile: model });
      expectGiven(document, expected);
    },
  );
});

describe(`meter read on a serial port ${PTY_NOTE}`, () => {
  it.skipIf(WHY_NO_PTY !== undefined)('shows what the registers hold', async () => {
    const pty = await openPty();
    closing.push(() => pty.close());
    const { image, expected } = givenRegisters(await loadProfile('eastron-sdm630'), '19283746', 5);
    pty.onBytes((bytes) => {
      const { unitId, functionCode, address, count } = parseRtuRequest(new Uint8Array(bytes));
      const table = functionCode === 3 ? image.holding : image.input;
      const words = Array.from({ length: count }, (_, i) => table.get(address + i) ?? 0);
      pty.write(rtuAnswer(unitId, functionCode, words));
    });
    const document = await productJson<ReadDocument>([
      ...['meter', 'read', '--profile', 'eastron-sdm630', '--serial', pty.path, '--baud', '19200'],
    ]);
    expect(document.meter.serial).toBe('19283746');
    expectGiven(document, expected);
  });

  it.skipIf(WHY_NO_PTY !== undefined)('says what to check when nothing answers', async () => {
    const pty = await openPty();
    closing.push(() => pty.close());
    const { status, stderr } = await runProduct([
      'meter',
      'read',
      '--profile',
      'abb-b23',
      '--serial',
      pty.path,
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('[meter.timeout]');
    for (const word of ['--unit', '--baud', '--parity', 'A and B']) expect(stderr).toContain(word);
  });
});

describe('meter read that cannot work', () => {
  it('names near profiles when the profile is unknown', async () => {
    const { status, stderr } = await runProduct([
      'meter',
      'read',
      '--profile',
      'sdm630',
      '--tcp',
      '127.0.0.1:1',
    ]);
    expect(status).toBe(2);
    expect(stderr).toContain('eastron-sdm630');
  });

  it('says that a connection was refused', async () => {
    const { status, stderr } = await runProduct([
      'meter',
      'read',
      '--profile',
      'abb-b23',
      '--tcp',
      '127.0.0.1:1',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('[line.open_failed]');
  });

  it.each([
    [['--profile', 'abb-b23']],
    [['--profile', 'abb-b23', '--tcp', 'a:1', '--serial', '/dev/null']],
    [['--profile', 'abb-b23', '--tcp', 'a:1', '--baud', '9600']],
    [['--profile', 'abb-b23', '--tcp', 'a:99999']],
    [['--tcp', 'a:1']],
    [['--profile', 'abb-b23', '--tcp', 'a:1', '--unit', '300']],
  ])('refuses the options %j', async (options) => {
    expect((await runProduct(['meter', 'read', ...options])).status).toBe(2);
  });
});

describe('meter profiles and check-profile', () => {
  it('list and check the models', async () => {
    const profiles = await productJson<{ id: string }[]>(['meter', 'profiles']);
    expect(profiles.map(({ id }) => id)).toContain('eastron-sdm72d-m');
    const good = await runProduct(['meter', 'check-profile', 'hal/profile/models/abb-b23.yaml']);
    expect(good).toMatchObject({ status: 0 });
    const bad = await runProduct(['meter', 'check-profile', 'package.json']);
    expect(bad.status).toBe(1);
    expect(bad.stdout).toMatch(/^package\.json:\d+: /);
    expect((await runProduct(['meter', 'check-profile', 'no-such-file.yaml'])).status).toBe(2);
  });
});

describe('meter read with the profile of a bigger meter', () => {
  it('shows the values that the meter has, and null for the others', async () => {
    const station = await startSimulatedStation({
      seed: 3,
      meters: [{ id: 'a', model: 'eastron-sdm72d-m', serial: '23990417', unitId: 1, on: 'tcp' }],
    });
    closing.push(() => station.stop());
    const [line] = station.lines;
    const port = line !== undefined && 'port' in line ? line.port : 0;
    const document = await productJson<{
      meter: { serial: string | null };
      values: { quality: string; value: string | null }[];
    }>([...['meter', 'read', '--profile', 'eastron-sdm630', '--tcp', `127.0.0.1:${port}`]]);
    expect(document.meter.serial).toBe('23990417');
    const good = document.values.filter(({ quality }) => quality === 'G');
    const others = document.values.filter(({ quality }) => quality !== 'G');
    expect(good.length).toBe(3);
    expect(others.map(({ quality, value }) => [quality, value])).toEqual(others.map(() => ['R', null]));
  });
});
