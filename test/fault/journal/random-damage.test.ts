// Any bit of the journal's files flipped, any stretch overwritten, the files cut off anywhere: the station starts, appends, has
// a log that verifies, and has lost only what it says is lost.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteDamage, verifyJournal } from '../../../src/journal/index.ts';
import { ORIGIN, reading, SIGNER, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered, SignedTrees } from '../../support/journal/recovering-journal.ts';

const CHECKPOINTED = 280;
const SIZE = 340;
const FILES = ['journal.db', 'journal.db-wal'];

let whole: { directory: string; remove: () => void };
let acknowledged: ReadonlyMap<number, string>;
const checkpoints: { text: string }[] = [];
beforeAll(async () => {
  whole = temporaryDirectory();
  const { journal } = await openRecovered(whole.directory);
  const append = async (to: number): Promise<void> => {
    while (journal.size < to) await journal.append('reading', reading(journal.size), 'billing');
  };
  await append(CHECKPOINTED);
  const other = new Database(path.join(whole.directory, 'journal.db'));
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  await append(300);
  checkpoints.push(await journal.checkpoint());
  await append(SIZE);
  acknowledged = rowsOf(path.join(whole.directory, 'journal.db'));
  const saved = [...FILES, 'journal.high-water'].map(
    (name) => [name, readFileSync(path.join(whole.directory, name))] as const,
  );
  await journal.close();
  for (const [name, content] of saved) writeFileSync(path.join(whole.directory, name), content);
});
afterAll(() => whole.remove());

function rowsOf(file: string): Map<number, string> {
  const database = new Database(file, { readonly: true });
  const rows = database
    .prepare<[], { i: number; cose: Buffer }>('SELECT leaf_index AS i, cose FROM entry')
    .all()
    .map(({ i, cose }) => [i, cose.toString('hex')] as const);
  database.close();
  return new Map(rows);
}

interface Damage {
  readonly file: string;
  readonly what: 'bit' | 'noise' | 'zeros' | 'cut' | 'half a page';
  readonly at: number;
}

function inflict(directory: string, { file, what, at }: Damage): void {
  const name = path.join(directory, file);
  const content = readFileSync(name);
  const offset = Math.floor(at * content.length);
  if (what === 'cut') return writeFileSync(name, content.subarray(0, offset));
  if (what === 'bit') content[offset] = content[offset]! ^ (1 << (offset % 8));
  else {
    const page = Math.floor(offset / 4096) * 4096;
    const from = what === 'half a page' ? page + 2048 : page;
    const to = Math.min(content.length, page + 4096);
    if (from < to) content.fill(what === 'zeros' ? 0 : 0xa5, from, to);
  }
  writeFileSync(name, content);
}

async function startAndAppend(directory: string, signed: SignedTrees): Promise<string> {
  const { journal } = await openRecovered(directory);
  await journal.append('reading', reading(9_999), 'billing');
  signed.note(await journal.checkpoint());
  await journal.close();
  return journal.origin;
}

/** Everything acknowledged that is neither there nor said to be lost. */
function unaccounted(directory: string, origin: string): number[] {
  const names = readdirSync(directory).filter((name) => /^journal\.db(\.recovered-\d+)?$/.test(name));
  const rows = names.flatMap((name) => [...rowsOf(path.join(directory, name))]);
  const found = new Set(rows.filter(([i, cose]) => acknowledged.get(i) === cose).map(([i]) => i));
  const holes = faultsOf(directory).flatMap((fault) => fault.holes ?? []);
  const said = (index: number): boolean => holes.some(({ from, to }) => from <= index && index < to);
  // Another log says what became of the one before it, which is kept as it was.
  if (origin !== ORIGIN) expect(readdirSync(directory)).toContainEqual(expect.stringMatching(/\.damaged-1/));
  return origin === ORIGIN
    ? [...acknowledged.keys()].filter((index) => !found.has(index) && !said(index))
    : [];
}

const damages = fc.record<Damage>({
  file: fc.constantFrom(...FILES),
  what: fc.constantFrom('bit', 'bit', 'noise', 'zeros', 'cut', 'half a page'),
  at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
});

describe('random damage', () => {
  it('never stops the station, never forks the log, and loses nothing in silence but the end of a log that was cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(damages, { minLength: 1, maxLength: 2 }), async (list) => {
        const { directory, remove } = temporaryDirectory();
        cpSync(whole.directory, directory, { recursive: true });
        const signed = new SignedTrees();
        for (const checkpoint of checkpoints) signed.note(checkpoint);
        for (const damage of list) inflict(directory, damage);
        let origin = await startAndAppend(directory, signed);
        const audit = await verifyJournal(directory, { publicKey: SIGNER.publicKey });
        if (!audit.ok) {
          // In old entries, which no opening looks at: the scrub finds it.
          noteDamage(directory, { code: 'journal.corrupt', message: audit.firstBad!.why, thorough: true });
          origin = await startAndAppend(directory, signed);
        }
        origin = await startAndAppend(directory, signed);
        expect(await verifyJournal(directory, { publicKey: SIGNER.publicKey })).toMatchObject({
          ok: true,
          origin,
        });
        const lost = unaccounted(directory, origin);
        // Behind the last signed checkpoint an end may be cut off without a trace; what is in front of it is never.
        const cutOff = lost.every((index, i) => index >= 300 && (i === 0 || index === lost[i - 1]! + 1));
        expect(cutOff, `lost without a word: ${lost.join()}`).toBe(true);
        remove();
      }),
      { numRuns: Number(process.env['RANDOM_DAMAGE_RUNS'] ?? 15) },
    );
  }, 600_000);
});
