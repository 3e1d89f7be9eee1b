import modbusSerial from 'modbus-serial';
import { registerCountOf, silentLog, type MeasuredValue } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { decodePoint } from '../../hal/driver/modbus/register-codec.ts';
import { openLine, type LineOptions } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import {
  REAL_CLOCK,
  startSimulatedStation,
  type Fault,
  type LineAddress,
  type SimulatedStation,
} from '../../hal/simulator/index.ts';
import { FAULTS_OF, faultName } from '../support/all-faults.ts';
import { checkReading, type JournaledReading } from '../support/meters/truth.ts';
import type { Bench, Row, Table } from './bench.ts';

// Two units of one model, which the same faults befall: unit 1 in every answer, unit 2 never. Everything is read that can be,
// by one reader for each unit, as a gateway would. A value counts as wrong when its meter did not show it at any moment since
// the reader asked for it.

const MODEL = 'carlo-gavazzi-em340';
const TIMEOUT_MS = 100;
/** Ten times the time-out without an outcome: the client hangs, or waits because a meter asked it to (exceptions 5 and 6). */
const HANG_MS = 10 * TIMEOUT_MS;
/** As many values are read, one request each, as a plain program reads them: their answers look the same on the wire. */
const PLAIN_VALUES = 6;
const KINDS = ['pty', 'tcp', 'rtuOverTcp'] as const;
type Kind = (typeof KINDS)[number];
const SUBJECTS = ['modbus-serial', 'delmonicos'] as const;

export const faultsBench: Bench = {
  name: 'faults',
  what: 'every fault of the simulator, on every kind of line: wrong values and hangs, beside modbus-serial used plainly',
  async run(scale) {
    const durationMs = scale === 'full' ? 1_000 : 50;
    const tables: Table[] = [];
    for (const kind of KINDS) tables.push(await matrix(kind, durationMs, scale === 'full' ? Infinity : 1));
    return tables;
  },
};

interface Outcome {
  readonly good: number;
  readonly wrong: number;
  readonly failed: number;
  readonly hangs: number;
  /** Right values of the unit without a fault, a second. */
  readonly healthyRate: number;
}

async function matrix(kind: Kind, durationMs: number, most: number): Promise<Table> {
  const faults = FAULTS_OF[kind].slice(0, most);
  const rows: Row[] = [];
  for (const subject of SUBJECTS) {
    const free = await underFault(kind, subject, undefined, durationMs);
    rows.push(rowOf(`${subject}, no fault`, free, free.healthyRate));
    for (const fault of faults) {
      const outcome = await underFault(kind, subject, fault, durationMs);
      rows.push(rowOf(`${subject}, ${faultName(fault)}`, outcome, free.healthyRate));
    }
  }
  return {
    title: `Two units on ${kind}, unit 1 faulty, ${durationMs} ms each`,
    baseline: `${SUBJECTS[0]}, no fault`,
    rows,
    notes: [
      'modbus-serial: one client, its own time-out, requests one after the other, as its README shows; opened anew when it says it is closed',
      'healthy rate: right values of unit 2, of those without a fault in the same run; 100 and more where unit 1 leaves it the line',
    ],
  };
}

function rowOf(subject: string, outcome: Outcome, freeRate: number): Row {
  const count = (value: number) => ({ unit: 'count' as const, samples: [value] });
  return {
    subject,
    measures: {
      right: count(outcome.good),
      wrong: count(outcome.wrong),
      errors: count(outcome.failed),
      hangs: count(outcome.hangs),
      'healthy rate': { unit: '%', samples: [(100 * outcome.healthyRate) / freeRate] },
    },
  };
}

interface Reader {
  /** One pass over a unit; each list of values claims to have been read in its window. */
  read(unitId: number): Promise<JournaledReading>;
  close(): Promise<void>;
}

