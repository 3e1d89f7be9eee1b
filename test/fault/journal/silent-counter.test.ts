// A counter that counts and then does not answer: no reason to take the log for an old copy.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JournalError, type MonotonicCounter } from '../../../src/journal/index.ts';
import { openTestJournal, temporaryDirectory } from '../../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

it.each([
  ['before', 0],
  ['after', 1],
])('a log goes on when the counter fell silent %s it counted', async (_when, counts) => {
  let shows = 5;
  let silent = false;
  const counter: MonotonicCounter = {
    name: 'a counter',
    read: () => Promise.resolve(shows),
    increment: () => {
      shows += silent ? counts : 1;
      if (silent) return Promise.reject(new JournalError('journal.counter_failed', 'no answer'));
      return Promise.resolve(shows);
    },
  };
  const options = { highWater: { counter } };
  await (await openTestJournal(directory, options)).close();
  silent = true;
  // Opening counts, and closing writes another mark without the counter.
  await (await openTestJournal(directory, options)).close();
  silent = false;
  await expect(
    openTestJournal(directory, options).then((journal) => journal.close()),
  ).resolves.toBeUndefined();
});
