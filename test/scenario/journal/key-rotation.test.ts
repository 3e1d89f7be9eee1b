import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  openJournal,
  openJournalReader,
  rotateKey,
  verifyJournal,
  verifyCheckpoint,
  type JournalSigner,
} from '../../../src/journal/index.ts';
import { DATABASE_FILE } from '../../../src/journal/store/sqlite-schema.ts';
import {
  journalOptions,
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  temporaryDirectory,
  writeTestLog,
} from '../../support/journal/journal-fixture.ts';

const SECOND = identityFromSeed(new Uint8Array(32).fill(8));
const THIRD = identityFromSeed(new Uint8Array(32).fill(9));
const STRANGER = identityFromSeed(new Uint8Array(32).fill(10));

let directory: string;
let remove: () => void;
beforeEach(() => ({ directory, remove } = temporaryDirectory()));
afterEach(() => remove());

/** Opens the log with the old key, hands it over. */
async function rotate(from: JournalSigner, to: JournalSigner): Promise<number> {
  const journal = await openTestJournal(directory, { signer: from });
  const { firstIndex } = await rotateKey(journal, from, to, 'rotation');
  await journal.close();
  return firstIndex;
}

/** A log of three keys, with readings under each; the first indices of the later two. */
async function logOfThreeKeys(entriesEach = 20): Promise<number[]> {
  await writeTestLog(directory, entriesEach);
  const second = await rotate(SIGNER, SECOND);
  await writeTestLog(directory, second + entriesEach, { signer: SECOND });
  const third = await rotate(SECOND, THIRD);
  await writeTestLog(directory, third + entriesEach, { signer: THIRD });
  return [second, third];
}

const edit = (sql: string, ...values: unknown[]) => {
  const database = new Database(path.join(directory, DATABASE_FILE));
  database.prepare(sql).run(...values);
  database.close();
};

