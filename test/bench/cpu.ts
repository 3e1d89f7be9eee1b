import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { planReads } from '../../hal/driver/modbus/request-planner.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import type { Bench, Row, Table } from './bench.ts';
import { runInChild } from './child.ts';
import type { SamplingResult, SamplingTask } from './sampling-client.ts';

const run = promisify(execFile);

const MODEL = 'carlo-gavazzi-em340';
const HEADER = '/usr/include/modbus/modbus.h';

export const cpuBench: Bench = {
  name: 'cpu',
  what: 'CPU time and memory of sampling 10 meters and 32 units once a second on TCP, beside modbus-serial and libmodbus',
  async run(scale) {
    const [rounds, seconds] = scale === 'full' ? [3, 10] : [1, 1];
    const c = await compileClient();
    try {
      const plan = { rounds, seconds, c };
      const units = await sampling('32 units behind one connection', 32, 1, plan);
      if (scale === 'tiny') return [units];
      return [await sampling('10 meters, each on a connection of its own', 10, 10, plan), units];
    } finally {
      if (c.directory !== undefined) rmSync(c.directory, { recursive: true });
    }
  },
};

type CClient =
  | { readonly program: string; readonly directory: string }
  | { readonly missing: string; readonly directory?: undefined };

/** The client in C, or why there is none. */
async function compileClient(): Promise<CClient> {
  if (!existsSync(HEADER))
    return { missing: 'libmodbus is skipped: libmodbus-dev (Debian) is not installed' };
  const directory = mkdtempSync(path.join(os.tmpdir(), 'bench-libmodbus-'));
  const program = path.join(directory, 'client');
  const source = fileURLToPath(new URL('./modbus-c-client.c', import.meta.url));
  try {
    await run('cc', ['-O2', '-o', program, source, '-lmodbus']);
    return { program, directory };
  } catch (error) {
    rmSync(directory, { recursive: true });
    return { missing: `libmodbus is skipped: ${(error as Error).message.split('\n')[0] ?? ''}` };
  }
}

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly c: CClient;
}

async function sampling(title: string, meterCount: number, lineCount: number, plan: Plan): Promise<Table> {
  const station = await startSimulatedStation({
    seed: 1,
    lines: Array.from({ length: lineCount }, (_, line) => ({ id: `line${line}`, kind: 'tcp' as const })),
    meters: Array.from({ length: meterCount }, (_, index) => ({
      id: `meter${index}`,
      model: MODEL,
      serial: `KS03401${String(23450 + index)}A`,
      unitId: 1 + Math.floor(index / lineCount),
      on: `line${index % lineCount}`,
      startWh: 1_000_000,
    })),
  });
  try {
    const { points, link } = await loadProfile(MODEL);
    const reads = planReads(points, link).map(({ table, registerAddress, registerCount }) => ({
      table,
      registerAddress,
      registerCount,
    }));
    const meters = station.meters.map(({ line: id, unitId }) => {
      const line = station.lines.find((each) => each.id === id);
      if (line === undefined || line.kind === 'pty') throw new Error(`no port of line ${id}`);
      return { port: line.port, unitId };
    });
    const task = { host: '127.0.0.1', profileId: MODEL, meters, reads, seconds: plan.seconds };
    const results = new Map<string, SamplingResult[]>();
    const add = (subject: string, result: SamplingResult): void =>
      void results.set(subject, [...(results.get(subject) ?? []), result]);
    for (let round = 0; round < plan.rounds; round++) {
      for (const subject of ['modbus-serial', 'delmonicos'] as const)
        add(
          subject,
          await runInChild<SamplingTask, SamplingResult>('./sampling-client.ts', { ...task, subject }),
        );
      if ('program' in plan.c) add('libmodbus (C)', await runC(plan.c.program, task));
    }
    return {
      title: `Sampling at 1 Hz, Modbus TCP: ${title}, ${MODEL}, ${reads.length} requests a sample, ${plan.seconds} s`,
      baseline: 'modbus-serial',
      rows: [...results].map(([subject, found]) => rowOf(subject, found)),
      notes: [
        'delmonicos decodes 27 values to decimals with OBIS code, unit and quality; the libraries hand out registers',
        'the RSS of the two in Node is that of Node with tsx, which compiles TypeScript as it is loaded',
        ...('missing' in plan.c ? [plan.c.missing] : []),
      ],
    };
  } finally {
    await station.stop();
  }
}

function rowOf(subject: string, found: readonly SamplingResult[]): Row {
  return {
    subject,
    measures: {
      'CPU a sample': { unit: 'µs', samples: found.map(({ cpuMicros, samples }) => cpuMicros / samples) },
      RSS: { unit: 'MB', samples: found.map(({ rssBytes }) => rssBytes / 1e6) },
    },
  };
}

async function runC(program: string, task: Omit<SamplingTask, 'subject'>): Promise<SamplingResult> {
  const reads = task.reads.map(
    ({ table, registerAddress, registerCount }) =>
      `${table === 'holding' ? 1 : 0}/${registerAddress}/${registerCount}`,
  );
  const meters = task.meters.map(({ port, unitId }) => `${port}:${unitId}`);
  const { stdout } = await run(program, [task.host, String(task.seconds), reads.join(','), ...meters]);
  const [samples = NaN, cpuMicros = NaN, rssBytes = NaN] = stdout.trim().split(' ').map(Number);
  return { samples, cpuMicros, rssBytes };
}
