import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { openLine } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { REAL_CLOCK } from '../../hal/simulator/index.ts';
import { ocmfSessionSummary, verifyMeterRecord, verifyOcmf } from '../../src/ocmf/index.ts';
import { contentOf, OTHER_KEY, readingOf, signed, STATION_KEY } from '../support/receipt/ocmf-session.ts';

// A meter that signs by itself, behind a Modbus TCP server that others wrote (modbus-serial). It signs when 2 is written to the
// status register of a snapshot, says 2 for two polls, and then shows a record of its own with the next page.

const UNIT = 42;
const BSM = await loadProfile('bauer-bsm-ws36a');
const REGISTERS = BSM.signedRecords!;
const SERIAL = '001BZR1521070006';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function signingMeter() {
  const registers = new Map<number, number>();
  const busy = new Map<number, number>();
  const written: string[] = [];
  const kwh = { begin: '100.00', end: '107.35' };
  let page = 0;
  const sign = (moment: 'begin' | 'end'): void => {
    const reading = readingOf(moment === 'begin' ? 'B' : 'E', kwh[moment], moment === 'begin' ? 0 : 600);
    const content = {
      ...contentOf(++page, [reading]),
      gateway: { serial: SERIAL },
      meter: { serial: SERIAL },
    };
    const text = Buffer.alloc(2 * REGISTERS[moment].textRegisters);
    text.write(signed(content));
    for (let i = 0; i < text.length / 2; i++) {
      registers.set(REGISTERS[moment].textAddress + i, text.readUInt16BE(2 * i));
    }
    busy.set(REGISTERS[moment].statusAddress, 2);
  };
  const read = (address: number): number => {
    const left = busy.get(address) ?? 0;
    busy.set(address, Math.max(0, left - 1));
    return left > 0 ? 2 : (registers.get(address) ?? 0);
  };
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const server = new modbusSerial.ServerTCP(
    {
      getHoldingRegister: read,
      getMultipleHoldingRegisters: (address: number, count: number) =>
        Array.from({ length: count }, (_, i) => read(address + i)),
      setRegister: (address: number, value: number) => {
        written.push(`${address}=${value}`);
        const moment = (['begin', 'end'] as const).find((one) => REGISTERS[one].statusAddress === address);
        if (moment !== undefined && value === REGISTERS.command) sign(moment);
      },
    },
    { host: '127.0.0.1', port, unitID: UNIT },
  );
  await new Promise((resolve) => server.once('initialized', resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, written };
}

describe('a session at a meter that signs by itself', () => {
  it('is signed by the meter, over a real connection, and believed for its key alone', async () => {
    const { port, written } = await signingMeter();
    const line = openLine(
      { id: 'gw', kind: 'tcp', host: '127.0.0.1', port },
      { clock: REAL_CLOCK, log: silentLog },
    );
    closing.push(() => line.close());
    const meter = createModbusMeter({ id: 'evse1', line, unitId: UNIT, profile: BSM });
    const begin = await meter.readSignedRecord?.('begin');
    const end = await meter.readSignedRecord?.('end');
    expect(written).toEqual(['41286=2', '41540=2']);
    for (const record of [begin, end]) {
      const publicKey = STATION_KEY.publicKeySpki;
      expect(verifyMeterRecord(record!.data, { publicKey, serial: SERIAL })).toMatchObject({
        authentic: true,
        ok: true,
      });
      expect(verifyMeterRecord(record!.data, { publicKey, serial: '1' }).authentic).toBe(false);
      expect(verifyMeterRecord(record!.data, { publicKey: OTHER_KEY.publicKey }).authentic).toBe(false);
    }
    expect(ocmfSessionSummary([begin!.data, end!.data])).toMatchObject({
      energyWh: '7350',
      pages: ['T1', 'T2'],
    });
    const both = verifyOcmf(`${begin!.data}\n${end!.data}`, { publicKey: STATION_KEY.publicKey });
    expect(both.ok).toBe(true);
  });
});
