import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { loadProfile } from '../../hal/profile/index.ts';
import { openPty, startSimulatedStation } from '../../hal/simulator/index.ts';
import { givenRegisters } from '../support/meters/modbus-registers.ts';
import { parseRtuRequest, rtuAnswer, rtuFrame } from '../support/meters/rtu-frames.ts';
import { PRODUCT, productJson, runProduct } from '../support/product.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

// `meter scan` as a process: against the simulator over TCP, and over a pseudo terminal, which takes every baud rate.

interface ScanDocument {
  readonly complete: boolean;
  readonly asked: number;
  readonly units: readonly {
    readonly unit: number;
    readonly at: readonly { baudRate: number; parity: string }[];
    readonly alsoUnits: readonly number[];
    readonly profile: string | null;
    readonly serial: string | null;
    readonly couldBe: readonly { profile: string; serial: string | null }[];
  }[];
  readonly noise: readonly unknown[];
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function simulated(on: 'tcp' | 'rtuOverTcp'): Promise<string> {
  const station = await startSimulatedStation({
    seed: 5,
    meters: [
      { id: 'a', model: 'eastron-sdm72d-m', serial: '23990417', unitId: 1, on },
      { id: 'b', model: 'schneider-iem3155', serial: '204800731', unitId: 7, on },
      { id: 'c', model: 'carlo-gavazzi-em340', serial: 'KZ1280022001V', unitId: 12, on },
    ],
  });
  closing.push(() => station.stop());
  const [line] = station.lines;
  return `127.0.0.1:${line !== undefined && 'port' in line ? line.port : 0}`;
}

describe('meter scan against simulated meters', () => {
  it.each([
    ['--tcp', 'tcp'],
    ['--rtu-over-tcp', 'rtuOverTcp'],
  ] as const)('finds every unit and names its model: %s', async (option, kind) => {
    const found = await productJson<ScanDocument>([
      ...['meter', 'scan', option, await simulated(kind), '--units', '1-13', '--timeout', '100'],
    ]);
    expect(found).toMatchObject({ complete: true, asked: 13, noise: [] });
    expect(found.units.map(({ unit }) => unit)).toEqual([1, 7, 12]);
    expect(found.units.slice(0, 2)).toMatchObject([
      { profile: 'eastron-sdm72d-m', serial: '23990417', couldBe: [] },
      { profile: 'schneider-iem3155', serial: '204800731', couldBe: [] },
    ]);
    const em340 = found.units[2];
    const known = [em340, ...(em340?.couldBe ?? [])].filter(
      (model) => model?.profile === 'carlo-gavazzi-em340',
    );
    expect(known).toMatchObject([{ serial: 'KZ1280022001V' }]);
  });

  it('shows a person what to pass to meter read, and how long it takes', async () => {
    const target = await simulated('tcp');
    const { status, stdout, stderr } = await runProduct([
      ...['meter', 'scan', '--tcp', target, '--units', '1-2', '--timeout', '100'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain('--profile eastron-sdm72d-m');
    expect(stdout).toContain('serial 23990417');
    expect(stderr).toMatch(/asking 2 units: about 1 s at most/);
  });
});

/** Answers on a pseudo terminal as one unit; `answer` makes the frame. */
async function unitOnPty(
  unit: number,
  answer: (request: ReturnType<typeof parseRtuRequest>) => Uint8Array,
): Promise<string> {
  const pty = await openPty();
  closing.push(() => pty.close());
  pty.onBytes((bytes) => {
    const request = parseRtuRequest(new Uint8Array(bytes));
    if (request.unitId === unit) pty.write(answer(request));
  });
  return pty.path;
}

describe(`meter scan on a serial port ${PTY_NOTE}`, () => {
  it.skipIf(WHY_NO_PTY !== undefined)(
    'finds one meter once, however many settings it answers at',
    async () => {
      const { image } = givenRegisters(await loadProfile('eastron-sdm630'), '19283746', 5);
      image.holding.set(0xfc02, 112);
      const path = await unitOnPty(3, ({ unitId, functionCode, address, count }) => {
        const table = functionCode === 3 ? image.holding : image.input;
        const words = Array.from({ length: count }, (_, i) => table.get(address + i) ?? 0);
        return rtuAnswer(unitId, functionCode, words);
      });
      const found = await productJson<ScanDocument>([
        ...['meter', 'scan', '--serial', path, '--bauds', '9600,19200', '--parities', 'none'],
        ...['--units', '1-4', '--timeout', '50'],
      ]);
      expect(found).toMatchObject({ complete: true, asked: 8 });
      expect(found.units).toMatchObject([{ unit: 3, profile: 'eastron-sdm630', serial: '19283746' }]);
      expect(found.units[0]?.at).toEqual([
        { baudRate: 9600, parity: 'none' },
        { baudRate: 19200, parity: 'none' },
      ]);
    },
  );

  it.skipIf(WHY_NO_PTY !== undefined)(
    'counts an exception as a unit, of a model that is not known',
    async () => {
      const path = await unitOnPty(2, ({ unitId, functionCode }) => rtuFrame(unitId, functionCode | 0x80, 2));
      const found = await productJson<ScanDocument>([
        ...['meter', 'scan', '--serial', path, '--bauds', '9600', '--parities', 'even'],
        ...['--units', '1-3', '--timeout', '50'],
      ]);
      expect(found.units).toEqual([
        {
          unit: 2,
          at: [{ baudRate: 9600, parity: 'even' }],
          alsoUnits: [],
          profile: null,
          serial: null,
          couldBe: [],
        },
      ]);
    },
  );

  it.skipIf(WHY_NO_PTY !== undefined)('asks again, with patience, who answers too late', async () => {
    const pty = await openPty();
    closing.push(() => pty.close());
    pty.onBytes((bytes) => {
      const { unitId, functionCode } = parseRtuRequest(new Uint8Array(bytes));
      // Comes while the next unit is asked.
      if (unitId === 2) setTimeout(() => pty.write(rtuFrame(2, functionCode | 0x80, 2)), 150);
    });
    const found = await productJson<ScanDocument>([
      ...['meter', 'scan', '--serial', pty.path, '--bauds', '9600', '--parities', 'none'],
      ...['--units', '1-4', '--timeout', '100'],
    ]);
    expect(found.units.map(({ unit }) => unit)).toEqual([2]);
  });

  it.skipIf(WHY_NO_PTY !== undefined)('says what to check when nobody answers, and ends with 1', async () => {
    const pty = await openPty();
    closing.push(() => pty.close());
    const { status, stderr } = await runProduct([
      ...['meter', 'scan', '--serial', pty.path, '--bauds', '9600', '--parities', 'none'],
      ...['--units', '1-3', '--timeout', '20'],
    ]);
    expect(status).toBe(1);
    for (const word of ['power', 'A and B', '--bauds']) expect(stderr).toContain(word);
  });

  it.skipIf(WHY_NO_PTY !== undefined)('ends with what it has found when it is interrupted', async () => {
    let asked: (() => void) | undefined;
    const lastUnit = new Promise<void>((resolve) => (asked = resolve));
    const pty = await openPty();
    closing.push(() => pty.close());
    pty.onBytes((bytes) => {
      const { unitId, functionCode } = parseRtuRequest(new Uint8Array(bytes));
      if (unitId === 1) pty.write(rtuFrame(1, functionCode | 0x80, 2));
      if (unitId === 2) asked?.();
    });
    const child = spawn(
      process.execPath,
      [PRODUCT, 'meter', 'scan', '--serial', pty.path, '--timeout', '200', '--json'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const output: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => output.push(piece));
    await lastUnit;
    child.kill('SIGINT');
    const [status] = (await once(child, 'close')) as [number | null];
    expect(status).toBe(0);
    const found = JSON.parse(Buffer.concat(output).toString()) as ScanDocument;
    expect(found.complete).toBe(false);
    expect(found.units.map(({ unit }) => unit)).toEqual([1]);
  });
});

describe('meter scan that cannot work', () => {
  it.each([
    [[]],
    [['--tcp', 'a:1', '--serial', '/dev/null']],
    [['--tcp', 'a:1', '--bauds', '9600']],
    [['--serial', '/dev/null', '--bauds', 'fast']],
    [['--serial', '/dev/null', '--parities', 'mark']],
    [['--serial', '/dev/null', '--units', '0-300']],
  ])('refuses the options %j', async (options) => {
    expect((await runProduct(['meter', 'scan', ...options])).status).toBe(2);
  });

  it('says at once that a connection was refused', async () => {
    const { status, stderr } = await runProduct(['meter', 'scan', '--tcp', '127.0.0.1:1']);
    expect(status).toBe(1);
    expect(stderr).toContain('[line.open_failed]');
  });
});
