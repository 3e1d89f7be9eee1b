import Database from 'better-sqlite3';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { nextScrub } from '../../../src/journal/index.ts';
import { scrubJournal } from '../../../src/station/evidence/scrub-journal.ts';
import { openTestJournal, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/journal/recovering-journal.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

/** A clock that a test lets go on, one sleep at a time. */
function steppedClock() {
  let wake: (() => void) | undefined;
  let asleep: () => void = () => {};
  const clock = {
    nowMonoMs: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('stopped')));
        wake = resolve;
        asleep();
      }),
  };
  const step = async (): Promise<void> => {
    const again = new Promise<void>((resolve) => (asleep = resolve));
    wake?.();
    await again;
  };
  return { clock, step };
}

describe('what the scrub looks at next', () => {
  it('goes on where it was, and begins again at the end', () => {
    expect(nextScrub(0, 120, 50)).toEqual({ from: 0, to: 50 });
    expect(nextScrub(100, 120, 50)).toEqual({ from: 100, to: 120 });
    expect(nextScrub(120, 130, 50)).toEqual({ from: 120, to: 130 });
    expect(nextScrub(130, 130, 50)).toEqual({ from: 0, to: 50 });
    expect(nextScrub(0, 0, 50)).toEqual({ from: 0, to: 0 });
  });
});

describe('the scrub of a running journal', () => {
  async function journalOf(size: number) {
    const journal = await openTestJournal(directory);
    const appended = Array.from({ length: size - 1 }, (_, i) =>
      journal.append('reading', reading(i), 'sample'),
    );
    await journal.flush();
    await Promise.all(appended);
    return journal;
  }

  it('finds nothing in a log that is whole, however often it goes round', async () => {
    const journal = await journalOf(130);
    const { clock, step } = steppedClock();
    const found: string[] = [];
    const scrub = scrubJournal({
      ...{ directory, journal, clock, random: () => 0.5, log: silentLog },
      onDamage: ({ code }) => void found.push(code),
    });
    for (let round = 0; round < 7; round++) await step();
    await scrub.stop();
    expect(found).toEqual([]);
    await journal.close();
  });

  it.each([
    [
      'a flipped bit in an old entry',
      "UPDATE entry SET cose = CAST(replace(cose, x'4d2d', x'4d2c') AS BLOB) WHERE leaf_index = 20",
    ],
    ['an entry that is gone', 'DELETE FROM entry WHERE leaf_index = 20'],
    ['an old hash', 'UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0'],
  ])('finds %s, records it, and the next start recovers', async (_what, sql) => {
    const journal = await journalOf(300);
    const other = new Database(path.join(directory, 'journal.db'));
    expect(other.prepare(sql).run().changes).toBe(1);
    other.close();
    const { clock, step } = steppedClock();
    const found = new Promise<string>((resolve) => {
      scrubJournal({
        ...{ directory, journal, clock, random: () => 0, log: silentLog },
        onDamage: ({ code }) => resolve(code),
      });
      void step();
    });
    expect(await found).toBe('journal.corrupt');
    await journal.close();
    const opened = await openRecovered(directory);
    expect(opened.noticed).toEqual(['journal.corrupt']);
    await opened.journal.close();
    expect(faultsOf(directory).map(({ code }) => code)).toEqual(['journal.corrupt', 'journal.corrupt']);
  });

  it('goes on when the file cannot be read for a moment', async () => {
    const journal = await journalOf(10);
    const { clock, step } = steppedClock();
    const warnings: string[] = [];
    const log = (_level: string, event: string) => void warnings.push(event);
    const elsewhere = path.join(directory, 'none');
    mkdirSync(path.join(elsewhere, 'journal.db'), { recursive: true });
    const scrub = scrubJournal({
      ...{ directory: elsewhere, journal, clock, random: () => 0, log },
      onDamage: () => expect.unreachable(),
    });
    await step();
    await step();
    await scrub.stop();
    expect(warnings).toContain('journal.scrub_failed');
    rmSync(elsewhere, { recursive: true });
    await journal.close();
  });
});
