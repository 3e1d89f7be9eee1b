// A log that gave way and then is damaged: recovery keeps what retention declared, and the log goes on within its bound.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import {
  JournalError,
  openJournalReader,
  recoverJournal,
  verifyJournal,
  type Journal,
} from '../../../src/journal/index.ts';
import {
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

async function fill(journal: Journal, entries: number): Promise<void> {
  const appended = Array.from({ length: entries }, (_, n) => journal.append('reading', reading(n), 'sample'));
  await journal.flush();
  await Promise.all(appended);
}

it('is recovered with its holes, verifies, and gives way again from where it was', async () => {
  let journal = await openTestJournal(directory);
  await fill(journal, 3_000);
  const first = await journal.keepWithin({ maxBytes: 1, anchoredSize: 1_500, exportedSize: 0 });
  expect(first.dropped).toBeGreaterThan(2_000);
  await fill(journal, 500);
  const { size } = journal;
  await journal.close();
  const before = await verifyJournal(directory);
  expect(before).toMatchObject({ ok: true });

  // The page with an entry behind what gave way is overwritten.
  const file = path.join(directory, 'journal.db');
  const lost = openJournalReader(directory);
  const at = readFileSync(file).indexOf(lost.entry(size - 300).cose);
  lost.close();
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(4_096, 0xff), 0, 4_096, Math.floor(at / 4_096) * 4_096);
  closeSync(fd);
  expect(await verifyJournal(directory)).toMatchObject({ ok: false });

  await recoverJournal({
    ...{ directory, origin: ORIGIN, signer: SIGNER, anchored: [], log: silentLog },
    cause: new JournalError('journal.corrupt', 'a page was overwritten'),
  });
  journal = await openTestJournal(directory);
  expect(journal.size).toBeGreaterThan(size);
  expect((await verifyJournal(directory)).firstBad).toBeNull();
  await fill(journal, 1_000);
  const again = await journal.keepWithin({ maxBytes: 1, anchoredSize: size, exportedSize: 0 });
  expect(again.dropped).toBeGreaterThan(0);
  await journal.close();
  const reader = openJournalReader(directory);
  const { pruned } = reader.stat();
  reader.close();
  const after = await verifyJournal(directory);
  expect(after).toMatchObject({ ok: true });
  expect(after.pruned.entries).toBe(pruned.entries);
});
