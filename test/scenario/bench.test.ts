import { describe, expect, it } from 'vitest';
import { bigLogBench } from '../bench/biglog.ts';
import { bundleBench } from '../bench/bundle.ts';
import { cpuBench } from '../bench/cpu.ts';
import { faultsBench } from '../bench/faults.ts';
import { journalBench } from '../bench/journal.ts';
import { loopBench } from '../bench/loop.ts';
import { memoryBench } from '../bench/memory.ts';
import { modbusBench } from '../bench/modbus.ts';
import { proofsBench } from '../bench/proofs.ts';
import { formatMarkdown, formatTable, median, report } from '../bench/report.ts';
import { startBench } from '../bench/start.ts';
import { telemetryBench } from '../bench/telemetry.ts';
import { wireBench } from '../bench/wire.ts';
import { givesFigures, rowOf, type StatedFigures } from '../support/bench-figures.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

/** What docs/performance.md states; no time is judged here, because the machine may be busy. Those of sync are in test/soak. */
const STATED: readonly StatedFigures[] = [
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
const ON_TERMINALS: readonly StatedFigures[] = [
  {
    bench: wireBench,
    subjects: ['delmonicos', 'modbus-serial, one request a value'],
    figures: ['line busy', 'a sample', 'requests a sample'],
  },
  { bench: faultsBench, subjects: ['delmonicos, no fault', 'modbus-serial, no fault'], figures: ['right'] },
];

describe('every bench', () => {
  it.skipIf(WHY_NO_PTY !== undefined).each(ON_TERMINALS)(
    `$bench.name gives the figures that docs/performance.md states${PTY_NOTE}`,
    { timeout: 240_000 },
    givesFigures,
  );

  it.each(STATED)(
    '$bench.name gives the figures that docs/performance.md states',
    { timeout: 240_000 },
    givesFigures,
  );
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
