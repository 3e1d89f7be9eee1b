import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Row, Scale, Table } from './bench.ts';
import { runInChild } from './child.ts';
import { diskDirectory, type DiskDirectory } from './disk.ts';
import type { WriterResult, WriterTask } from './journal-writer.ts';

/** Entries for about a second of work at each group size. */
const FULL = [
  { groupEntries: 1, entries: 300, warmUp: 100 },
  { groupEntries: 10, entries: 2_000, warmUp: 500 },
  { groupEntries: 60, entries: 6_000, warmUp: 600 },
  { groupEntries: 500, entries: 20_000, warmUp: 1_000 },
];
const TINY = [
  { groupEntries: 1, entries: 5, warmUp: 0 },
  { groupEntries: 10, entries: 50, warmUp: 0 },
];
const SUBJECTS = ['raw rows', 'raw rows, each signed', 'journal'] as const;

export const journalBench: Bench = {
  name: 'journal',
  what: 'readings appended a second and bytes written for each, beside bare SQLite rows',
  async run(scale: Scale) {
    const disk = diskDirectory();
    try {
      // The baseline's rows are as large as our entries, so the size of ours is asked first.
      const trial = { subject: 'journal', warmUp: 0, entries: 20, groupEntries: 20, rowBytes: 0 } as const;
      const rowBytes = Math.round((await write(disk, trial)).entryBytes);
      const tables: Table[] = [];
      for (const size of scale === 'full' ? FULL : TINY) {
        tables.push(await table(disk, { ...size, rowBytes }, scale === 'full' ? 5 : 1));
      }
      return tables;
    } finally {
      disk.remove();
    }
  },
};

type Size = Omit<WriterTask, 'subject' | 'directory'>;

async function table(disk: DiskDirectory, size: Size, rounds: number): Promise<Table> {
  const results = new Map<WriterTask['subject'], WriterResult[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) results.get(subject)?.push(await write(disk, { ...size, subject }));
  }
  const { entries, warmUp, groupEntries, rowBytes } = size;
  return {
    title: `Journal, ${groupEntries} per commit (${entries} readings of ${rowBytes} B, ${disk.fileSystem})`,
    baseline: 'raw rows',
    rows: [...results].map(([subject, found]) => row(subject, found, { entries, warmUp })),
    notes: [
      'WAL and synchronous=FULL on both sides; the time ends when the file is closed, its log folded in',
      "written: the process's write_bytes (/proc/self/io), without the file system's own journal",
    ],
  };
}

function row(
  subject: string,
  results: readonly WriterResult[],
  { entries, warmUp }: { entries: number; warmUp: number },
): Row {
  const all = entries + warmUp;
  return {
    subject,
    measures: {
      rate: { unit: '1/s', samples: results.map(({ seconds }) => entries / seconds) },
      'written per reading': {
        unit: 'B',
        samples: results.map(({ writtenBytes }) => writtenBytes / entries),
      },
      'file per reading': { unit: 'B', samples: results.map(({ fileBytes }) => fileBytes / all) },
    },
  };
}

async function write(disk: DiskDirectory, task: Omit<WriterTask, 'directory'>): Promise<WriterResult> {
  const directory = mkdtempSync(path.join(disk.path, 'log-'));
  try {
    return await runInChild<WriterTask, WriterResult>('./journal-writer.ts', { ...task, directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
