// What happens to a journal that is damaged or an old copy, by table: something is done to the files of a stopped station, it
// starts again, and then nothing that could still be read is lost, a signed entry says what happened, and no two different
// trees were ever signed for one log and size.
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  HIGH_WATER_FILE,
  noteDamage,
  parseCheckpoint,
  verifyJournal,
  type FaultBody,
  type JournalOptions,
} from '../../../src/journal/index.ts';
import { ORIGIN, reading, SIGNER, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { entriesOf, faultsOf, openRecovered, SignedTrees } from '../../support/journal/recovering-journal.ts';

const SIZE = 560;
const PAGE = 4096;

let directory: string;
let remove: () => void;
let signed: SignedTrees;
let lastSigned: string;
/** COSE messages by index, of everything that was acknowledged. */
let acknowledged: Map<number, string>;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
  signed = new SignedTrees();
  acknowledged = new Map();
});
afterEach(() => remove());

const file = (suffix = '') => path.join(directory, `journal.db${suffix}`);
const mark = () => path.join(directory, HIGH_WATER_FILE);

/** A log of which the last entries are in the write-ahead log, as a service that was killed leaves it. */
async function killedLog(size = SIZE, tail = 40): Promise<void> {
  const { journal } = await openRecovered(directory);
  while (journal.size < size) {
    // Commits of ten entries each, so that the write-ahead log has many.
    const group = Array.from({ length: Math.min(10, size - journal.size) }, (_, i) =>
      journal.append('reading', reading(journal.size + i), 'sample'),
    );
    await journal.flush();
    await Promise.all(group);
    if (journal.size >= size - tail && journal.size < size - tail + 10)
      signed.note(await journal.checkpoint());
  }
  const saved = ['', '-wal'].map((suffix) => [suffix, readFileSync(file(suffix))] as const);
  const marked = readFileSync(mark());
  await journal.close();
  for (const [suffix, content] of saved) writeFileSync(file(suffix), content);
  writeFileSync(mark(), marked);
  remember();
}

/** The same, stopped in good order: no write-ahead log is left. */
async function closedLog(size = SIZE): Promise<void> {
  const { journal } = await openRecovered(directory);
  const appended: Promise<number>[] = [];
  while (journal.size + appended.length < size)
    appended.push(journal.append('reading', reading(appended.length), 'sample'));
  await journal.flush();
  await Promise.all(appended);
  const checkpoint = await journal.checkpoint();
  signed.note(checkpoint);
  lastSigned = checkpoint.text;
  await journal.close();
  remember();
}

function remember(): void {
  const database = new Database(file(), { readonly: true });
  for (const { i, cose } of database
    .prepare<[], { i: number; cose: Buffer }>('SELECT leaf_index AS i, cose FROM entry')
    .iterate())
    acknowledged.set(i, cose.toString('hex'));
  database.close();
}

interface Outcome {
  readonly noticed: readonly string[];
  readonly origin: string;
  readonly faults: readonly FaultBody[];
  /** Of those that were acknowledged. */
  readonly kept: number;
}

/** Starts twice, appending each time, and audits. */
async function startAgain(options: Partial<JournalOptions> = {}): Promise<Outcome> {
  const noticed: string[] = [];
  let origin = '';
  for (let start = 0; start < 2; start++) {
    const opened = await openRecovered(directory, options);
    noticed.push(...opened.noticed);
    ({ origin } = opened.journal);
    signed.note(await opened.journal.checkpoint());
    await opened.journal.append('reading', reading(9_000 + start), 'billing');
    signed.note(await opened.journal.checkpoint());
    await opened.journal.close();
  }
  const audit = await verifyJournal(directory, { publicKey: SIGNER.publicKey });
  expect(audit).toMatchObject({ ok: true, origin, firstBad: null });
  return { noticed, origin, faults: faultsOf(directory), kept: kept(origin) };
}

