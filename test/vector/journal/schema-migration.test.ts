// Files of every released schema are opened by this one, forward only. schema-v1.db is kept as the first release wrote it.
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openJournalReader, verifyJournal } from '../../../src/journal/index.ts';
import { SCHEMA_VERSION } from '../../../src/journal/store/sqlite-schema.ts';
import {
  openTestJournal,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';

const vector = (name: string): string => path.join(import.meta.dirname, name);
const V1 = JSON.parse(readFileSync(vector('schema-v1.json'), 'utf8')) as { size: number; root: string };

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
  copyFileSync(vector('schema-v1.db'), path.join(directory, 'journal.db'));
});
afterEach(() => {
  vi.restoreAllMocks();
  remove();
});

const version = (state: string): unknown => {
  const database = new Database(path.join(state, 'journal.db'), { readonly: true });
  try {
    return database.pragma('user_version', { simple: true });
  } finally {
    database.close();
  }
};
const expected = { ok: true, size: V1.size, root: V1.root, pruned: { entries: 0, ranges: 0 } };
const trusted = { publicKey: SIGNER.publicKey };

/** Appends, and expects everything from before to stand as it stood. */
async function goOn(state: string): Promise<void> {
  const journal = await openTestJournal(state);
  expect(journal.size).toBe(V1.size + 1);
  expect(await journal.append('reading', reading(1), 'billing')).toBe(V1.size + 1);
  await journal.close();
  expect(version(state)).toBe(SCHEMA_VERSION);
  const earlier = { size: V1.size, root: new Uint8Array(Buffer.from(V1.root, 'hex')) };
  expect(await verifyJournal(state, { ...trusted, earlier })).toMatchObject({ ok: true, size: V1.size + 2 });
}

describe('a journal of schema 1', () => {
  it('is read and verified as it is, and stays what it is', async () => {
    expect(version(directory)).toBe(1);
    expect(await verifyJournal(directory, trusted)).toMatchObject(expected);
    const reader = openJournalReader(directory);
    expect(Buffer.from(reader.rootAt(V1.size)).toString('hex')).toBe(V1.root);
    expect([...reader.entries()]).toHaveLength(V1.size);
    expect(reader.holes()).toEqual([]);
    expect(reader.stat()).toMatchObject({ size: V1.size, pruned: { entries: 0, ranges: 0 } });
    reader.close();
    expect(version(directory)).toBe(1);
  });

  it('is brought forward by whoever writes it, and verifies before and after', async () => {
    await goOn(directory);
  });

  it('is kept within a bound like any other', async () => {
    const journal = await openTestJournal(directory);
    const appended = Array.from({ length: 700 }, (_, n) => journal.append('reading', reading(n), 'sample'));
    await journal.flush();
    await Promise.all(appended);
    const { dropped } = await journal.keepWithin({ maxBytes: 1, anchoredSize: 600, exportedSize: 0 });
    await journal.close();
    expect(dropped).toBeGreaterThan(400);
    expect(await verifyJournal(directory, trusted)).toMatchObject({ ok: true, pruned: { entries: dropped } });
  });

  const STATEMENTS = 7;
  it.each(Array.from({ length: STATEMENTS + 1 }, (_, n) => n))(
    'opens after a migration that was cut short behind its statement %i, by an error or by the end of the process',
    async (count) => {
      const killed = path.join(directory, 'killed');
      const { exec } = Database.prototype as {
        exec: (this: Database.Database, sql: string) => Database.Database;
      };
      let statements: string[] = [];
      vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database.Database, sql) {
        if (!sql.includes('CREATE TABLE hole') || statements.length > 0) return exec.call(this, sql);
        statements = sql.split(/;\s*/).filter((statement) => statement !== '');
        for (const statement of statements.slice(0, count)) exec.call(this, statement);
        // What another process would find if this one ended here.
        mkdirSync(killed);
        for (const file of readdirSync(directory).filter((name) => /^journal\.db(-wal)?$/.test(name))) {
          copyFileSync(path.join(directory, file), path.join(killed, file));
        }
        throw new Database.SqliteError('injected', 'SQLITE_IOERR_WRITE');
      });
      await expect(openTestJournal(directory)).rejects.toMatchObject({ code: 'journal.io' });
      expect(statements).toHaveLength(STATEMENTS);
      vi.restoreAllMocks();
      for (const state of [killed, directory]) {
        expect(await verifyJournal(state, trusted)).toMatchObject(expected);
        await goOn(state);
      }
    },
  );
});

describe('a journal of a newer release', () => {
  it('is refused by writer, reader and auditor, and not touched', async () => {
    const database = new Database(path.join(directory, 'journal.db'));
    database.exec(`CREATE TABLE newer (x); PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    database.close();
    const before = readFileSync(path.join(directory, 'journal.db'));
    const code = { code: 'journal.newer_format' };
    await expect(openTestJournal(directory)).rejects.toMatchObject(code);
    expect(() => openJournalReader(directory)).toThrow(expect.objectContaining(code) as Error);
    await expect(verifyJournal(directory)).rejects.toMatchObject(code);
    expect(readFileSync(path.join(directory, 'journal.db')).equals(before)).toBe(true);
  });
});
