import { describe, expect, it } from 'vitest';
import { backlogTables } from '../bench/backlog.ts';
import type { Bench } from '../bench/bench.ts';
import { bigLogBench } from '../bench/biglog.ts';
import { bundleBench } from '../bench/bundle.ts';
import { cpuBench } from '../bench/cpu.ts';
import { faultsBench } from '../bench/faults.ts';
import { journalBench } from '../bench/journal.ts';
import { loopBench } from '../bench/loop.ts';
import { memoryBench } from '../bench/memory.ts';
import { modbusBench } from '../bench/modbus.ts';
import { proofsBench } from '../bench/proofs.ts';
import { formatMarkdown, formatTable, median, report, type ReportedTable } from '../bench/report.ts';
import { startBench } from '../bench/start.ts';
import { stationsForSync, syncTables } from '../bench/sync.ts';
import { inSyncYard } from '../bench/sync-yard.ts';
import { telemetryBench } from '../bench/telemetry.ts';
import { wireBench } from '../bench/wire.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

/** Both benches of sync, on one dev network. */
const syncAndBacklog: Bench = {
  name: 'sync and backlog',
  what: 'both',
  run: (scale) =>
    inSyncYard(stationsForSync(scale) + 2, async (yard) => [
      ...(await syncTables(yard, scale)),
      ...(await backlogTables(yard, scale)),
    ]),
};

/** What docs/performance.md states; no time is judged here, because the machine may be busy. */
const STATED: readonly { bench: Bench; subjects: readonly string[]; figures: readonly string[] }[] = [
  {
    bench: startBench,
    subjects: ['node -e 0', 'later start: started', 'later start: first reading on disk'],
    figures: ['time'],
  },
  {
    bench: memoryBench,
    subjects: ['core, 4 meters', 'core, 10 meters, telemetry', 'gateway, from its start to its end'],
    figures: ['RSS', 'anonymous'],
  },
  {
    bench: telemetryBench,
    subjects: ['unlimited', '10MiB, the default', '1MB'],
    figures: ['MQTT a day', 'wire a day', 'own count', 'a message of each meter every'],
  },
  {
    bench: loopBench,
    subjects: ['core, 10 meters, telemetry'],
    figures: ['median', 'p99', 'longest'],
  },
  {
    bench: syncAndBacklog,
    subjects: ['light client, cold'],
    figures: ['total', 'gateway', 'runtime', 'to finality', 'in', 'out'],
  },
  {
    bench: syncAndBacklog,
    subjects: ['core before, light client', 'core during, light client', 'gateway, first, light client'],
    figures: ['RSS', 'anonymous'],
  },
  {
    bench: syncAndBacklog,
    subjects: ['1,000 entries', '10,000 entries'],
    figures: [
      'link up to final',
      'from the try',
      'extrinsics',
      'in',
      'out',
      'core RSS',
      'gateway RSS',
      'start',
    ],
  },
  {
    bench: journalBench,
    subjects: ['raw rows', 'raw rows, each signed', 'raw rows, each encoded and signed', 'journal'],
    figures: ['rate', 'written per reading', 'file per reading'],
  },
  {
    bench: proofsBench,
    subjects: ['make a proof', 'make a proof, reader just opened', 'prove consistency', 'check a proof'],
    figures: ['time'],
  },
  {
    bench: bigLogBench,
    subjects: ['300 entries', '1,000 entries'],
    figures: ['append', 'inclusion proof', 'consistency proof', 'verify an entry', 'RSS', 'disk per entry'],
  },
  {
    bench: bigLogBench,
    subjects: ['an empty directory', 'a log of 300 entries', 'a log of 1,000 entries'],
    figures: ['start'],
  },
  {
    bench: modbusBench,
    subjects: ['delmonicos', 'modbus-serial, same requests'],
    figures: ['rate', 'CPU a sample', 'requests a sample'],
  },
  { bench: cpuBench, subjects: ['delmonicos', 'modbus-serial'], figures: ['CPU a sample', 'RSS'] },
  {
    bench: bundleBench,
    subjects: ['run: meters on TCP, journal', 'gateway (dist/gateway.js)'],
    figures: ['size'],
  },
  {
    bench: bundleBench,
    subjects: ['dist'],
    figures: ['total', 'blocks', 'gzip', 'core', 'gateway', 'better-sqlite3', 'serial port', 'licences'],
  },
];

