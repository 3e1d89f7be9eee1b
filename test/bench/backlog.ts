import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bytesToHex } from '../../src/chain/index.ts';
import type { FillResult, FillTask } from './backlog-step.ts';
import type { Bench, BenchOptions, Measure, Row, Scale, Table } from './bench.ts';
import { bundleProgram } from './bundle-program.ts';
import { runInChild } from './child.ts';
import type { CountedChain, Transport } from './counted-chain.ts';
import { writeConfig } from './station.ts';
import { STAGES, stageTimes, SyncLife, type WatchedSync } from './sync-life.ts';
import { inSyncYard, type NewStation, stateOf, type SyncYard } from './sync-yard.ts';

interface Pace {
  /** 2.6 million are thirty days of one meter at 1 Hz. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly transports: readonly Transport[];
  /** The first anchor is planned within a tenth of it after the start; there is to be no second one. */
  readonly anchorEvery: string;
}
const PACE: Record<Scale, Pace> = {
  full: { sizes: [1e3, 1e5, 2.6e6], rounds: 5, transports: ['rpc', 'light client'], anchorEvery: '1m' },
  tiny: { sizes: [1e3, 1e4], rounds: 1, transports: ['rpc'], anchorEvery: '5s' },
};
/** What a station of one meter at 1 Hz has in the default interval of 10 s would take long to write; groups change no entry. */
const GROUP_ENTRIES = 500;
/** Above 2.6 million entries of 400 bytes, so that nothing is thinned out. */
const MAX_SIZE = '4GiB';
/** A light client without peers is left alone for so long before the link comes up. */
const ALONE_MS = 1_000;

export const backlogBench: Bench = {
  name: 'backlog',
  what: 'the link comes up after a long time: one extrinsic, and what it takes, by the number of entries that waited',
  run: (scale, options = {}) =>
    inSyncYard(PACE[scale].sizes.length, (yard) => backlogTables(yard, scale, options)),
};

/** Uses up a station for each size. */
export async function backlogTables(
  yard: SyncYard,
  scale: Scale,
  { max = Infinity }: BenchOptions = {},
): Promise<Table[]> {
  const pace = PACE[scale];
  const sizes = pace.sizes.filter((size) => size <= max);
  if (sizes.length === 0) throw new RangeError(`--max is at least ${pace.sizes[0]}`);
  await yard.chain.cut();
  const logs: BigLog[] = [];
  for (const size of sizes) logs.push(await fill(yard.disk.path, yard.nextStation(), size));
  const tables: Table[] = [];
  for (const transport of pace.transports) tables.push(await measure({ yard, logs, transport, pace }));
  return tables;
}

interface BigLog extends NewStation {
  readonly size: number;
  readonly fillSeconds: number;
}

async function fill(workDirectory: string, station: NewStation, size: number): Promise<BigLog> {
  const program = await bundleProgram('./backlog-step.ts', workDirectory);
  const stateDirectory = stateOf(station);
  const task: FillTask = { stateDirectory, size, groupEntries: GROUP_ENTRIES };
  const { seconds } = await runInChild<FillTask, FillResult>(program, task);
  return { ...station, size, fillSeconds: seconds };
}

interface Order {
  readonly yard: SyncYard;
  readonly logs: readonly BigLog[];
  readonly transport: Transport;
  readonly pace: Pace;
}

/** One coming up of the link. */
interface Return {
  readonly sync: WatchedSync;
  readonly linkUpAt: number;
  /** From the service's start as a process until it meters. */
  readonly startMs: number;
  readonly extrinsics: number;
}

async function measure(order: Order): Promise<Table> {
  const { logs, transport, pace } = order;
  const returns = new Map<BigLog, Return[]>(logs.map((log) => [log, []]));
  for (let round = 0; round < pace.rounds; round++) {
    for (const log of logs) returns.get(log)?.push(await comeUp(order, log));
  }
  const written = logs.map(({ size, fillSeconds }) => `${nameOf(size)} in ${fillSeconds.toFixed(1)} s`);
  return {
    title: `From link up to the final anchor by what waited, ${transport}`,
    baseline: nameOf(logs[0]?.size ?? 0),
    rows: [...returns].map(([{ size }, found]) => rowOf(size, found)),
    notes: [
      `the journal was written by the product's own, while the chain was cut: ${written.join(', ')}`,
      'before each round what was known of the chain was removed, so that the whole log waited again (rpc: and one try had failed)',
      'next try: until the service tries again; from the try: the rest, which the stages add up to; extrinsics: of the account, asked of the chain',
      'start: of the service as a process, until it meters, with this journal',
    ],
  };
}

