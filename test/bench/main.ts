// npm run bench -- [name ...] [--json] [--list]: what the product costs, next to a baseline measured in the same run.
import os from 'node:os';
import { parseArgs } from 'node:util';
import { backlogBench } from './backlog.ts';
import type { Bench } from './bench.ts';
import { bigLogBench } from './biglog.ts';
import { bundleBench } from './bundle.ts';
import { cpuBench } from './cpu.ts';
import { exportBench } from './export.ts';
import { faultsBench } from './faults.ts';
import { journalBench } from './journal.ts';
import { loopBench } from './loop.ts';
import { memoryBench } from './memory.ts';
import { modbusBench } from './modbus.ts';
import { proofsBench } from './proofs.ts';
import { formatMarkdown, formatTable, report, type ReportedTable } from './report.ts';
import { startBench } from './start.ts';
import { syncBench } from './sync.ts';
import { telemetryBench } from './telemetry.ts';
import { telemetryCostBench } from './telemetry-cost.ts';
import { telemetryWireBench } from './telemetry-wire.ts';
import { wireBench } from './wire.ts';

const BENCHES: readonly Bench[] = [
  startBench,
  memoryBench,
  loopBench,
  syncBench,
  backlogBench,
  journalBench,
  proofsBench,
  bigLogBench,
  exportBench,
  modbusBench,
  cpuBench,
  wireBench,
  telemetryCostBench,
  telemetryWireBench,
  faultsBench,
  telemetryBench,
  bundleBench,
];

const USAGE = `npm run bench -- [name ...] [--json] [--markdown] [--tiny] [--list] [--help]

  name        which benches; all of them unless told
  --json      one JSON document on stdout
  --markdown  tables as docs/performance.md has them
  --tiny      seconds instead of minutes: shows that the benches run, the figures mean nothing
  --max N     how far a bench that grows something goes, such as biglog: 1e7
  --list      what there is

${list()}`;

function list(): string {
  return BENCHES.map(({ name, what }) => `  ${name.padEnd(9)} ${what}`).join('\n');
}

interface BenchReport {
  readonly name: string;
  readonly seconds: number;
  readonly tables: readonly ReportedTable[];
}

async function main(): Promise<void> {
  const { values: options, positionals: names } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      tiny: { type: 'boolean' },
      max: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (options.help === true || options.list === true) {
    console.log(options.help === true ? USAGE : list());
    return;
  }
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) throw new RangeError(`there is no bench ${unknown.join(', ')}\n\n${USAGE}`);
  const chosen = names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
  const scale = options.tiny === true ? 'tiny' : 'full';
  const max = sizeOption(options.max);
  const benches: BenchReport[] = [];
  for (const bench of chosen) {
    const startedAt = performance.now();
    console.error(`${bench.name}: ${bench.what} ...`);
    const tables = (await bench.run(scale, max === undefined ? {} : { max })).map(report);
    benches.push({ name: bench.name, seconds: Math.round((performance.now() - startedAt) / 1_000), tables });
    const format = options.markdown === true ? formatMarkdown : formatTable;
    if (options.json !== true) console.log(`${tables.map(format).join('\n\n')}\n`);
  }
  if (options.json === true) console.log(JSON.stringify({ scale, machine: machine(), benches }, null, 2));
}

function sizeOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = Number(text);
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`--max is no count: ${text}`);
  return size;
}

function machine(): Record<string, unknown> {
  return {
    node: process.version,
    platform: `${process.platform} ${os.release()} ${process.arch}`,
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    memoryMB: Math.round(os.totalmem() / 1e6),
    /** Runnable tasks a minute, five and fifteen minutes ago, at the end of the run: was somebody else at work? */
    load: os.loadavg(),
  };
}

try {
  await main();
} catch (error) {
  const usage =
    error instanceof RangeError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  console.error(usage ? (error as Error).message : error);
  process.exitCode = usage ? 2 : 1;
}
