import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import modbusSerial from 'modbus-serial';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  REAL_CLOCK,
  startSimulatedStation,
  type Fault,
  type SimulatedStation,
} from '../../hal/simulator/index.ts';
import { encodeFrame } from '../../hal/simulator/modbus-frame.ts';
import { checkReading } from '../support/meters/truth.ts';

// The switches on real sockets: what a client sees, byte by byte. (What each fault does to an answer is tested in
// test/unit/simulator/faults.test.ts.)

const READ_SERIAL = Buffer.from('03fc000002', 'hex');
/** The serial numbers 24130433, ...34 and ...35 are 01703381h, ...82h and ...83h. */
const serialAnswer = (last: '81' | '82' | '83') => Buffer.from(`0304017033${last}`, 'hex');

let station: SimulatedStation;
beforeAll(async () => {
  station = await startSimulatedStation({
    meters: [
      { id: 'a', model: 'eastron-sdm630', unitId: 1, serial: '24130433', on: 'tcp' },
      { id: 'b', model: 'eastron-sdm630', unitId: 2, serial: '24130435', on: 'tcp' },
      { id: 'c', model: 'eastron-sdm630', unitId: 1, serial: '24130434', on: 'rtuOverTcp' },
    ],
    seed: 5,
  });
});
afterAll(async () => station.stop());
beforeEach(() => station.faults.clear());

async function client(id: string): Promise<Socket> {
  const line = station.lines.find((each) => each.id === id);
  if (line === undefined || line.kind === 'pty') throw new Error(`no socket ${id}`);
  const socket = connect(line.port, line.host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const ask = (unitId: number, transactionId: number) =>
  encodeFrame('mbap', { unitId, transactionId, pdu: READ_SERIAL });
const answer = (unitId: number, transactionId: number) =>
  encodeFrame('mbap', { unitId, transactionId, pdu: serialAnswer(unitId === 1 ? '81' : '83') }).toString(
    'hex',
  );

/** Everything up to that many bytes, or until the other side ends the connection. */
async function receive(socket: Socket, byteCount: number): Promise<string> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < byteCount) {
    const part = await new Promise<Buffer | undefined>((resolve) => {
      socket.once('data', resolve);
      socket.once('close', () => resolve(undefined));
    });
    if (part === undefined) break;
    bytes = Buffer.concat([bytes, part]);
  }
  return bytes.toString('hex');
}

describe('a simulated gateway', () => {
  it('answers for the healthy unit while the other is silent', async () => {
    const socket = await client('tcp');
    station.faults.inject({ line: 'tcp', unitId: 1 }, { kind: 'silent' });
    socket.write(Buffer.concat([ask(1, 1), ask(2, 2)]));
    expect(await receive(socket, 13)).toBe(answer(2, 2));
    socket.destroy();
  });

  it('swaps the order of two answers', async () => {
    const socket = await client('tcp');
    station.faults.inject({ line: 'tcp' }, { kind: 'swappedOrder' }, { times: 1 });
    socket.write(Buffer.concat([ask(1, 7), ask(1, 8)]));
    expect(await receive(socket, 26)).toBe(answer(1, 8) + answer(1, 7));
    socket.destroy();
  });

  it('answers late by the time that was said, and then at once again', async () => {
    const socket = await client('tcp');
    station.faults.inject({ line: 'tcp' }, { kind: 'late', ms: 120 }, { times: 1 });
    socket.write(Buffer.concat([ask(1, 1), ask(1, 2)]));
    expect(await receive(socket, 26)).toBe(answer(1, 2) + answer(1, 1));
    socket.destroy();
  });

  it('ends the connection instead of an answer, or in the middle of one, and takes a new one', async () => {
    for (const [kind, length] of [
      ['closeSocket', 0],
      ['closeInAnswer', 6],
    ] as const) {
      const socket = await client('tcp');
      station.faults.inject({ line: 'tcp' }, { kind }, { times: 1 });
      socket.write(ask(1, 1));
      expect(await receive(socket, 13)).toBe(answer(1, 1).slice(0, length * 2));
    }
    const again = await client('tcp');
    again.write(ask(1, 2));
    expect(await receive(again, 13)).toBe(answer(1, 2));
    again.destroy();
  });

  it('says for a unit that is not there that its target is silent (exception 11)', async () => {
    const socket = await client('tcp');
    socket.write(ask(9, 3));
    expect(await receive(socket, 9)).toBe('00030000000309830b');
    socket.destroy();
  });

  it('ends the connection after a header that is not Modbus', async () => {
    const socket = await client('tcp');
    socket.write(Buffer.from('485454502f312e310d0a', 'hex'));
    expect(await receive(socket, 1)).toBe('');
  });
});