async function comeUp({ yard, transport, pace }: Order, log: BigLog): Promise<Return> {
  const { chain, meters } = yard;
  await chain.cut();
  forgetChain(stateOf(log));
  const more = chain.lines(transport, pace.anchorEvery);
  const config = writeConfig(log.directory, meters, { groupCommit: '1s', maxSize: MAX_SIZE, more });
  const before = await extrinsicsOf(chain, log);
  const life = new SyncLife(chain, config, stateOf(log));
  try {
    if (transport === 'rpc') await life.until(({ phase }) => phase === 'waiting');
    else {
      await life.until(({ gateway }) => gateway !== null);
      await delay(ALONE_MS);
    }
    const linkUpAt = performance.now();
    await chain.restore();
    const sync = await life.watchSync({ untilGatewayGone: false });
    if (sync.size < log.size) throw new Error(`an anchor of ${sync.size} entries does not cover ${log.size}`);
    const extrinsics = (await extrinsicsOf(chain, log)) - before;
    if (extrinsics !== 1) throw new Error(`${extrinsics} extrinsics where one was due`);
    return { sync, linkUpAt, extrinsics, startMs: life.startedMs ?? NaN };
  } finally {
    await life.service.stop();
  }
}

/** Final extrinsics that name the account. */
async function extrinsicsOf({ devnet }: CountedChain, { endowment }: NewStation): Promise<number> {
  return (await devnet.findExtrinsics(bytesToHex(endowment.publicKey))).length;
}

/** The outbox and what a light client keeps: the station has never been on the chain. */
function forgetChain(stateDirectory: string): void {
  for (const name of readdirSync(stateDirectory)) {
    if (!/^(outbox\.|light-client)/.test(name)) continue;
    rmSync(path.join(stateDirectory, name), { recursive: true });
  }
}

function rowOf(size: number, found: readonly Return[]): Row {
  const milliseconds = (samples: readonly number[]): Measure => ({ unit: 'ms', samples });
  const stages = STAGES.flatMap((stage) => {
    const samples = found.flatMap(({ sync, linkUpAt }) => stageTimes(sync, linkUpAt)[stage] ?? []);
    return samples.length < found.length ? [] : [[stage, milliseconds(samples)] as const];
  });
  const sum = (unit: Measure['unit'], of: (sync: WatchedSync) => number): Measure => ({
    unit,
    samples: found.map(({ sync }) => of(sync)),
  });
  return {
    subject: nameOf(size),
    measures: {
      'link up to final': milliseconds(found.map(({ sync, linkUpAt }) => sync.finalAt - linkUpAt)),
      'next try': milliseconds(found.map(({ sync, linkUpAt }) => Math.max(0, sync.beganAt - linkUpAt))),
      'from the try': milliseconds(
        found.map(({ sync, linkUpAt }) => sync.finalAt - Math.max(sync.beganAt, linkUpAt)),
      ),
      ...Object.fromEntries(stages),
      extrinsics: { unit: 'count', samples: found.map(({ extrinsics }) => extrinsics) },
      in: sum('KiB', ({ bytes }) => bytes.in / 1_024),
      out: sum('KiB', ({ bytes }) => bytes.out / 1_024),
      'core RSS': sum('MB', ({ core }) => Math.max(...core.map(({ rssBytes }) => rssBytes)) / 1e6),
      'gateway RSS': sum('MB', ({ gateway }) => Math.max(...gateway.map(({ rssBytes }) => rssBytes)) / 1e6),
      start: milliseconds(found.map(({ startMs }) => startMs)),
    },
  };
}

function nameOf(size: number): string {
  return `${size.toLocaleString('en')} entries`;
}
