// What reads a log while readings give way takes nothing that went for damage.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scrubEntries, verifyJournal } from '../../../src/journal/index.ts';
import { openTestJournal, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

it('the scrub says nothing of entries that give way while it looks at them', async () => {
  const journal = await openTestJournal(directory);
  const appended = Array.from({ length: 4_000 }, (_, n) => journal.append('reading', reading(n), 'sample'));
  await journal.flush();
  await Promise.all(appended);
  const { size, root } = journal;
  // Over the end of a tile: the proofs of the second one need hashes that go while the first is looked at.
  const scrubbed = scrubEntries(directory, { from: 500, to: 550 }, { size, root });
  const { dropped } = await journal.keepWithin({ maxBytes: 1, anchoredSize: 3_500, exportedSize: 0 });
  expect(dropped).toBeGreaterThan(3_000);
  expect(await scrubbed).toBeUndefined();
  await journal.close();
});

it('the auditor finds a log good while another process drops the tile that it is reading', async () => {
  const program = path.join(import.meta.dirname, '../../support/journal/pruning-process.ts');
  const writer = fork(program, [directory, '6000'], { execArgv: ['--import', 'tsx'] });
  const ended = once(writer, 'exit');
  await once(writer, 'message');
  let told = false;
  // It drops tiles faster than they are verified, and so comes past the auditor.
  const audit = await verifyJournal(directory, {
    onProgress: (done) => {
      if (!told && done > 2_000) told = writer.send('drop');
    },
  });
  expect(audit.firstBad).toBeNull();
  await ended;
  expect(await verifyJournal(directory)).toMatchObject({ ok: true });
});