/** In the continued log, or beside a new one in the file of what was recovered. */
function kept(origin: string): number {
  const files = [
    file(),
    ...readdirSync(directory)
      .filter((name) => /\.(recovered|damaged)-\d+$/.test(name))
      .map((name) => path.join(directory, name)),
  ];
  const found = new Set<number>();
  for (const name of origin === ORIGIN ? [file()] : files) {
    try {
      const database = new Database(name, { readonly: true });
      for (const { i, cose } of database
        .prepare<[], { i: number; cose: Buffer }>('SELECT leaf_index AS i, cose FROM entry')
        .iterate())
        if (acknowledged.get(i) === cose.toString('hex')) found.add(i);
      database.close();
    } catch {
      continue; // the damaged original
    }
  }
  return found.size;
}

function ruin(name: string, at: number, length: number, byte?: number): void {
  const content = readFileSync(name);
  content.fill(byte ?? 0xa5, at, at + length);
  writeFileSync(name, content);
}

/** The page of a table or index, by its name, from a leaf of its tree. */
function pageOf(index: number): number {
  const needle = Buffer.from(acknowledged.get(index)!, 'hex');
  const at = readFileSync(file()).indexOf(needle);
  expect(at).toBeGreaterThan(0);
  return Math.floor(at / PAGE);
}

