import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench, Row } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { lookAt } from './process-memory.ts';
import { appendReadings, openTypicalLog, shortReading } from './typical-log.ts';

/** The first is what the others are compared with: memory that does not grow with the log has the ratio 1. */
const SIZES = { full: [10_000, 50_000, 200_000], tiny: [100, 1_000] };
const FORMATS = ['cbor-seq', 'jsonl', 'csv'] as const;
const LOOK_EVERY_MS = 10;

export const exportBench: Bench = {
  name: 'export',
  what: 'memory and time of exporting a log to a file, by the number of entries',
  async run(scale) {
    const disk = diskDirectory();
    try {
      const directory = path.join(disk.path, 'log');
      await writeLog(directory, Math.max(...SIZES[scale]));
      const tables = [];
      for (const format of FORMATS) {
        const rows: Row[] = [];
        for (const size of SIZES[scale]) {
          const samples = [];
          for (let round = 0; round < (scale === 'full' ? 3 : 1); round++) {
            samples.push(await exportOnce(directory, size, format, path.join(disk.path, 'out')));
          }
          rows.push({
            subject: `${size} entries`,
            measures: {
              'peak RSS': { unit: 'MB', samples: samples.map(({ rssBytes }) => rssBytes / 1e6) },
              'entries/s': { unit: '1/s', samples: samples.map(({ seconds }) => size / seconds) },
              'an entry': { unit: 'B', samples: samples.map(({ bytes }) => bytes / size) },
            },
          });
        }
        const notes = [
          'the delmonicos process as it ships, its start in the time; RSS looked at every 10 ms',
        ];
        tables.push({ title: `Export as ${format}`, baseline: rows[0]?.subject ?? '', rows, notes });
      }
      return tables;
    } finally {
      disk.remove();
    }
  },
};

async function writeLog(directory: string, size: number): Promise<void> {
  const journal = await openTypicalLog(directory, 500);
  await appendReadings(journal, shortReading, { from: 0, count: size - 1, groupEntries: 500 });
  await journal.close();
}

async function exportOnce(directory: string, size: number, format: string, file: string) {
  const product = path.resolve(import.meta.dirname, '../../dist/delmonicos.js');
  const startedAt = performance.now();
  const args = [
    product,
    'journal',
    'export',
    directory,
    '--to',
    String(size),
    '--format',
    format,
    '-o',
    file,
  ];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const ended = once(child, 'exit');
  let rssBytes = 0;
  while (child.exitCode === null && child.signalCode === null) {
    rssBytes = Math.max(rssBytes, (child.pid === undefined ? undefined : lookAt(child.pid))?.rssBytes ?? 0);
    await pause(LOOK_EVERY_MS);
  }
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`the export ended with ${status}`);
  return { rssBytes, seconds: (performance.now() - startedAt) / 1_000, bytes: statSync(file).size };
}
