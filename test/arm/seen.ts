// What the runs saw, for the table at the end: tests are in processes of their own, the table is printed by the one that started them.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CACHE } from '../../build/fetch-package.js';

/** Set by the process that starts the tests; each run has a file of its own. */
const VARIABLE = 'ARM_SEEN_FILE';

function seenFile(): string {
  const file = process.env[VARIABLE];
  if (file === undefined) throw new Error(`${VARIABLE} is set by test/arm/global-setup.ts`);
  return file;
}

interface Sight {
  readonly subject: string;
  readonly what: string;
  readonly value: string;
}

export function seen(subject: string, what: string, value: string | number): void {
  appendFileSync(seenFile(), `${JSON.stringify({ subject, what, value: String(value) } satisfies Sight)}\n`);
}

/** Runs what is timed and writes down how long it took. */
export async function timed<Result>(
  subject: string,
  what: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const beganAt = performance.now();
  const result = await run();
  seen(subject, what, seconds(performance.now() - beganAt));
  return result;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export function beginToSee(): void {
  mkdirSync(CACHE, { recursive: true });
  process.env[VARIABLE] = path.join(CACHE, `arm-seen-${process.pid}.jsonl`);
  rmSync(seenFile(), { force: true });
}

/** One row for each thing seen, one column for each subject. The file goes. */
export function tableOfWhatWasSeen(): string {
  if (!existsSync(seenFile())) return 'nothing was seen';
  const sights = readFileSync(seenFile(), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sight);
  rmSync(seenFile());
  const subjects = [...new Set(sights.map(({ subject }) => subject))];
  const rows = [...new Set(sights.map(({ what }) => what))].map((what) => [
    what,
    ...subjects.map(
      (subject) =>
        sights
          .filter((sight) => sight.subject === subject && sight.what === what)
          .map(({ value }) => value)
          .join(', ') || '-',
    ),
  ]);
  const table = [['', ...subjects], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
