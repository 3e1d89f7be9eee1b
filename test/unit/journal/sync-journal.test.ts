import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syncJournal } from '../../../src/journal/index.ts';
import { openTestJournal, temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';

describe('making a journal durable before somebody else than its writer signs it', () => {
  let directory: string;
  let remove: () => void;
  beforeEach(() => {
    ({ directory, remove } = temporaryDirectory());
  });
  afterEach(() => remove());

  it('works beside the writer, and on a log that was closed and has no write-ahead log', async () => {
    const journal = await openTestJournal(directory);
    expect(() => syncJournal(directory)).not.toThrow();
    await journal.close();
    rmSync(path.join(directory, 'journal.db-wal'), { force: true });
    expect(() => syncJournal(directory)).not.toThrow();
  });

  it('fails where there is nothing to make durable: then nothing must be signed', async () => {
    await writeTestLog(directory, 3);
    rmSync(path.join(directory, 'journal.db'));
    expect(() => syncJournal(directory)).toThrow(expect.objectContaining({ code: 'journal.io' }) as Error);
  });
});
