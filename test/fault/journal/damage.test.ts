import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  EMPTY_ROOT,
  encodeEntry,
  openJournalReader,
  verifyJournal,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import {
  openTestJournal,
  SIGNER,
  temporaryDirectory,
  writeTestLog,
} from '../../support/journal/journal-fixture.ts';

const SIZE = 600;
const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;

/** Written once; each test gets a copy to damage. */
let whole: { directory: string; remove: () => void };
let root: Uint8Array;
let directory: string;
let remove: () => void;
beforeAll(async () => {
  whole = temporaryDirectory();
  ({ root } = await writeTestLog(whole.directory, SIZE));
});
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
  cpSync(whole.directory, directory, { recursive: true });
});
afterEach(() => remove());
afterAll(() => whole.remove());

const file = (suffix = '') => path.join(directory, `journal.db${suffix}`);

function tamper(sql: string, ...parameters: unknown[]): void {
  const database = new Database(file());
  const { changes } = database.prepare(sql).run(...parameters);
  database.close();
  expect(changes).toBeGreaterThan(0);
}

function rowAt(index: number): Buffer {
  const database = new Database(file(), { readonly: true });
  const cose = database
    .prepare<[number], Buffer>('SELECT cose FROM entry WHERE leaf_index = ?')
    .pluck()
    .get(index);
  database.close();
  return cose!;
}

const flipped = (bytes: Uint8Array, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 0x10;
  return copy;
};
const replace = (index: number, cose: Uint8Array) =>
  tamper('UPDATE entry SET cose = ? WHERE leaf_index = ?', cose, index);

describe('the auditor', () => {
  it('finds nothing wrong with a log that is whole', async () => {
    const audit = await verifyJournal(directory, { publicKey: SIGNER.publicKey });
    expect(audit).toMatchObject({
      ok: true,
      size: SIZE,
      firstBad: null,
      root: Buffer.from(root).toString('hex'),
    });
  });

  it.each<[string, number, () => void]>([
    ['a flipped bit in a reading', 300, () => replace(300, flipped(rowAt(300), 250))],
    ['a flipped bit in a signature', 599, () => replace(599, flipped(rowAt(599), rowAt(599).length - 1))],
    ['a missing row', 42, () => tamper('DELETE FROM entry WHERE leaf_index = 42')],
    ['a missing first row', 0, () => tamper('DELETE FROM entry WHERE leaf_index = 0')],
    [
      'two rows that changed places',
      10,
      () => {
        const [a, b] = [rowAt(10), rowAt(11)];
        replace(10, b);
        replace(11, a);
      },
    ],
    ['an entry signed by another key', 77, () => replace(77, forged(77))],
    ['a later entry in place of an earlier one', 100, () => replace(100, rowAt(500))],
    [
      'a row that is called something else',
      5,
      () => tamper("UPDATE entry SET kind = 'gap' WHERE leaf_index = 5"),
    ],
    ['a second birth', 8, () => replace(8, encodeEntry(asNumber(0, 8), SIGNER))],
    ['an entry of another boot without a boot entry', 9, () => replace(9, rebooted(9))],
    [
      'a flipped bit in a full tile',
      256,
      () => tamper('UPDATE tile SET hashes = ? WHERE level = 0 AND tile_index = 1', flipped(tile(0, 1), 100)),
    ],
    ['a missing tile', 0, () => tamper('DELETE FROM tile WHERE level = 0 AND tile_index = 0')],
    [
      'a flipped bit in an unfinished tile',
      0,
      () => tamper('UPDATE tile SET hashes = ? WHERE level = 1 AND tile_index = 0', flipped(tile(1, 0), 33)),
    ],
    ['an end that was cut off', 510, () => tamper('DELETE FROM entry WHERE leaf_index >= 510')],
    [
      'a tile for entries that are not there',
      SIZE,
      () => tamper('INSERT INTO tile VALUES (0, 2, ?)', tile(0, 1)),
    ],
    [
      'a row in front of the first entry',
      0,
      () => tamper("INSERT INTO entry VALUES (-1, 'reading', ?)", rowAt(3)),
    ],
    [
      'nothing but rows in front of where the first entry was',
      0,
      () => tamper('UPDATE entry SET leaf_index = leaf_index - 10000'),
    ],
    ['an empty tile', SIZE, () => tamper('INSERT INTO tile VALUES (7, 0, zeroblob(0))')],
  ])('finds %s', async (_what, index, damage) => {
    damage();
    const audit = await verifyJournal(directory);
    expect(audit).toMatchObject({ ok: false, firstBad: { index } });
    expect(audit.firstBad?.why).not.toBe('');
  });

  it('finds an end that was cut off together with its tiles, when it is given a checkpoint', async () => {
    // Entries 512 to 599 are in no full tile: without a witness nothing in the file tells that they ever were.
    tamper('DELETE FROM entry WHERE leaf_index >= 550');
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 550 });
    const audit = await verifyJournal(directory, { earlier: { size: SIZE, root } });
    expect(audit).toMatchObject({ ok: false, firstBad: { index: 550 } });
  });

  it('finds a log that was written anew by the same key, when it is given a checkpoint', async () => {
    const other = temporaryDirectory();
    const rewritten = await writeTestLog(other.directory, SIZE + 1, {
      groupCommitEntries: 7,
      bootId: new Uint8Array(16),
    });
    expect(await verifyJournal(other.directory)).toMatchObject({ ok: true, size: rewritten.size });
    const audit = await verifyJournal(other.directory, { earlier: { size: SIZE, root } });
    expect(audit).toMatchObject({ ok: false, firstBad: { index: SIZE - 1 } });
    other.remove();
  });

  it('compares with a checkpoint of the empty log as well', async () => {
    const empty = (tree: Uint8Array) => verifyJournal(directory, { earlier: { size: 0, root: tree } });
    expect(await empty(EMPTY_ROOT)).toMatchObject({ ok: true });
    expect(await empty(root)).toMatchObject({ ok: false, firstBad: { index: 0 } });
  });

  it('does not believe entry 0 when it is told the key', async () => {
    const publicKey = identityFromSeed(new Uint8Array(32)).publicKey;
    expect(await verifyJournal(directory, { publicKey })).toMatchObject({
      ok: false,
      firstBad: { index: 0 },
    });
  });
});

