// No tree leaves the station that a damaged file gives: neither from a command beside the service nor from a new opening.
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  highWaterFile,
  KeyHistory,
  openJournalReader,
  treeToSign,
  type SignedCheckpoint,
} from '../../../src/journal/index.ts';
import {
  openTestJournal,
  ORIGIN,
  SIGNER,
  temporaryDirectory,
  writeTestLog,
} from '../../support/journal/journal-fixture.ts';

const SIZE = 1_000;
const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;

let directory: string;
let remove: () => void;
let signed: SignedCheckpoint;
beforeEach(async () => {
  ({ directory, remove } = temporaryDirectory());
  signed = await writeTestLog(directory, SIZE);
});
afterEach(() => remove());

const sign = (size?: number) => {
  const log = { directory, origin: ORIGIN, keys: new KeyHistory(SIGNER.publicKey) };
  return treeToSign({ ...log, highWaterFile: highWaterFile(directory) }, size);
};

/** Turns a byte in the middle of a stored value, as a worn cell would. */
function turn(table: 'entry' | 'tile', column: string, where: string, at: number): void {
  const database = new Database(path.join(directory, 'journal.db'));
  const value = database.prepare(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get() as Buffer;
  value[at] = (value[at] ?? 0) ^ 0x10;
  expect(database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(value).changes).toBe(1);
  database.close();
}

it('a good log gives the trees that its writer had, of every size', () => {
  expect(sign()).toEqual({ size: SIZE, root: signed.root });
  const reader = openJournalReader(directory);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: SIZE }), (size) => {
      expect(sign(size)).toEqual({ size, root: reader.rootAt(size) });
    }),
    { numRuns: 20 },
  );
  reader.close();
  expect(() => sign(SIZE + 1)).toThrow(code('out_of_range'));
});

it('a turned bit in an entry of the unfinished tile is noticed before a tree is signed', () => {
  turn('entry', 'cose', 'leaf_index = 900', 150);
  expect(() => sign()).toThrow(code('corrupt'));
});

it.each([0, 1, 2])(
  'a turned bit in hash %i of the unfinished upper tile is noticed, also without a mark',
  async (n) => {
    rmSync(highWaterFile(directory));
    turn('tile', 'hashes', 'level = 1', 32 * n + 5);
    expect(() => sign()).toThrow(code('corrupt'));
    await expect(openTestJournal(directory)).rejects.toThrow(code('corrupt'));
  },
);

it('a turned bit in an old tile is noticed when a smaller tree is signed that needs it', () => {
  turn('tile', 'hashes', 'level = 0 AND tile_index = 1', 5);
  expect(() => sign(300)).toThrow(code('corrupt'));
});

it('an old copy of the log is not signed while the mark knows better', async () => {
  const old = temporaryDirectory();
  cpSync(directory, old.directory, { recursive: true });
  await writeTestLog(directory, SIZE + 10);
  cpSync(path.join(old.directory, 'journal.db'), path.join(directory, 'journal.db'));
  old.remove();
  expect(() => sign()).toThrow(code('rolled_back'));
});
