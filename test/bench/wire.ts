import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import modbusSerial from 'modbus-serial';
import { registerCountOf, silentLog, type MeterProfile } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { openLine } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { METER_MODELS } from '../../hal/simulator/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import type { Bench, Row, Table } from './bench.ts';
import type { PacedMeterNews, PacedMeterTask } from './paced-meter.ts';

const BAUD_RATE = 9_600;
/** Modbus over serial line V1.02 §2.5.1: 11 bits a character, 3.5 characters of silence between frames. */
const CHARACTER_MS = 11_000 / BAUD_RATE;
const GAP_MS = 3.5 * CHARACTER_MS;
/** The meter answers after the shortest silence that it is allowed. */
const TURNAROUND_MS = GAP_MS;

const SUBJECTS = ['modbus-serial, one request a value', 'delmonicos'] as const;
type Subject = (typeof SUBJECTS)[number];

export const wireBench: Bench = {
  name: 'wire',
  what: 'how busy a saturated 9600-baud line is kept, and how long a sample takes on it, beside one request a value',
  async run(scale) {
    const [rounds, durationMs] = scale === 'full' ? [3, 4_000] : [1, 200];
    const tables: Table[] = [];
    const models = [...METER_MODELS.keys()].slice(0, scale === 'full' ? undefined : 1);
    for (const id of models) tables.push(await saturated(id, rounds, durationMs));
    return tables;
  },
};

interface Saturation {
  readonly samples: number;
  readonly requests: number;
  readonly seconds: number;
  /** By the line's own clock: of the time that passed, all but what exceeds the gap between two frames. */
  readonly busyShare: number;
  /** Gap between an answer and the next request. */
  readonly gapMs: number;
}

async function saturated(model: string, rounds: number, durationMs: number): Promise<Table> {
  const profile = await loadProfile(model);
  const results = new Map<Subject, Saturation[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) results.get(subject)?.push(await saturate(subject, profile, durationMs));
  }
  return {
    title: `A 9600-baud line with one ${model} (${profile.points.length} values), read without a pause`,
    baseline: SUBJECTS[0],
    rows: [...results].map(([subject, found]) => rowOf(subject, found)),
    notes: [
      `a pseudo terminal in another process: 11 bits a character; the meter answers after 3.5 characters (${GAP_MS.toFixed(2)} ms)`,
      'line busy: characters, turnaround and the gap of 3.5 characters before the next request, of all time that passed',
    ],
  };
}

function rowOf(subject: Subject, found: readonly Saturation[]): Row {
  return {
    subject,
    measures: {
      'line busy': { unit: '%', samples: found.map(({ busyShare }) => 100 * busyShare) },
      'gap before a request': { unit: 'ms', samples: found.map(({ gapMs }) => gapMs) },
      'a sample': { unit: 'ms', samples: found.map(({ seconds, samples }) => (1_000 * seconds) / samples) },
      'requests a sample': {
        unit: 'count',
        samples: found.map(({ requests, samples }) => requests / samples),
      },
    },
  };
}

async function saturate(subject: Subject, profile: MeterProfile, durationMs: number): Promise<Saturation> {
  const meter = await startPacedMeter({
    model: profile.id,
    // Carlo Gavazzi's have letters, the others are numbers.
    serial: profile.id.startsWith('carlo-gavazzi') ? 'KS0340123451A' : '2026001',
    baudRate: BAUD_RATE,
    turnaroundMs: TURNAROUND_MS,
  });
  try {
    const client = subject === 'delmonicos' ? ours(meter.path, profile) : await plain(meter.path, profile);
    await client.sample();
    const before = await meter.times();
    const startedAt = performance.now();
    let samples = 0;
    while (performance.now() - startedAt < durationMs) {
      await client.sample();
      samples++;
    }
    const after = await meter.times();
    const elapsedMs = performance.now() - startedAt;
    await client.close();
    const spells = after.idleSpells - before.idleSpells;
    const idleMs = after.idleMs - before.idleMs;
    return {
      samples,
      requests: after.requests - before.requests,
      seconds: elapsedMs / 1_000,
      busyShare: 1 - Math.max(0, idleMs - spells * GAP_MS) / elapsedMs,
      gapMs: idleMs / spells,
    };
  } finally {
    await meter.stop();
  }
}

async function startPacedMeter(task: PacedMeterTask) {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = fork(fileURLToPath(new URL('./paced-meter.ts', import.meta.url)), [], {
    execArgv: ['--import', tsx],
  });
  child.send(task);
  const ready = await news(child, 'ready');
  if (ready.address.kind !== 'pty') throw new Error('the meter is on no terminal');
  return {
    path: ready.address.path,
    times: () => {
      child.send('times');
      return news(child, 'times');
    },
    stop: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

async function news<Kind extends PacedMeterNews['kind']>(child: ChildProcess, kind: Kind) {
  const ended = once(child, 'exit').then(() => {
    throw new Error('the paced meter ended');
  });
  ended.catch(() => {});
  const [found] = (await Promise.race([once(child, 'message'), ended])) as [PacedMeterNews];
  if (found.kind !== kind) throw new Error(`${found.kind} came instead of ${kind}`);
  return found as Extract<PacedMeterNews, { kind: Kind }>;
}

interface Client {
  sample(): Promise<unknown>;
  close(): Promise<void>;
}

function ours(path: string, profile: MeterProfile): Client {
  const line = openLine(
    { id: 'bus', kind: 'serial', path, baudRate: BAUD_RATE, parity: 'even' },
    { clock: systemMonotonicClock, log: silentLog },
  );
  const meter = createModbusMeter({ id: 'meter', line, unitId: 1, profile });
  return { sample: () => meter.readSample(), close: () => line.close() };
}

/** What a straightforward program does: each value by itself. */
async function plain(path: string, { points }: MeterProfile): Promise<Client> {
  const client = new modbusSerial.default();
  await client.connectRTUBuffered(path, { baudRate: BAUD_RATE, parity: 'even' });
  client.setID(1);
  client.setTimeout(1_000);
  return {
    sample: async () => {
      for (const point of points) {
        const { table, registerAddress } = point;
        const registerCount = registerCountOf(point);
        if (table === 'holding') await client.readHoldingRegisters(registerAddress, registerCount);
        else await client.readInputRegisters(registerAddress, registerCount);
      }
    },
    close: () => new Promise((resolve) => client.close(() => resolve())),
  };
}
