import { describe, expect, it } from 'vitest';
import {
  obis,
  type Exchange,
  type ExchangeResult,
  type Line,
  type MeterProfile,
  type ProfilePoint,
  type RegisterField,
} from '../../../hal/contract/index.ts';
import { createModbusMeter } from '../../../hal/driver/modbus/index.ts';
import { parseRtuRequest, rtuAnswer, rtuFrame } from '../../support/meters/rtu-frames.ts';

/** A unit with these input registers, which answers at once; what it was asked is in `asked`. */
function unitWith(registers: Map<number, number>) {
  const asked: string[] = [];
  let nowMs = 0;
  const line = {
    id: 'line',
    kind: 'serial',
    async exchange<Answer>(exchange: Exchange<Answer>): Promise<ExchangeResult<Answer>> {
      const { unitId, functionCode, address, count } = parseRtuRequest(exchange.request(0));
      asked.push(`${address}+${count}`);
      const words = Array.from({ length: count }, (_, i) => registers.get(address + i));
      const answer = words.includes(undefined)
        ? rtuFrame(unitId, functionCode | 0x80, 2)
        : rtuAnswer(unitId, functionCode, words as number[]);
      const reception = exchange.receive(answer, 0);
      if (reception.kind !== 'answer') throw new Error(reception.kind);
      nowMs += 10;
      return { answer: reception.answer, sentMonoMs: nowMs - 10, receivedMonoMs: nowMs, attempts: 1 };
    },
  } as Partial<Line> as Line;
  return { line, asked };
}

const at = (registerAddress: number): RegisterField => ({
  table: 'input',
  registerAddress,
  documentRef: 'x',
  type: 'u16',
  byteOrder: 'ABCD',
});
const point = (code: string, registerAddress: number, more: Partial<ProfilePoint> = {}): ProfilePoint => ({
  ...at(registerAddress),
  obis: obis(code),
  unit: 'Wh',
  decimalExponent: 0,
  ...more,
});

const FAST = '1-0:1.8.0*255';
const SLOW = '1-0:2.8.0*255';
const ONCE = '1-0:3.8.0*255';

function profile(points: readonly ProfilePoint[], more: Partial<MeterProfile> = {}): MeterProfile {
  return {
    id: 'test',
    maker: 'x',
    model: 'x',
    protocol: 'modbus',
    verified: 'documentation',
    sources: [],
    identity: { serial: at(0) },
    link: {
      baudRate: 9600,
      parity: 'none',
      dataBits: 8,
      stopBits: 1,
      unitId: 1,
      responseTimeoutMs: 100,
      maxRegistersPerRead: 20,
      maxRegisterHole: 0,
      slowEvery: 3,
    },
    points,
    vectors: [],
    ...more,
  };
}

const contents = (...addresses: number[]): Map<number, number> =>
  new Map(addresses.map((address) => [address, address]));

describe('poll classes', () => {
  const points = [point(FAST, 10), point(SLOW, 30, { poll: 'slow' }), point(ONCE, 50, { poll: 'once' })];
  const codes = ({ values }: { values: readonly { obis: string }[] }): string[] =>
    values.map((each) => each.obis);

  it('put into a sample only what was read for it: everything first, slow points now and then, the rest each time', async () => {
    const { line, asked } = unitWith(contents(0, 10, 30, 50));
    const meter = createModbusMeter({ id: 'm', line, unitId: 1, profile: profile(points) });
    const samples = [];
    for (let i = 0; i < 5; i++) samples.push(await meter.readSample());
    expect(samples.map(codes)).toEqual([[FAST, SLOW, ONCE], [FAST], [FAST], [FAST, SLOW], [FAST]]);
    expect(asked).toEqual(['0+1', '10+1', '30+1', '50+1', '10+1', '10+1', '10+1', '30+1', '10+1']);
    for (const sample of samples) expect(sample.missing).toEqual([]);
  });

  it('begin anew after a failure: it may be another meter', async () => {
    const registers = contents(0, 10, 30, 50);
    const { line } = unitWith(registers);
    const meter = createModbusMeter({ id: 'm', line, unitId: 1, profile: profile(points) });
    await meter.readSample();
    registers.delete(10);
    await expect(meter.readSample()).rejects.toMatchObject({ code: 'meter.incompatible' });
    registers.set(10, 7);
    expect(codes(await meter.readSample())).toEqual([FAST, SLOW, ONCE]);
  });
});