describe('a simulated serial line behind a transparent gateway', () => {
  const request = encodeFrame('rtu', { unitId: 1, transactionId: 0, pdu: READ_SERIAL });
  const right = encodeFrame('rtu', {
    unitId: 1,
    transactionId: 0,
    pdu: serialAnswer('82'),
  }).toString('hex');

  it.each<{ fault: Fault; seen: string }>([
    { fault: { kind: 'byteByByte' }, seen: right },
    { fault: { kind: 'duplicate' }, seen: right + right },
    { fault: { kind: 'glued' }, seen: right + right },
    { fault: { kind: 'shortFrame', missing: 4 }, seen: right.slice(0, -8) },
  ])('shows $fault.kind to its client', async ({ fault, seen }) => {
    const socket = await client('rtuOverTcp');
    station.faults.inject({ line: 'rtuOverTcp', unitId: 1 }, fault, { times: 1 });
    socket.write(request);
    expect(await receive(socket, seen.length / 2)).toBe(seen);
    socket.destroy();
  });

  it('is silent for a unit that is not there and for a request with a bad check sum', async () => {
    const socket = await client('rtuOverTcp');
    const foreign = encodeFrame('rtu', { unitId: 9, transactionId: 0, pdu: READ_SERIAL });
    socket.write(Buffer.concat([foreign, request.subarray(0, -1), Buffer.from([0]), request]));
    expect(await receive(socket, right.length / 2)).toBe(right);
    socket.destroy();
  });
});

describe('the truth on a real line', () => {
  it('finds out a reader that takes a late answer for the answer to its next question', async () => {
    const line = station.lines.find(({ id }) => id === 'rtuOverTcp');
    if (line === undefined || line.kind === 'pty') throw new Error('no socket');
    // modbus-serial, used plainly, has no quarantine after a time-out.
    const reader = new modbusSerial.default();
    await reader.connectTelnet(line.host, { port: line.port });
    reader.setID(1);
    reader.setTimeout(150);
    const voltage = async (address: number) =>
      (await reader.readInputRegisters(address, 2)).buffer.readFloatBE(0);
    const judge = (beginMonoMs: number, volts: number) =>
      checkReading(station.truth, {
        meterSerial: '24130434',
        profileId: 'eastron-sdm630',
        readBeginMonoMs: beginMonoMs,
        readEndMonoMs: REAL_CLOCK.nowMonoMs(),
        values: [{ obis: '1-0:52.7.0*255', value: volts.toFixed(1), unit: 'V', quality: 'G' }],
      }).mismatches.map(({ reason }) => reason);

    const calm = REAL_CLOCK.nowMonoMs();
    expect(judge(calm, await voltage(0x02))).toEqual([]);

    station.faults.inject({ line: 'rtuOverTcp' }, { kind: 'late', ms: 220 }, { times: 2 });
    await expect(voltage(0x00)).rejects.toMatchObject({ errno: 'ETIMEDOUT' });
    const begin = REAL_CLOCK.nowMonoMs();
    // The reason depends on whether the registers were renewed meanwhile; that it is wrong does not.
    expect(judge(begin, await voltage(0x02))).toHaveLength(1);
    await new Promise<void>((resolve) => reader.close(() => resolve()));
  });
});