/** These read meters on pseudo terminals, too. */
const ON_TERMINALS: typeof STATED = [
  {
    bench: wireBench,
    subjects: ['delmonicos', 'modbus-serial, one request a value'],
    figures: ['line busy', 'a sample', 'requests a sample'],
  },
  { bench: faultsBench, subjects: ['delmonicos, no fault', 'modbus-serial, no fault'], figures: ['right'] },
];

describe('every bench', () => {
  const runs = new Map<Bench, ReturnType<Bench['run']>>();

  it.skipIf(WHY_NO_PTY !== undefined).each(ON_TERMINALS)(
    `$bench.name gives the figures that docs/performance.md states${PTY_NOTE}`,
    { timeout: 240_000 },
    gives,
  );

  it.each(STATED)(
    '$bench.name gives the figures that docs/performance.md states',
    { timeout: 240_000 },
    gives,
  );

  async function gives(stated: (typeof STATED)[number]): Promise<void> {
    const run = runs.get(stated.bench) ?? stated.bench.run('tiny');
    runs.set(stated.bench, run);
    const tables = (await run).map(report);
    for (const subject of stated.subjects) {
      const row = rowOf(tables, subject);
      for (const name of stated.figures) {
        const figure = row.figures[name];
        expect(figure, `${subject}: ${name}`).toBeDefined();
        expect(figure?.median).toBeGreaterThan(0);
        expect(Number.isFinite(figure?.ratio ?? 1)).toBe(true);
      }
    }
  }
});

describe('a report', () => {
  const table = {
    title: 'Two',
    baseline: 'bare',
    rows: [
      { subject: 'bare', measures: { time: { unit: 'ms', samples: [10, 100, 20] } } },
      { subject: 'ours', measures: { time: { unit: 'ms', samples: [20, 200, 60] } } },
    ],
    notes: ['a note'],
  } as const;

  it('compares round by round, so that one slow round changes nothing', () => {
    const ours = rowOf([report(table)], 'ours').figures['time'];
    expect(ours).toEqual({ unit: 'ms', median: 60, low: 20, high: 200, rounds: 3, ratio: 2 });
  });

  it('gives no ratio to a baseline that measured nothing', () => {
    const nothing = { subject: 'bare', measures: { time: { unit: 'ms', samples: [0, 0, 0] } } } as const;
    const reported = report({ ...table, rows: [nothing, table.rows[1]] });
    expect(rowOf([reported], 'ours').figures['time']).not.toHaveProperty('ratio');
  });

  it('shows median, range and ratio', () => {
    expect(formatTable(report(table)).split('\n')).toEqual([
      'Two',
      '                    time',
      '  bare (baseline)   20 ms [10..100]',
      '  ours              60 ms [20..200] x2',
      '  - a note',
    ]);
  });

  it('can be pasted into a page', () => {
    expect(formatMarkdown(report(table)).split('\n')).toEqual([
      'Two:',
      '',
      '|  | time |',
      '| --- | --- |',
      '| bare | 20 ms [10..100] |',
      '| ours | 60 ms [20..200] x2 |',
      '',
      '- a note',
    ]);
  });

  it('refuses a table without its baseline, and a figure without samples', () => {
    expect(() => report({ ...table, baseline: 'none' })).toThrow('none');
    expect(() => median([])).toThrow('nothing was measured');
  });
});

function rowOf(tables: readonly ReportedTable[], subject: string) {
  const row = tables.flatMap(({ rows }) => rows).find((each) => each.subject === subject);
  if (row === undefined) throw new Error(`no table has a row "${subject}"`);
  return row;
}
