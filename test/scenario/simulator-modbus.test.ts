import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import modbusSerial from 'modbus-serial';
import { formatDecimal, obis, ZERO } from '../../hal/contract/index.ts';
import {
  REAL_CLOCK,
  startSimulatedStation,
  type SimulatedStation,
  type StationMeter,
} from '../../hal/simulator/index.ts';
import { WHY_NO_PTY } from '../support/meters/pty.ts';

// modbus-serial is an independent client: it frames, checks and hands over raw registers; the numbers below are decoded
// here by hand, from the documents, so that neither the simulator's encoder nor the product's decoder is used.

const SERIALS = {
  sdm630: '24130001',
  sdm72d: '23990417',
  b23: '10543311',
  em340: 'KS0340123456A',
  iem3155: '12004711',
};
const METERS: Omit<StationMeter, 'on'>[] = [
  { id: 'a', model: 'eastron-sdm630', unitId: 1, serial: SERIALS.sdm630 },
  { id: 'b', model: 'eastron-sdm72d-m', unitId: 2, serial: SERIALS.sdm72d },
  { id: 'c', model: 'abb-b23', unitId: 3, serial: SERIALS.b23 },
  { id: 'd', model: 'carlo-gavazzi-em340', unitId: 4, serial: SERIALS.em340 },
  { id: 'e', model: 'schneider-iem3155', unitId: 5, serial: SERIALS.iem3155, measures: 'grid' },
];

interface Check {
  readonly serial: string;
  readonly unitId: number;
  readonly read: 'readInputRegisters' | 'readHoldingRegisters';
  readonly registers: readonly [address: number, count: number];
  readonly obis: string;
  /** Registers to the value in the unit of the OBIS code. */
  readonly decode: (bytes: Buffer) => number;
}

const input = (
  meter: readonly [serial: string, unitId: number],
  registers: Check['registers'],
  obis: string,
  decode: Check['decode'],
): Check => ({ serial: meter[0], unitId: meter[1], read: 'readInputRegisters', registers, obis, decode });
const holding = (...parameters: Parameters<typeof input>): Check => ({
  ...input(...parameters),
  read: 'readHoldingRegisters',
});

const kilowattHours = (b: Buffer) => Math.round(b.readFloatBE(0) * 1_000);
const CHECKS: Check[] = [
  input([SERIALS.sdm630, 1], [0x48, 2], '1-0:1.8.0*255', kilowattHours),
  input([SERIALS.sdm630, 1], [0x02, 2], '1-0:52.7.0*255', (b) => Math.round(b.readFloatBE(0) * 10) / 10),
  input([SERIALS.sdm72d, 2], [0x4a, 2], '1-0:2.8.0*255', kilowattHours),
  holding([SERIALS.b23, 3], [0x5000, 4], '1-0:1.8.0*255', (b) => Number(b.readBigUInt64BE(0)) * 10),
  holding([SERIALS.b23, 3], [0x5b04, 2], '1-0:72.7.0*255', (b) => b.readUInt32BE(0) / 10),
  input(
    [SERIALS.em340, 4],
    [0x34, 2],
    '1-0:1.8.0*255',
    (b) => (b.readUInt16BE(0) + b.readInt16BE(2) * 65_536) * 100,
  ),
  holding([SERIALS.iem3155, 5], [3203, 4], '1-0:1.8.0*255', (b) => Number(b.readBigInt64BE(0))),
  holding([SERIALS.iem3155, 5], [3059, 2], '1-0:16.7.0*255', kilowattHours),
];

const KINDS: { on: 'tcp' | 'rtuOverTcp' | 'pty'; skipped?: string | undefined }[] = [
  { on: 'tcp' },
  { on: 'rtuOverTcp' },
  { on: 'pty', skipped: WHY_NO_PTY },
];

for (const { on, skipped } of KINDS) {
  describe.skipIf(skipped !== undefined)(
    `an independent client on ${on}${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
    () => {
      const client = new modbusSerial.default();
      let station: SimulatedStation;

      beforeAll(async () => {
        station = await startSimulatedStation({
          meters: METERS.map((meter) => ({ ...meter, on })),
          seed: 7,
          pace: 200,
        });
        await connect(client, station);
      });

      afterAll(async () => {
        await new Promise<void>((resolve) => (client.isOpen ? client.close(() => resolve()) : resolve()));
        await station.stop();
      });

      it.each(CHECKS)('reads $obis of $serial as the truth has it', async (check) => {
        client.setID(check.unitId);
        const begin = REAL_CLOCK.nowMonoMs();
        const { buffer } = await client[check.read](...check.registers);
        const shown = station.truth
          .meter(check.serial)
          ?.history.between(begin, REAL_CLOCK.nowMonoMs())
          .map((state) => state.values.get(obis(check.obis))?.value ?? ZERO);
        expect(shown?.map((value) => Number(formatDecimal(value)))).toContain(check.decode(buffer));
      });

      it('reads the serial numbers', async () => {
        const read = async (unitId: number, address: number, count: number) => {
          client.setID(unitId);
          return (await client.readHoldingRegisters(address, count)).buffer;
        };
        expect((await read(1, 0xfc00, 2)).readUInt32BE(0)).toBe(Number(SERIALS.sdm630));
        expect((await read(2, 0xfc00, 2)).readUInt32BE(0)).toBe(Number(SERIALS.sdm72d));
        expect((await read(3, 0x8900, 2)).readUInt32BE(0)).toBe(Number(SERIALS.b23));
        expect((await read(4, 0x5000, 7)).toString('latin1').replace(/\0+$/, '')).toBe(SERIALS.em340);
        expect((await read(5, 129, 2)).readUInt32BE(0)).toBe(Number(SERIALS.iem3155));
      });

      it('is refused registers that no meter has (exception 2), more than the model gives, and writing', async () => {
        client.setID(1);
        const refused = (modbusCode: number) => expect.objectContaining({ modbusCode }) as unknown;
        await expect(client.readInputRegisters(0x3000, 2)).rejects.toEqual(refused(2));
        await expect(client.readHoldingRegisters(0x48, 2)).rejects.toEqual(refused(2));
        await expect(client.readInputRegisters(0, 82)).rejects.toEqual(refused(3));
        await expect(client.writeRegister(0xfc00, 1)).rejects.toEqual(refused(1));
      });
    },
  );
}

async function connect(
  client: InstanceType<typeof modbusSerial.default>,
  station: SimulatedStation,
): Promise<void> {
  const address = station.lines[0];
  if (address === undefined) throw new Error('the station has no line');
  client.setTimeout(1_000);
  if (address.kind === 'pty') return client.connectRTUBuffered(address.path, { baudRate: 9600 });
  if (address.kind === 'rtuOverTcp') return client.connectTelnet(address.host, { port: address.port });
  return client.connectTCP(address.host, { port: address.port });
}