function sql(statement: string): void {
  const database = new Database(file());
  database.exec(statement);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

describe('a journal that is whole', () => {
  it('is continued without a word, also after a kill', async () => {
    await killedLog();
    expect(await startAgain()).toEqual({ noticed: [], origin: ORIGIN, faults: [], kept: SIZE });
  });
});

describe('damage that leaves every entry readable', () => {
  it.each<[string, () => void]>([
    ['a first page of noise', () => ruin(file(), 0, PAGE)],
    ['a flipped bit in the header', () => ruin(file(), 70, 1, 0xff)],
    ['a page of zeros inside the tree of pages', () => ruin(file(), PAGE, PAGE, 0)],
    ['a tile that was deleted', () => sql('DELETE FROM tile WHERE level = 1')],
    [
      'another tile in place of the newest',
      () =>
        sql(
          'UPDATE tile SET hashes = (SELECT substr(hashes, 1, 64) FROM tile WHERE level = 0 AND tile_index = 0) WHERE level = 1',
        ),
    ],
    ['a table that is gone', () => sql('DROP TABLE tile')],
    [
      'rows deleted by hand, which SQLite only unlinks',
      () => sql('DELETE FROM entry WHERE leaf_index IN (540, 541, 542)'),
    ],
    ['a format that no release ever wrote', () => sql('PRAGMA user_version = 6')],
  ])('%s: the same log goes on with all of them', async (_what, damage) => {
    await closedLog();
    damage();
    const { noticed, origin, faults, kept: left } = await startAgain();
    expect(noticed).toEqual(['journal.corrupt']);
    expect({ origin, left }).toEqual({ origin: ORIGIN, left: SIZE });
    expect(faults).toMatchObject([{ code: 'journal.corrupt', tree: { size: SIZE } }]);
    expect(faults[0]?.holes).toBeUndefined();
    expect(existsSync(file('.damaged-1'))).toBe(true);
  });

  it('a flipped bit in an old commit of the write-ahead log costs nothing, although SQLite stops reading there', async () => {
    await killedLog();
    const wal = readFileSync(file('-wal'));
    expect(wal.length).toBeGreaterThan(20 * PAGE);
    ruin(file('-wal'), Math.floor(wal.length / 3), 1);
    const { noticed, origin, kept: left } = await startAgain();
    expect({ noticed, origin, left }).toEqual({ noticed: ['journal.corrupt'], origin: ORIGIN, left: SIZE });
  });
});

describe('damage that costs entries', () => {
  it.each<[string, number, () => void]>([
    ['a torn page', 0, () => ruin(file(), pageOf(100) * PAGE + PAGE / 2, PAGE / 2)],
    ['a page of noise', 0, () => ruin(file(), pageOf(300) * PAGE, PAGE)],
    [
      'rows overwritten by hand',
      3,
      () => sql('UPDATE entry SET cose = zeroblob(300) WHERE leaf_index BETWEEN 300 AND 302'),
    ],
    [
      'a row overwritten by hand behind the last full tile',
      1,
      () => sql('UPDATE entry SET cose = zeroblob(300) WHERE leaf_index = 540'),
    ],
  ])('%s: what is lost is declared, the same log goes on', async (_what, lost, damage) => {
    await closedLog();
    damage();
    // No opening looks at old entries: the scrub or the auditor does, and notes what it found.
    noteDamage(directory, { code: 'journal.corrupt', message: 'entry does not verify', thorough: true });
    const { origin, faults, kept: left } = await startAgain();
    expect(origin).toBe(ORIGIN);
    const [fault] = faults;
    const declared = fault!.holes!.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(declared).toBeGreaterThan(0);
    expect(left + declared).toBe(SIZE);
    if (lost > 0) expect(declared).toBe(lost);
    const readable = new Set(entriesOf(directory).map(({ index }) => index));
    for (const { from, to } of fault!.holes!)
      for (let i = from; i < to; i++) expect(readable.has(i)).toBe(false);
  });

  it('an end that was cut off, behind what was signed: another log begins, and what was recovered is kept', async () => {
    await closedLog();
    truncateSync(file(), Math.floor(readFileSync(file()).length / 2));
    const { origin, faults, kept: left } = await startAgain();
    expect(origin).toBe(`${ORIGIN}/2`);
    expect(faults).toMatchObject([{ code: 'journal.corrupt' }]);
    expect(left).toBeGreaterThan(SIZE / 4);
    expect(faults[0]?.facts).toContainEqual({ name: 'highestKnownSize', value: String(SIZE) });
  });
});

describe('an old copy', () => {
  async function copyAndGoOn(withMark: boolean): Promise<void> {
    await closedLog(300);
    const copy = temporaryDirectory();
    cpSync(directory, copy.directory, { recursive: true });
    await closedLog(400);
    for (const name of readdirSync(copy.directory)) {
      if (name.startsWith('journal.db') || (withMark && name === HIGH_WATER_FILE))
        copyFileSync(path.join(copy.directory, name), path.join(directory, name));
    }
    copy.remove();
  }

  it('is noticed by its high-water mark: another log begins, and the copy is kept', async () => {
    await copyAndGoOn(false);
    const { noticed, origin, faults } = await startAgain();
    expect({ noticed, origin }).toEqual({ noticed: ['journal.rolled_back'], origin: `${ORIGIN}/2` });
    expect(faults).toMatchObject([{ code: 'journal.rolled_back' }]);
    expect(existsSync(file('.damaged-1'))).toBe(true);
  });

  it('put back together with its mark is not noticed without an anchor or a counter', async () => {
    await copyAndGoOn(true);
    signed = new SignedTrees();
    expect(await startAgain()).toMatchObject({ noticed: [], origin: ORIGIN });
  });

  it('put back together with its mark is noticed by what is anchored', async () => {
    await copyAndGoOn(true);
    const { size, root } = parseCheckpoint(lastSigned);
    const anchored = [{ origin: ORIGIN, size, root }];
    const { noticed, origin, faults } = await startAgain({ anchored });
    expect({ noticed, origin }).toEqual({ noticed: ['journal.rolled_back'], origin: `${ORIGIN}/2` });
    expect(faults[0]?.facts).toContainEqual({ name: 'highestKnownSize', value: String(size) });
  });

  it('put back again and again is followed by another log each time', async () => {
    await copyAndGoOn(false);
    const copy = readFileSync(file());
    expect(await startAgain()).toMatchObject({ origin: `${ORIGIN}/2` });
    for (const [number, old] of [
      [3, copy],
      [4, readFileSync(file())],
    ] as const) {
      if (number === 4) await startAgain();
      writeFileSync(file(), old);
      const { noticed, origin } = await startAgain();
      expect({ noticed, origin }).toEqual({
        noticed: ['journal.rolled_back'],
        origin: `${ORIGIN}/${number}`,
      });
    }
    expect(existsSync(file('.damaged-3'))).toBe(true);
  });

  it('is what the journal must be when its mark is from the future', async () => {
    await closedLog(300);
    const elsewhere = temporaryDirectory();
    cpSync(directory, elsewhere.directory, { recursive: true });
    await closedLog(320);
    copyFileSync(mark(), path.join(elsewhere.directory, HIGH_WATER_FILE));
    remove();
    ({ directory, remove } = elsewhere);
    expect(await startAgain()).toMatchObject({ noticed: ['journal.rolled_back'], origin: `${ORIGIN}/2` });
  });

  it('whose mark is missing is continued, and that is said', async () => {
    await closedLog();
    rmSync(mark());
    const { noticed, origin, faults } = await startAgain();
    expect({ noticed, origin }).toEqual({ noticed: [], origin: ORIGIN });
    expect(faults).toMatchObject([{ code: 'journal.high_water_lost' }]);
  });

  it('whose mark is damaged is continued, and that is said', async () => {
    await closedLog();
    ruin(mark(), 40, 1);
    const { faults } = await startAgain();
    expect(faults).toMatchObject([{ code: 'journal.high_water_lost' }]);
  });
});

describe('a torn last commit, as a power cut leaves it', () => {
  it.each<[string, (wal: Buffer) => Buffer]>([
    ['cut off', (wal) => wal.subarray(0, wal.length - 1_000)],
    ['with a page that was not written', (wal) => Buffer.from(wal).fill(0, wal.length - 4_096)],
  ])(
    '%s is no damage: SQLite goes back to the commit before it, and nothing is said',
    async (_what, torn) => {
      await killedLog();
      writeFileSync(file('-wal'), torn(readFileSync(file('-wal'))));
      const { noticed, origin, faults, kept: left } = await startAgain();
      expect({ noticed, origin, faults }).toEqual({ noticed: [], origin: ORIGIN, faults: [] });
      expect(left).toBeGreaterThanOrEqual(SIZE - 10);
    },
  );
});

describe('damage that comes again', () => {
  it('costs only what it costs: every hole is declared once, the log goes on each time', async () => {
    await closedLog();
    for (const index of [100, 300, 550]) {
      sql(`UPDATE entry SET cose = zeroblob(300) WHERE leaf_index = ${index}`);
      noteDamage(directory, { code: 'journal.corrupt', message: 'again', thorough: true });
      expect(await startAgain()).toMatchObject({ noticed: ['journal.corrupt'], origin: ORIGIN });
    }
    expect(faultsOf(directory).flatMap(({ holes }) => holes ?? [])).toEqual([
      { from: 100, to: 101 },
      { from: 300, to: 301 },
      { from: 550, to: 551 },
    ]);
  });

  it('long entries that go on in pages of their own are carved as well', async () => {
    const { journal } = await openRecovered(directory);
    const tariff = (length: number) => ({ tariffId: 't', tariff: 'x'.repeat(length) });
    for (const length of [3_900, 4_100, 9_000, 20_000, 60_000])
      await journal.append('tariff', tariff(length), 'billing');
    await journal.close();
    remember();
    ruin(file(), 0, PAGE);
    expect(await startAgain()).toMatchObject({ noticed: ['journal.corrupt'], origin: ORIGIN, kept: 6 });
  });
});

describe('a write-ahead log that is gone', () => {
  it('in front of what was signed: another log begins', async () => {
    await closedLog(400);
    await killedLog(SIZE);
    rmSync(file('-wal'));
    const { origin, noticed, faults } = await startAgain();
    // The mark was raised some entries behind what is left, for a signed checkpoint.
    expect({ noticed, origin }).toEqual({ noticed: ['journal.rolled_back'], origin: `${ORIGIN}/2` });
    expect(faults).toMatchObject([{ code: 'journal.rolled_back' }]);
  });

  it('without anything signed behind what is left: the log goes on where it ends, and that is said', async () => {
    await closedLog(400);
    const { journal } = await openRecovered(directory);
    const database = new Database(file());
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    await journal.append('reading', reading(1), 'billing');
    const [saved, marked] = [readFileSync(file()), readFileSync(mark())];
    await journal.close();
    writeFileSync(file(), saved);
    writeFileSync(mark(), marked);
    const { origin, noticed, faults } = await startAgain();
    expect({ noticed, origin }).toEqual({ noticed: [], origin: ORIGIN });
    expect(faults).toMatchObject([{ code: 'journal.wal_missing' }]);
  });
});

describe('a journal that is gone', () => {
  it('is followed by another log that says so', async () => {
    await closedLog();
    for (const suffix of ['', '-wal', '-shm']) rmSync(file(suffix), { force: true });
    const { noticed, origin, faults } = await startAgain();
    expect({ noticed, origin }).toEqual({ noticed: ['journal.lost'], origin: `${ORIGIN}/2` });
    expect(faults).toMatchObject([{ code: 'journal.lost' }]);
  });
});
