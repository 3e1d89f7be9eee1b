import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Row, Scale, Table } from './bench.ts';
import { runInChild } from './child.ts';
import { diskDirectory, type DiskDirectory } from './disk.ts';
import type { WriterResult, WriterTask } from './journal-writer.ts';
import { slowCommits } from './slow-commit.ts';

/** Entries for about a second of work at each group size. */
const FULL = [
  { groupEntries: 1, entries: 500, warmUp: 500 },
  { groupEntries: 10, entries: 4_000, warmUp: 1_000 },
  { groupEntries: 60, entries: 12_000, warmUp: 1_200 },
  { groupEntries: 500, entries: 20_000, warmUp: 2_000 },
];
const TINY = [
  { groupEntries: 1, entries: 5, warmUp: 0 },
  { groupEntries: 10, entries: 50, warmUp: 0 },
];
/** Commits of a second or two. */
const SLOW_FULL = [
  { groupEntries: 1, entries: 200, warmUp: 200 },
  { groupEntries: 10, entries: 2_000, warmUp: 500 },
  { groupEntries: 60, entries: 9_000, warmUp: 1_200 },
  { groupEntries: 500, entries: 20_000, warmUp: 2_000 },
];
const SLOW_TINY = [{ groupEntries: 10, entries: 50, warmUp: 0 }];
/** What eMMC takes for one, between 2 and 10 ms. */
const SLOW_COMMIT_MS = 5;

const BARE = 'raw rows';
const SIGNED = 'raw rows, each signed';
const SUBJECTS = [BARE, SIGNED, 'raw rows, each encoded and signed', 'journal'] as const;

export const journalBench: Bench = {
  name: 'journal',
  what: 'readings appended a second and bytes written for each, beside bare SQLite rows',
  async run(scale: Scale) {
    const disk = diskDirectory();
    const slow = await slowCommits(SLOW_COMMIT_MS);
    const rounds = scale === 'full' ? 5 : 1;
    try {
      // The baseline's rows are as large as our entries, so the size of ours is asked first.
      const trial = { subject: 'journal', warmUp: 0, entries: 20, groupEntries: 20, rowBytes: 0 } as const;
      const rowBytes = Math.round((await write(disk, trial)).entryBytes);
      const tables: Table[] = [];
      for (const size of scale === 'full' ? FULL : TINY) {
        tables.push(...(await compare({ disk, rounds }, { ...size, rowBytes })));
      }
      if ('missing' in slow) {
        const last = tables.pop();
        const note = `slow commits are skipped, there is no C compiler: ${slow.missing}`;
        return last === undefined ? [] : [...tables, { ...last, notes: [...last.notes, note] }];
      }
      for (const size of scale === 'full' ? SLOW_FULL : SLOW_TINY) {
        const where = { disk, rounds: Math.min(3, rounds), environment: slow.environment };
        tables.push(...(await compare(where, { ...size, rowBytes })));
      }
      return tables;
    } finally {
      slow.remove();
      disk.remove();
    }
  },
};

type Size = Omit<WriterTask, 'subject' | 'directory'>;
interface Place {
  readonly disk: DiskDirectory;
  readonly rounds: number;
  /** With which every commit takes longer. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** The same figures twice, by what they are compared with. */
async function compare({ disk, rounds, environment }: Place, size: Size): Promise<Table[]> {
  const results = new Map<WriterTask['subject'], WriterResult[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) {
      results.get(subject)?.push(await write(disk, { ...size, subject }, environment));
    }
  }
  const { entries, warmUp, groupEntries, rowBytes } = size;
  const slow = environment === undefined ? '' : `, each commit ${SLOW_COMMIT_MS} ms longer`;
  const table: Table = {
    title: `Journal, ${groupEntries} per commit${slow} (${entries} readings of ${rowBytes} B, ${disk.fileSystem})`,
    baseline: BARE,
    rows: [...results].map(([subject, found]) => row(subject, found, { entries, warmUp })),
    notes: [
      'WAL and synchronous=FULL on all sides; the time ends when the file is closed, its log folded in',
      "written: the process's write_bytes (/proc/self/io), without the file system's own journal",
    ],
  };
  const rates = table.rows
    .filter(({ subject }) => subject !== BARE)
    .map(({ subject, measures: { rate } }) => ({ subject, measures: rate === undefined ? {} : { rate } }));
  return [
    table,
    { title: `The same, beside rows that are signed too`, baseline: SIGNED, rows: rates, notes: [] },
  ];
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

async function write(
  disk: DiskDirectory,
  task: Omit<WriterTask, 'directory'>,
  environment?: NodeJS.ProcessEnv,
): Promise<WriterResult> {
  const directory = mkdtempSync(path.join(disk.path, 'log-'));
  try {
    const full = { ...task, directory };
    return await runInChild<WriterTask, WriterResult>('./journal-writer.ts', full, { environment });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
