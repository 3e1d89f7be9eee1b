// Recovery is cut off at each of its steps on disk, by throwing there as if the power went: the next start finds its way from
// whatever is there, and ends where an undisturbed recovery ends.
import fs from 'node:fs';
import path from 'node:path';
import { syncBuiltinESMExports } from 'node:module';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyJournal } from '../../../src/journal/index.ts';
import { ORIGIN, SIGNER, temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/journal/recovering-journal.ts';

const SIZE = 270;
class PowerCut extends Error {}

const original = { renameSync: fs.renameSync, fsyncSync: fs.fsyncSync, rmSync: fs.rmSync };
/** Steps left until the cut. */
let left = Infinity;

function cutting<A extends unknown[], R>(step: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    // The writer's lock is the kernel's: it goes with the power, here it must be let go of.
    if (String(args[0]).endsWith('.pid')) return step(...args);
    if (left-- <= 0) throw new PowerCut('power cut');
    return step(...args);
  };
}

let whole: { directory: string; remove: () => void };
beforeAll(async () => {
  whole = temporaryDirectory();
  await writeTestLog(whole.directory, SIZE);
  fs.renameSync = cutting(original.renameSync);
  fs.fsyncSync = cutting(original.fsyncSync);
  fs.rmSync = cutting(original.rmSync);
  syncBuiltinESMExports();
});
afterEach(() => {
  left = Infinity;
});
afterAll(() => {
  Object.assign(fs, original);
  syncBuiltinESMExports();
  whole.remove();
});

function overwriteRow(directory: string): void {
  const database = new Database(path.join(directory, 'journal.db'));
  database.exec('UPDATE entry SET cose = zeroblob(300) WHERE leaf_index = 265');
  database.close();
}

describe('a recovery that is cut off', () => {
  it.each<[string, string, (directory: string) => void]>([
    ['of a log that is continued', ORIGIN, overwriteRow],
    [
      'of a log that another one follows',
      `${ORIGIN}/2`,
      (directory) => fs.truncateSync(path.join(directory, 'journal.db'), 40_960),
    ],
  ])('%s is done again from any step', async (_what, origin, damage) => {
    let cuts = 0;
    for (let steps = 0, done = false; !done; steps++) {
      const { directory, remove } = temporaryDirectory();
      fs.cpSync(whole.directory, directory, { recursive: true });
      damage(directory);
      left = steps;
      try {
        await (await openRecovered(directory)).journal.close();
        done = left >= 0;
      } catch {
        // The cut shows as whatever was to be done then.
      }
      if (left < 0) cuts++;
      left = Infinity;
      const { journal } = await openRecovered(directory);
      expect(journal.origin).toBe(origin);
      await journal.close();
      const faults = faultsOf(directory);
      expect(faults.map(({ code }) => code)).toContain('journal.corrupt');
      if (origin === ORIGIN)
        expect(faults.flatMap(({ holes }) => holes ?? [])).toEqual([{ from: 265, to: 266 }]);
      expect(await verifyJournal(directory, { publicKey: SIGNER.publicKey })).toMatchObject({
        ok: true,
        origin,
      });
      expect(fs.readdirSync(directory).filter((name) => /damaged-\d+$/.test(name))).toHaveLength(1);
      remove();
    }
    expect(cuts).toBeGreaterThan(10);
  });
});
