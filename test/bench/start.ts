import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { openJournalReader } from '../../src/journal/index.ts';
import { PRODUCT, ServiceProcess } from '../support/product.ts';
import type { Bench, Measure, Row } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { BARE_ENVIRONMENT, ON_DEVICE } from './on-device.ts';
import { startMeters, writeConfig } from './station.ts';

const METERS = 4;
/** A group is committed as soon as it is there, so that what is measured is the start and not the chosen interval. */
const GROUP_COMMIT = '1ms';

export const startBench: Bench = {
  name: 'start',
  what: 'from process start to the service being up and to the first signed reading on disk',
  async run(scale) {
    const rounds = scale === 'full' ? 15 : 2;
    const disk = diskDirectory();
    const station = await startMeters(METERS);
    try {
      const config = writeConfig(disk.path, station, { groupCommit: GROUP_COMMIT });
      const times = new Times();
      for (let round = 0; round < rounds; round++) {
        times.add('node -e 0', await lifetime(['-e', '0']));
        times.add('node opens an SQLite file', await lifetime(['-e', OPEN_SQLITE, disk.path]));
        times.add('delmonicos --version', await lifetime([PRODUCT, '--version']));
        const state = mkdtempSync(path.join(disk.path, 'state-'));
        await service(times, 'first start', config, state);
        await service(times, 'later start', config, state);
      }
      return [
        {
          title: `Start (${METERS} meters on Modbus TCP, state on ${disk.fileSystem})`,
          baseline: 'node -e 0',
          rows: times.rows(),
          notes: [
            'first three: from spawn to exit; the others: from spawn to the event on stdout',
            `first reading on disk: read from the meter, signed, committed with synchronous=FULL; groupCommit ${GROUP_COMMIT}`,
            'the first start also makes the root seed and the journal',
          ],
        },
      ];
    } finally {
      await station.stop();
      disk.remove();
    }
  },
};

const OPEN_SQLITE = `new (require('better-sqlite3'))(process.argv[1] + '/any.db').pragma('journal_mode = WAL')`;

class Times {
  readonly #samples = new Map<string, number[]>();

  add(subject: string, ms: number): void {
    const samples = this.#samples.get(subject);
    if (samples === undefined) this.#samples.set(subject, [ms]);
    else samples.push(ms);
  }

  rows(): Row[] {
    const time = (samples: number[]): Measure => ({ unit: 'ms', samples });
    return [...this.#samples].map(([subject, samples]) => ({ subject, measures: { time: time(samples) } }));
  }
}

async function lifetime(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: BARE_ENVIRONMENT });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}`);
  return performance.now() - startedAt;
}

async function service(times: Times, which: string, config: string, state: string): Promise<void> {
  const startedAt = performance.now();
  const run = ServiceProcess.start(config, state, [], ON_DEVICE);
  try {
    const started = await run.event(({ event }) => event === 'started');
    times.add(`${which}: started`, performance.now() - startedAt);
    const size = Number(started['size']);
    await run.event(({ event, size: now }) => event === 'committed' && Number(now) > size);
    times.add(`${which}: first reading on disk`, performance.now() - startedAt);
    const { exitCode } = await ended(run);
    if (exitCode !== 0) throw new Error(`the service ended with ${exitCode}`);
    const journal = openJournalReader(state);
    const { kind } = journal.entry(size);
    journal.close();
    if (kind !== 'reading') throw new Error(`entry ${size} is no reading but "${kind}"`);
  } finally {
    await run.stop('SIGKILL');
  }
}

async function ended(run: ServiceProcess): Promise<{ exitCode: number | null }> {
  return { exitCode: (await run.stop()).code };
}