describe('an atomic group', () => {
  const group = [point(FAST, 10, { atomicGroup: 'energy' }), point(SLOW, 13, { atomicGroup: 'energy' })];

  it('comes in one request over registers that are no point, and is missing as a whole where one is lacking', async () => {
    const registers = contents(0, 10, 11, 12, 13, 20);
    const { line, asked } = unitWith(registers);
    const meter = createModbusMeter({
      id: 'm',
      line,
      unitId: 1,
      profile: profile([...group, point(ONCE, 20)]),
    });
    expect((await meter.readSample()).values).toHaveLength(3);
    expect(asked.slice(1)).toEqual(['10+4', '20+1']);
    registers.delete(13);
    const { values, missing } = await meter.readSample();
    expect(values.map((each) => each.obis)).toEqual([ONCE]);
    expect(missing).toMatchObject([
      { obis: FAST, quality: 'R' },
      { obis: SLOW, quality: 'R' },
    ]);
  });
});

describe('what the meter says of its values', () => {
  const points = [point(FAST, 10), point(SLOW, 11)];
  const quality: MeterProfile['quality'] = [
    { ...at(12), id: 'tampered', bitField: { firstBit: 0, bitCount: 1 }, when: ['1'], quality: 'M' },
    {
      ...at(12),
      id: 'export-fault',
      bitField: { firstBit: 4, bitCount: 2 },
      when: ['1', '3'],
      quality: 'F',
      affects: [obis(SLOW)],
    },
  ];
  const qualitiesWith = async (status: number | undefined): Promise<string> => {
    const registers = contents(0, 10, 11);
    if (status !== undefined) registers.set(12, status);
    const { line } = unitWith(registers);
    const meter = createModbusMeter({ id: 'm', line, unitId: 1, profile: profile(points, { quality }) });
    await meter.readSample();
    return (await meter.readSample()).values.map((each) => each.quality).join('');
  };

  it('is the quality of all values, or of those concerned; the first rule that holds decides', async () => {
    expect(await qualitiesWith(0)).toBe('GG');
    expect(await qualitiesWith(0b0000_0001)).toBe('MM');
    expect(await qualitiesWith(0b0001_0000)).toBe('GF');
    expect(await qualitiesWith(0b0010_0000)).toBe('GG');
    expect(await qualitiesWith(0b0011_0001)).toBe('MM');
  });

  it('is nothing on a meter without that register: its values are there all the same', async () => {
    expect(await qualitiesWith(undefined)).toBe('GG');
  });
});

it('what a profile knows of its values is there for whoever judges them, in their unit', () => {
  const { line } = unitWith(new Map());
  const points = [
    point(FAST, 10, { decimalExponent: 1, rolloverAt: '655360', maxRate: '55200' }),
    point(SLOW, 11, { type: 'float32', range: ['-1', '0.5'], monotonic: false }),
  ];
  const { rules } = createModbusMeter({ id: 'm', line, unitId: 1, profile: profile(points) });
  expect([...(rules ?? [])]).toEqual([
    [
      FAST,
      {
        rolloverAt: { mantissa: 655_360n, exponent: 0 },
        maxRate: { mantissa: 55_200n, exponent: 0 },
        step: { mantissa: 1n, exponent: 1 },
      },
    ],
    [
      SLOW,
      {
        monotonic: false,
        range: { min: { mantissa: -1n, exponent: 0 }, max: { mantissa: 5n, exponent: -1 } },
      },
    ],
  ]);
});

it('registers that a meter lacks are asked for once, whatever poll class asks', async () => {
  const { line, asked } = unitWith(contents(0, 10, 12, 30));
  const points = [
    point(FAST, 10),
    point(ONCE, 11),
    point('1-0:4.8.0*255', 12),
    point(SLOW, 30, { poll: 'slow' }),
  ];
  const meter = createModbusMeter({ id: 'm', line, unitId: 1, profile: profile(points) });
  for (let i = 0; i < 8; i++) await meter.readSample();
  const [, ...reads] = asked;
  expect(reads.filter((read) => read === '11+1')).toHaveLength(1);
  expect(reads.slice(-3)).toEqual(['30+1', '10+1', '12+1']);
});

it('a meter whose model tells no serial number is refused, unless it is accepted without', async () => {
  const { line, asked } = unitWith(contents(0, 10));
  const given = { id: 'm', line, unitId: 1, profile: profile([point(FAST, 10)], { identity: {} }) };
  await expect(createModbusMeter(given).readSample()).rejects.toMatchObject({ code: 'meter.incompatible' });
  expect(asked).toEqual([]);
  const accepted = createModbusMeter({ ...given, withoutSerial: 'accept' });
  expect(await accepted.identify()).toEqual({ serial: '' });
  expect((await accepted.readSample()).meterSerial).toBe('');
  expect(asked).toEqual(['10+1']);
});