describe('a log whose key was rotated', () => {
  it('says in an entry signed by both keys which one signs next', async () => {
    await writeTestLog(directory, 5);
    const firstIndex = await rotate(SIGNER, SECOND);
    const reader = openJournalReader(directory);
    const { entry, keyId } = decodeEntry(reader.entry(firstIndex - 1).cose);
    expect(keyId).toEqual(SIGNER.keyId);
    expect(entry).toMatchObject({
      kind: 'config',
      body: {
        reason: 'rotation',
        rotation: {
          oldKey: SIGNER.publicKey,
          newKey: SECOND.publicKey,
          chainAccount: SECOND.chainAccount.publicKey,
          ocmfKey: SECOND.ocmf.publicKey,
        },
      },
    });
    expect(reader.publicKey).toEqual(SECOND.publicKey);
    reader.close();
  });

  it('is written on with the new key, and its checkpoints are signed with it', async () => {
    await writeTestLog(directory, 300);
    const firstIndex = await rotate(SIGNER, SECOND);
    const { text, size } = await writeTestLog(directory, firstIndex + 10, { signer: SECOND });
    expect(size).toBe(firstIndex + 10);
    expect(verifyCheckpoint(text, { origin: ORIGIN, publicKey: SECOND.publicKey }).size).toBe(size);
    const reader = openJournalReader(directory);
    expect(decodeEntry(reader.entry(firstIndex).cose).keyId).toEqual(SECOND.keyId);
    reader.close();
  });

  it('knows which key signed which entry, and which may sign which tree', async () => {
    const [second = 0, third = 0] = await logOfThreeKeys();
    const reader = openJournalReader(directory);
    const { keys } = reader;
    expect(keys.keys).toEqual([
      { firstIndex: 0, publicKey: SIGNER.publicKey },
      { firstIndex: second, publicKey: SECOND.publicKey },
      { firstIndex: third, publicKey: THIRD.publicKey },
    ]);
    expect(keys.birthKey).toEqual(SIGNER.publicKey);
    expect(keys.currentKey).toEqual(THIRD.publicKey);
    expect([0, second - 1, second, third - 1, third, third + 5].map((index) => keys.keyAt(index))).toEqual(
      [SIGNER, SIGNER, SECOND, SECOND, THIRD, THIRD].map(({ publicKey }) => publicKey),
    );
    expect(keys.keysForTree(second)).toEqual([SIGNER, SECOND, THIRD].map(({ publicKey }) => publicKey));
    expect(keys.keysForTree(second + 1)).toEqual([SECOND, THIRD].map(({ publicKey }) => publicKey));
    expect(keys.keysForTree(reader.size)).toEqual([THIRD.publicKey]);
    const verify = keys.verifier();
    for (const { index, cose } of reader.entries()) expect(verify(index, cose).index).toBe(index);
    reader.close();
  });

  it.each([
    ['its birth key', SIGNER.publicKey],
    ['a key in between', SECOND.publicKey],
    ['its newest key', THIRD.publicKey],
    ['no key at all', undefined],
  ])('is verified by whoever trusts %s', async (_, publicKey) => {
    await logOfThreeKeys();
    expect(await verifyJournal(directory, publicKey && { publicKey })).toMatchObject({
      ok: true,
      firstBad: null,
    });
  });

  it('is not verified by whoever trusts another key', async () => {
    await logOfThreeKeys();
    const audit = await verifyJournal(directory, { publicKey: STRANGER.publicKey });
    expect(audit).toMatchObject({ ok: false, firstBad: { index: 0 } });
  });

  it.each([
    ['the key before', SIGNER, /replaced/],
    ['a key that never was one of it', STRANGER, /another key/],
  ])('is not opened with %s', async (_, signer, message) => {
    await logOfThreeKeys();
    await expect(openJournal(journalOptions(directory, { signer }))).rejects.toMatchObject({
      code: 'journal.wrong_key',
      message: expect.stringMatching(message) as string,
    });
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  });

  it('is opened with its new key right after the rotation, when the last 255 entries are of two keys', async () => {
    await writeTestLog(directory, 100);
    await rotate(SIGNER, SECOND);
    const journal = await openTestJournal(directory, { signer: SECOND });
    await journal.append('reading', reading(1), 'billing');
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 104 });
  });

  it.each([
    ['a row that no entry bears out', 'INSERT INTO signing_key VALUES (3, ?)', [STRANGER.publicKey]],
    ['another key in a row', 'UPDATE signing_key SET public_key = ?', [STRANGER.publicKey]],
    ['another index in a row', 'UPDATE signing_key SET first_index = first_index - 1', []],
    ['rows that are gone', 'DELETE FROM signing_key', []],
  ])('is refused when its table of keys has %s', async (_, sql, values) => {
    await logOfThreeKeys();
    edit(sql, ...values);
    expect(await verifyJournal(directory)).toMatchObject({ ok: false });
    await expect(openJournal(journalOptions(directory, { signer: THIRD }))).rejects.toMatchObject({
      code: expect.stringMatching(/^journal\.(corrupt|wrong_key)$/) as string,
    });
  });

  it('cannot be handed over by somebody who writes the entry without the old key', async () => {
    await writeTestLog(directory, 5);
    // The stranger writes a rotation to itself behind the log, signed by itself only.
    const stranger = await openTestJournal(`${directory}/other`, { signer: STRANGER });
    await rotateKey(stranger, SIGNER, STRANGER, 'rotation');
    await stranger.close();
    const database = new Database(path.join(directory, 'other', DATABASE_FILE));
    const forged = database.prepare("SELECT cose FROM entry WHERE kind = 'config'").pluck().get();
    database.close();
    edit("INSERT INTO entry VALUES (5, 'config', ?)", forged);
    edit('INSERT INTO signing_key VALUES (6, ?)', STRANGER.publicKey);
    await expect(openJournal(journalOptions(directory, { signer: STRANGER }))).rejects.toMatchObject({
      code: 'journal.corrupt',
    });
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index: 5 } });
  });

  it('cannot be handed over by the old key alone: the new one has to agree, in this place of this log', async () => {
    await writeTestLog(directory, 5);
    const journal = await openTestJournal(directory);
    // THIRD never agrees: the signature in the body is SECOND's.
    const forged = { ...SECOND, publicKey: THIRD.publicKey };
    await rotateKey(journal, SIGNER, forged, 'rotation');
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index: 6 } });
    await expect(openJournal(journalOptions(directory, { signer: THIRD }))).rejects.toMatchObject({
      code: 'journal.corrupt',
    });
  });

  it('refuses entries that the old key goes on to sign', async () => {
    await writeTestLog(directory, 5);
    const journal = await openTestJournal(directory);
    await rotateKey(journal, SIGNER, SECOND, 'rotation');
    await journal.append('reading', reading(1), 'billing');
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index: 7 } });
  });

  it('needs a new key that brings its companions', async () => {
    const journal = await openTestJournal(directory);
    const alone = { ...SECOND, chainAccount: undefined };
    await expect(rotateKey(journal, SIGNER, alone as unknown as JournalSigner, 'rotation')).rejects.toThrow(
      TypeError,
    );
    await journal.close();
  });
});