async function underFault(
  kind: Kind,
  subject: (typeof SUBJECTS)[number],
  fault: Fault | undefined,
  durationMs: number,
): Promise<Outcome> {
  const station = await startSimulatedStation({
    seed: 11,
    pace: 600,
    showEveryMs: 100,
    meters: [1, 2].map((unitId) => ({
      id: `unit${unitId}`,
      model: MODEL,
      serial: `KS034012345${unitId}A`,
      unitId,
      on: kind,
      startWh: 1_000_000,
    })),
  });
  const outcome = { good: 0, wrong: 0, failed: 0, hangs: 0, healthyRate: 0 };
  try {
    const [address] = station.lines;
    if (address === undefined) throw new Error('the station has no line');
    const reader = await (subject === 'delmonicos' ? ours(address) : plain(address, station));
    if (fault !== undefined) station.faults.inject({ line: kind, unitId: 1 }, fault);
    const startedAt = performance.now();
    const isOver = (): boolean => performance.now() - startedAt > durationMs;
    let healthy = 0;
    const one = async (unitId: number): Promise<void> => {
      const reading = await orHang(reader.read(unitId));
      if (reading === 'hang') outcome.hangs++;
      else if (reading === 'error') outcome.failed++;
      else {
        const { checked, mismatches } = checkReading(station.truth, reading);
        outcome.wrong += mismatches.length;
        outcome.good += checked - mismatches.length;
        if (unitId === 2) healthy += checked - mismatches.length;
      }
      // Whoever is refused at once asks again a little later.
      if (reading === 'error') await REAL_CLOCK.sleep(5);
    };
    const each = async (unitId: number): Promise<void> => {
      while (!isOver()) await one(unitId);
    };
    // The product's line takes requests from both at once; the library must be asked one after the other.
    if (subject === 'delmonicos') await Promise.all([each(1), each(2)]);
    else while (!isOver()) for (const unitId of [1, 2]) await one(unitId);
    outcome.healthyRate = (1_000 * healthy) / (performance.now() - startedAt);
    await reader.close();
    return outcome;
  } finally {
    await station.stop();
  }
}

async function orHang(work: Promise<JournaledReading>): Promise<JournaledReading | 'error' | 'hang'> {
  const enough = new AbortController();
  const hang = REAL_CLOCK.sleep(HANG_MS, enough.signal).then(
    () => 'hang' as const,
    () => 'hang' as const,
  );
  return Promise.race([work.catch(() => 'error' as const), hang]).finally(() => enough.abort());
}

const serialOf = (station: SimulatedStation, unitId: number): string =>
  station.meters.find((meter) => meter.unitId === unitId)?.serial ?? '';

async function ours(address: LineAddress): Promise<Reader> {
  const options: LineOptions =
    address.kind === 'pty'
      ? { id: 'line', kind: 'serial', path: address.path, baudRate: 38_400, parity: 'none' }
      : { id: 'line', kind: address.kind, host: address.host, port: address.port };
  const line = openLine(options, { clock: REAL_CLOCK, log: silentLog });
  const profile = await loadProfile(MODEL);
  const link = { ...profile.link, responseTimeoutMs: TIMEOUT_MS };
  const meters = [1, 2].map((unitId) =>
    createModbusMeter({ id: `${unitId}`, line, unitId, profile: { ...profile, link } }),
  );
  return {
    read: async (unitId) => {
      const sample = await meters[unitId - 1]?.readSample();
      if (sample === undefined) throw new Error(`no unit ${unitId}`);
      return sample;
    },
    close: () => line.close(),
  };
}

async function plain(address: LineAddress, station: SimulatedStation): Promise<Reader> {
  const { points } = await loadProfile(MODEL);
  const alike = points.filter((point) => registerCountOf(point) === 2).slice(0, PLAIN_VALUES);
  const client = new modbusSerial.default();
  const connect = async (): Promise<void> => {
    if (address.kind === 'pty') await client.connectRTUBuffered(address.path, { baudRate: 38_400 });
    else if (address.kind === 'tcp') await client.connectTCP(address.host, { port: address.port });
    else await client.connectTelnet(address.host, { port: address.port });
    client.setTimeout(TIMEOUT_MS);
  };
  client.on('error', () => {});
  await connect();
  return {
    read: async (unitId) => {
      if (!client.isOpen) await connect();
      client.setID(unitId);
      const readBeginMonoMs = REAL_CLOCK.nowMonoMs();
      const values: MeasuredValue[] = [];
      for (const point of alike) {
        const { table, registerAddress, obis, unit } = point;
        const { buffer } =
          table === 'holding'
            ? await client.readHoldingRegisters(registerAddress, 2)
            : await client.readInputRegisters(registerAddress, 2);
        const reading = decodePoint(point, buffer);
        if (reading.kind === 'number') values.push({ obis, value: reading.value, unit, quality: 'G' });
      }
      const readEndMonoMs = REAL_CLOCK.nowMonoMs();
      return {
        meterSerial: serialOf(station, unitId),
        profileId: MODEL,
        readBeginMonoMs,
        readEndMonoMs,
        values,
      };
    },
    close: () =>
      new Promise((resolve) => {
        const enough = setTimeout(resolve, HANG_MS);
        client.close(() => {
          clearTimeout(enough);
          resolve();
        });
      }),
  };
}
