// A recovery may take minutes: whoever waits for it must hear of it all the time, and not only between turns of the event loop.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import {
  JournalError,
  openJournalReader,
  recoverJournal,
  type RecoveryProgress,
} from '../../../src/journal/index.ts';
import { ORIGIN, SIGNER, temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';

const ENTRIES = 1_100;

it('tells of each step how far it is, at least once every 256 entries', async () => {
  const { directory, remove } = temporaryDirectory();
  onTestFinished(remove);
  await writeTestLog(directory, ENTRIES);
  overwritePageOf(directory, 600);
  const told: RecoveryProgress[] = [];
  await recoverJournal({
    ...{ directory, origin: ORIGIN, signer: SIGNER, anchored: [], log: silentLog },
    cause: new JournalError('journal.corrupt', 'a page was overwritten'),
    onProgress: (progress) => told.push(progress),
  });
  for (const { done, total } of told) expect(done).toBeLessThanOrEqual(total);
  const of = (step: string): number[] => told.filter((one) => one.step === step).map(({ done }) => done);
  expect(new Set(told.map(({ step }) => step))).toEqual(new Set(['entries', 'bytes', 'tree']));
  for (const step of ['entries', 'tree']) {
    expect(of(step)).toEqual(expect.arrayContaining([0, 256, 512, 768, 1_024]));
  }
  expect(of('bytes')[0]).toBe(0);
  expect(told.at(-1)?.step).toBe('tree');
});

function overwritePageOf(directory: string, index: number): void {
  const file = path.join(directory, 'journal.db');
  const reader = openJournalReader(directory);
  const at = readFileSync(file).indexOf(reader.entry(index).cose);
  reader.close();
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(4_096, 0xff), 0, 4_096, Math.floor(at / 4_096) * 4_096);
  closeSync(fd);
}
