import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournalReader, type Journal, type JournalReader } from '../../../src/journal/index.ts';
import { openTestJournal, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { naivePath, naiveRoot, naiveSubproof } from '../../support/journal/naive-merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

let directory: string;
let remove: () => void;
let journal: Journal;
beforeEach(async () => {
  ({ directory, remove } = temporaryDirectory());
  journal = await openTestJournal(directory);
});
afterEach(async () => {
  await journal.close();
  remove();
});

async function growTo(size: number): Promise<void> {
  const missing = size - journal.size;
  const appended = Array.from({ length: missing }, (_, i) => journal.append('reading', reading(i), 'sample'));
  await journal.flush();
  await Promise.all(appended);
}

/** From any size to any larger one, of any entry, by the definition over the entries themselves. */
function expectProofs(reader: JournalReader, runs: number): void {
  const entries = [...reader.entries()].map(({ cose }) => cose);
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (a, b, c) => {
      const size = 1 + (a % entries.length);
      const [size1, index] = [1 + (b % size), c % size];
      const begin = entries.slice(0, size);
      expect(hex(reader.rootAt(size))).toBe(hex(naiveRoot(begin)));
      expect(reader.inclusionProof(index, size).map(hex)).toEqual(naivePath(index, begin).map(hex));
      expect(reader.consistencyProof(size1, size).map(hex)).toEqual(naiveSubproof(size1, begin).map(hex));
    }),
    { numRuns: runs },
  );
}

describe('a reader that stays open', () => {
  it('gives the proofs of the definition, however the log grows between two of them', async () => {
    const reader = openJournalReader(directory);
    // Within the first tile, up to its edge, over it, into the next, over that.
    for (const size of [3, 200, 256, 257, 300, 301, 511, 700]) {
      await growTo(size);
      expect(hex(reader.rootAt(size))).toBe(hex(journal.root));
      expectProofs(reader, 12);
    }
    reader.close();
  });

  it('gives the same as one that has just been opened', async () => {
    await growTo(300);
    const before = openJournalReader(directory);
    before.inclusionProof(299, 300);
    await growTo(400);
    const fresh = openJournalReader(directory);
    for (const index of [0, 255, 256, 299, 300, 399]) {
      expect(before.inclusionProof(index, 400)).toEqual(fresh.inclusionProof(index, 400));
    }
    expect(before.consistencyProof(300, 400)).toEqual(fresh.consistencyProof(300, 400));
    before.close();
    fresh.close();
  });
});