describe('a damaged file', () => {
  const PAGE = 4096;
  /** Overwrites one page with noise. */
  function ruinPage(number: number): void {
    const content = readFileSync(file());
    content.fill(0xa5, (number - 1) * PAGE, number * PAGE);
    writeFileSync(file(), content);
  }

  it.each<[string, () => void]>([
    ['whose first page is noise', () => ruinPage(1)],
    ['that is empty', () => truncateSync(file(), 0)],
    ['that was cut off', () => truncateSync(file(), PAGE * 3)],
    [
      'that is something else',
      () => writeFileSync(file(), 'not a database at all, but long enough to look at'.repeat(99)),
    ],
    ['that is another database', () => anotherDatabase()],
    ['that is gone while its write-ahead log is there', () => onlyWal()],
  ])('%s is refused and kept as it is', async (_what, damage) => {
    damage();
    const before = existsSync(file()) ? readFileSync(file()) : undefined;
    await expect(openTestJournal(directory)).rejects.toThrow(code('corrupt'));
    expect(existsSync(file()) ? readFileSync(file()) : undefined).toEqual(before);
  });

  it('with a ruined page in the middle is noticed on reading, and the auditor says where', async () => {
    const pages = readFileSync(file()).length / PAGE;
    for (let page = Math.floor(pages / 2); page < pages / 2 + 4; page++) ruinPage(page);
    expect(await verifyJournal(directory)).toMatchObject({ ok: false });
    const reader = openJournalReader(directory);
    expect(() => {
      for (const { cose } of reader.entries()) decodeEntry(cose);
    }).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^journal\.(corrupt|entry_malformed)$/) as string,
      }),
    );
    reader.close();
  });

  it.each<[string, () => void]>([
    ['an entry at the end of the log', () => replace(SIZE - 1, flipped(rowAt(SIZE - 1), 250))],
    ['the first entry behind the last full tile', () => replace(512, flipped(rowAt(512), 250))],
    [
      'the newest hash at the edge of the tree',
      () => tamper('UPDATE tile SET hashes = ? WHERE level = 1', flipped(tile(1, 0), 33)),
    ],
  ])('in %s is noticed before the log goes on: the next checkpoint would fork it', async (_what, damage) => {
    damage();
    await expect(openTestJournal(directory)).rejects.toThrow(code('corrupt'));
  });

  function anotherDatabase(): void {
    rmSync(file());
    const database = new Database(file());
    database.exec('CREATE TABLE entry (leaf_index INTEGER PRIMARY KEY)');
    database.close();
  }

  function onlyWal(): void {
    copyFileSync(file(), file('-wal'));
    rmSync(file());
  }
});

function tile(level: number, index: number): Buffer {
  const database = new Database(file(), { readonly: true });
  const hashes = database
    .prepare<[number, number], Buffer>('SELECT hashes FROM tile WHERE level = ? AND tile_index = ?')
    .pluck()
    .get(level, index);
  database.close();
  return hashes!;
}

function asNumber(source: number, index: number): JournalEntry {
  return { ...decodeEntry(rowAt(source)).entry, index };
}

function forged(index: number): Uint8Array {
  return encodeEntry(asNumber(index, index), identityFromSeed(new Uint8Array(32)));
}

function rebooted(index: number): Uint8Array {
  return encodeEntry({ ...asNumber(index, index), bootCount: 2 }, SIGNER);
}
