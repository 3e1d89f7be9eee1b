import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { decodeEntry, openJournalReader, verifyJournal } from '../../../src/journal/index.ts';
import { openTestJournal, temporaryDirectory } from '../../support/journal-fixture.ts';

const APPENDER = path.resolve(import.meta.dirname, '../../support/journal-appender.ts');
const ROUNDS = 5;

it('loses no acknowledged entry when the writer is killed again and again', { timeout: 60_000 }, async () => {
  const { directory, remove } = temporaryDirectory();
  onTestFinished(remove);
  const acknowledged = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await killAfter(directory, 40 + 61 * round);
    for (const line of lines) {
      const [index, number] = line.split(' ').map(Number) as [number, number];
      expect(acknowledged.has(index)).toBe(false);
      acknowledged.set(index, number);
    }
    const audit = await verifyJournal(directory);
    expect(audit).toMatchObject({ ok: true });
    const reader = openJournalReader(directory);
    for (const [index, number] of acknowledged) {
      const { entry } = decodeEntry(reader.entry(index).cose);
      expect(entry).toMatchObject({ kind: 'reading', body: { readBeginMonoMs: 1_000 + number } });
    }
    reader.close();
  }
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 40);
  // The dead writer's lock went with it, and the log goes on.
  const journal = await openTestJournal(directory);
  expect(journal.size).toBeGreaterThan(Math.max(...acknowledged.keys()));
  await journal.close();
});

/** Starts the appender, kills it (SIGKILL) once it has acknowledged `count` entries, and returns every line it wrote. */
async function killAfter(directory: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', APPENDER, directory, '8'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => {
    lines.push(line);
    if (lines.length === count) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(output, 'close')]);
  expect(child.signalCode).toBe('SIGKILL');
  return lines;
}
