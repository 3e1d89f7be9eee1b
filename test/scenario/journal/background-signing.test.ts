import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyJournal, type Journal } from '../../../src/journal/index.ts';
import {
  openTestJournal,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
let journal: Journal;
/** Signatures that the other thread was asked for, to be delivered when a test says so. */
let asked: (() => void)[] = [];

beforeEach(async () => {
  ({ directory, remove } = temporaryDirectory());
  asked = [];
  const signInBackground = (message: Uint8Array) =>
    new Promise<Uint8Array>((resolve) => asked.push(() => resolve(SIGNER.sign(message))));
  journal = await openTestJournal(directory, {
    groupCommitEntries: 3,
    signer: { ...SIGNER, signInBackground },
  });
});
afterEach(async () => {
  await journal.close();
  remove();
});

describe('entries that are signed on another thread', () => {
  it('are committed group by group as soon as a group and all before it are signed, in whatever order', async () => {
    const committed: number[] = [];
    const appended = [1, 2, 3, 4, 5, 6, 7].map((n) =>
      journal.append('reading', reading(n), 'sample').then((index) => committed.push(index)),
    );
    const deliver = async (...numbers: number[]) => {
      for (const number of numbers) asked[number - 1]!();
      await new Promise(setImmediate);
    };
    await deliver(2, 6, 4);
    expect(committed).toEqual([]);
    await deliver(3, 5);
    expect(committed).toEqual([]);
    // Only the first was missing, for both groups.
    await deliver(1);
    expect({ committed, size: journal.size }).toEqual({ committed: [1, 2, 3, 4, 5, 6], size: 7 });
    await journal.flush();
    await Promise.all(appended);
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 8 });
  });

  it('are not waited for by a billing entry, and a signature that comes after it changes nothing', async () => {
    const samples = [1, 2].map((n) => journal.append('reading', reading(n), 'sample'));
    expect(await journal.append('reading', reading(3), 'billing')).toBe(3);
    expect(await Promise.all(samples)).toEqual([1, 2]);
    const next = [4, 5, 6].map((n) => journal.append('reading', reading(n), 'sample'));
    for (const deliver of asked) deliver();
    expect(await Promise.all(next)).toEqual([4, 5, 6]);
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 7 });
  });
});
