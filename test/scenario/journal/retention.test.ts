// A log at its bound: readings give way, a signed entry says so, and what is left still proves.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeEntry,
  leafHash,
  openJournalReader,
  signCheckpoint,
  verifyConsistency,
  verifyInclusion,
  verifyJournal,
  type Journal,
  type JournalEntry,
  type RetentionLimits,
} from '../../../src/journal/index.ts';
import {
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';
import { naiveRoot } from '../../support/journal/naive-merkle.ts';
import { runProduct } from '../../support/product.ts';

const KIB = 1024;
const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

/** Readings of three meters, and a fault entry after every `billingEvery`; returns every entry as it was signed. */
async function fill(journal: Journal, entries: number, billingEvery = 100): Promise<Uint8Array[]> {
  const before = journal.size;
  for (let n = before; n < before + entries; n += 512) {
    const group = Array.from({ length: Math.min(512, before + entries - n) }, (_, i) => {
      const number = n + i;
      if (number % billingEvery === 0) {
        return journal.append('fault', { code: 'meter.timeout', message: `${number}` }, 'sample');
      }
      const sample = { ...reading(number), meterSerial: `SIM-${number % 3}` };
      return journal.append('reading', sample, 'sample');
    });
    await journal.flush();
    await Promise.all(group);
  }
  const reader = openJournalReader(directory);
  const all = [...reader.entries(before)].map(({ cose }) => cose);
  reader.close();
  return all;
}

const limits = (maxBytes: number, over: Partial<RetentionLimits> = {}): RetentionLimits => ({
  maxBytes,
  anchoredSize: 0,
  exportedSize: 0,
  ...over,
});
const bodies = (reader: ReturnType<typeof openJournalReader>, kind: JournalEntry['kind']) =>
  [...reader.entries()].filter((row) => row.kind === kind).map(({ cose }) => decodeEntry(cose).entry);

describe('a log that comes to its bound', () => {
  it('gives way also when it is full to the last page: what goes makes room for the entry that says so', async () => {
    const journal = await openTestJournal(directory, { maxBytes: 1024 * KIB });
    await fill(journal, 2_000);
    const until = async (bytes: number): Promise<void> => {
      for (;;) await journal.append('fault', { code: 'test', message: 'x'.repeat(bytes) }, 'billing');
    };
    for (const bytes of [50_000, 100]) await expect(until(bytes)).rejects.toEqual(code('disk_full'));
    const outcome = await journal.keepWithin(limits(1024 * KIB));
    expect(outcome).toMatchObject({ state: 'within' });
    await journal.append('fault', { code: 'test', message: 'stored again' }, 'billing');
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  });

  it('drops what is anchored and exported first and says so in a signed entry; billing entries stay; all verifies', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 3_000);
    const { text } = await journal.checkpoint();
    expect(text).not.toBe('');
    const outcome = await journal.keepWithin(limits(100 * KIB, { anchoredSize: 2_000, exportedSize: 1_100 }));
    expect(outcome.dropped).toBeGreaterThan(1_000);
    const root = Buffer.from(journal.root).toString('hex');
    const { size } = journal;
    await journal.close();

    const reader = openJournalReader(directory);
    const gaps = bodies(reader, 'gap').map(({ body }) => body);
    const reasons = gaps.map((gap) => (gap as { reason: string }).reason);
    expect([...new Set(reasons)]).toEqual([
      'retention.anchored-exported',
      'retention.anchored',
      'retention.thinned',
    ]);
    const stretches = gaps.map((gap) => (gap as { stretch: { from: number; to: number } }).stretch);
    expect(stretches.filter(({ to }, i) => to !== (stretches[i + 1]?.from ?? 2_560))).toEqual([]);
    expect(gaps[0]).toMatchObject({
      stretch: { from: 0, to: 256 },
      dropped: [{ kind: 'reading', entries: 253 }],
    });
    expect(stretches[reasons.indexOf('retention.anchored')]).toEqual({ from: 1_024, to: 1_280 });
    expect(stretches[reasons.indexOf('retention.thinned')]).toMatchObject({ from: 1_792 });
    expect(gaps.at(-1)).toMatchObject({ keepSpan: 256 });
    expect(bodies(reader, 'fault')).toHaveLength(30);
    // Three meters, first and last of each, in three spans of 256.
    const thinned = [...reader.entries(1_792, 2_560)].filter(({ kind }) => kind === 'reading');
    expect(thinned).toHaveLength(3 * 6);
    expect(() => reader.entry(5)).toThrow(code('pruned'));
    expect(reader.entry(100).kind).toBe('fault');
    expect(reader.holes(0, 150)).toEqual([
      { from: 1, to: 100 },
      { from: 101, to: 200 },
    ]);
    expect([...reader.entries(0, 150)].map(({ index }) => index)).toEqual([0, 100]);
    const { pruned } = reader.stat();
    reader.close();
    const audit = await verifyJournal(directory);
    expect(audit).toMatchObject({ ok: true, size, root, pruned });
    expect(pruned.entries).toBe(outcome.dropped);
  });

  it('keeps its file from growing: what is freed is used again', async () => {
    const maxBytes = 4 * 1024 * KIB;
    const journal = await openTestJournal(directory, { maxBytes });
    let largest = 0;
    for (let round = 0; round < 32; round++) {
      await fill(journal, 500, 50);
      const { state } = await journal.keepWithin(limits(maxBytes, { anchoredSize: journal.size }));
      expect(state).toBe('within');
      largest = Math.max(largest, journal.diskBytes());
    }
    await journal.close();
    expect(journal.size).toBeGreaterThan(16_000); // more than what the bound holds
    expect(largest).toBeLessThanOrEqual(maxBytes);
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  }, 60_000);

  it('holds without any chain, by making old readings coarser and coarser', async () => {
    const maxBytes = 1_200 * KIB;
    const journal = await openTestJournal(directory, { maxBytes: 2 * maxBytes });
    for (let round = 0; round < 32; round++) {
      await fill(journal, 500, 500);
      expect((await journal.keepWithin(limits(maxBytes))).state).toBe('within');
    }
    await journal.close();
    const reader = openJournalReader(directory);
    const gaps = bodies(reader, 'gap').map(({ body }) => body as { keepSpan?: number });
    expect(new Set(gaps.map(({ keepSpan }) => keepSpan))).toEqual(new Set([256, 4_096]));
    // The newest entries are all there.
    expect([...reader.entries(journal.size - 500)]).toHaveLength(500);
    reader.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  }, 60_000);

  it('says when nothing more may go, and keeps every billing entry', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 1_500, 2);
    const before = await journal.keepWithin(limits(1 * KIB, { anchoredSize: 1_500, exportedSize: 1_500 }));
    expect(before.state).toBe('exhausted');
    expect((await journal.keepWithin(limits(1 * KIB, { anchoredSize: 1_500 }))).dropped).toBe(0);
    await journal.close();
    const reader = openJournalReader(directory);
    expect(bodies(reader, 'fault')).toHaveLength(750);
    reader.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  });

  it('leaves nothing to do again after a restart, and goes on where it was', async () => {
    let journal = await openTestJournal(directory);
    await fill(journal, 2_000);
    const first = await journal.keepWithin(limits(50 * KIB, { anchoredSize: 1_000 }));
    await journal.close();
    journal = await openTestJournal(directory);
    const again = await journal.keepWithin(limits(50 * KIB, { anchoredSize: 1_000 }));
    expect({ first: first.dropped > 900, again: again.dropped }).toEqual({ first: true, again: 0 });
    expect(await journal.append('reading', reading(1), 'billing')).toBe(journal.size - 1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
  });

  it('drops nothing when its entry cannot be written, and is where it was', async () => {
    let broken = false;
    const { SIGNER } = await import('../../support/journal/journal-fixture.ts');
    const sign = (message: Uint8Array): Uint8Array => {
      if (broken) throw new Error('the key does not answer');
      return SIGNER.sign(message);
    };
    const journal = await openTestJournal(directory, { signer: { ...SIGNER, sign } });
    await fill(journal, 1_200);
    broken = true;
    await expect(journal.keepWithin(limits(1 * KIB, { anchoredSize: 1_200 }))).rejects.toThrow(
      code('commit_failed'),
    );
    broken = false;
    const reader = openJournalReader(directory);
    expect([...reader.entries()]).toHaveLength(1_201);
    expect(reader.holes()).toEqual([]);
    reader.close();
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, pruned: { entries: 0, ranges: 0 } });
  });
});

describe('what is left of a pruned log', () => {
  it('proves as before: kept entries in any tree, and trees of sizes that were to stay provable', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          entries: fc.integer({ min: 900, max: 2_300 }),
          billingEvery: fc.integer({ min: 3, max: 700 }),
          anchored: fc.double({ min: 0.3, max: 1, noNaN: true }),
          sizes: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 4 }),
        }),
        async ({ entries, billingEvery, anchored, sizes }) => {
          const own = temporaryDirectory();
          directory = own.directory;
          try {
            const journal = await openTestJournal(directory);
            await fill(journal, entries, billingEvery);
            const anchoredSize = Math.ceil(anchored * journal.size);
            const provableSizes = sizes.map((share) => Math.ceil(share * anchoredSize));
            const signed = readAll();
            await journal.keepWithin(limits(KIB, { anchoredSize, provableSizes }));
            const all = [...signed, ...readAll().slice(-(journal.size - signed.length))];
            await journal.close();
            expectProofs(all, provableSizes);
            expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: all.length });
          } finally {
            own.remove();
          }
        },
      ),
      { numRuns: 8 },
    );
  }, 60_000);

  it('says that a proof is gone when the tree it is asked for ends in a tile that is gone', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 1_500, 10_000);
    await journal.keepWithin(limits(KIB, { anchoredSize: 1_300, provableSizes: [700] }));
    await journal.close();
    const reader = openJournalReader(directory);
    expect(() => reader.inclusionProof(0, 300)).toThrow(code('pruned'));
    expect(() => reader.rootAt(300)).toThrow(code('pruned'));
    expect(() => reader.consistencyProof(300, 1_400)).toThrow(code('pruned'));
    expect(reader.inclusionProof(0, 512)).toBeDefined();
    expect(reader.inclusionProof(0, 700)).toBeDefined();
    reader.close();
    const earlier = { size: 300, root: new Uint8Array(32) };
    expect(await verifyJournal(directory, { earlier })).toMatchObject({
      ...{ ok: true, notCompared: expect.stringContaining('300') as string },
    });
    const checkpoint = path.join(directory, 'seen.checkpoint');
    writeFileSync(checkpoint, signCheckpoint({ origin: ORIGIN, ...earlier }, SIGNER));
    const told = await runProduct(['journal', 'verify', directory, '--checkpoint', checkpoint]);
    expect(told).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^good: \d+ entries.*\nNOT COMPARED.*300/) as string,
    });
    expect(
      await verifyJournal(directory, { earlier: { size: 512, root: new Uint8Array(32) } }),
    ).toMatchObject({
      ok: false,
    });
  });
});

describe('the auditor of a pruned log', () => {
  async function prune(): Promise<number> {
    const journal = await openTestJournal(directory);
    await fill(journal, 1_500, 100);
    await journal.keepWithin(limits(KIB, { anchoredSize: 1_000 }));
    await journal.close();
    return journal.size;
  }
  const tamper = (sql: string): void => {
    const database = new Database(path.join(directory, 'journal.db'));
    database.exec(sql);
    database.close();
  };

  it.each([
    ['a billing entry is gone that nothing declares', 'DELETE FROM entry WHERE leaf_index = 300', 300],
    ['a reading is gone that nothing declares', 'DELETE FROM entry WHERE leaf_index = 1400', 1_400],
    ['the entry that declares is gone', "DELETE FROM entry WHERE kind = 'gap'", 1],
    [
      'a hash of what is gone was changed',
      'UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND tile_index = 1',
      256,
    ],
    [
      'the hashes of what is gone are gone, though entries of the tile are left',
      'DELETE FROM tile WHERE level = 0 AND tile_index = 1',
      256,
    ],
  ])('notices that %s', async (_what, sql, index) => {
    await prune();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true });
    tamper(sql);
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index } });
  });

  it('notices a changed hash where a whole tile is gone, by the root that the gap entry signs', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 1_500, 10_000);
    await journal.keepWithin(limits(KIB, { anchoredSize: 1_100 }));
    const { size } = journal;
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size, pruned: { ranges: 1 } });
    tamper(
      `UPDATE tile SET hashes = CAST(substr(hashes, 1, 64) || zeroblob(32) || substr(hashes, 97) AS BLOB) WHERE level = 1`,
    );
    const audit = await verifyJournal(directory);
    expect(audit.ok).toBe(false);
    expect(audit.firstBad?.index).toBe(1_500);
  });

  it('notices that an entry went as a reading that was none: the next one names it', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 1_500, 100);
    tamper("UPDATE entry SET kind = 'reading' WHERE leaf_index = 300");
    await journal.keepWithin(limits(KIB, { anchoredSize: 1_000 }));
    await journal.close();
    const reader = openJournalReader(directory);
    expect(() => reader.entry(300)).toThrow(code('pruned'));
    reader.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index: 300 } });
  });

  it('does not believe the table of holes', async () => {
    await prune();
    tamper('DELETE FROM entry WHERE leaf_index = 1400; INSERT INTO hole VALUES (1400, 1401, 1501)');
    expect(await verifyJournal(directory)).toMatchObject({ ok: false, firstBad: { index: 1_400 } });
  });

  it('sees a log pruned while it reads: nothing is missed and nothing is taken for damage', async () => {
    const journal = await openTestJournal(directory);
    await fill(journal, 2_500, 100);
    const audit = verifyJournal(directory);
    await journal.keepWithin(limits(KIB, { anchoredSize: 2_500 }));
    expect(await audit).toMatchObject({ ok: true });
    await journal.close();
  });
});

function readAll(): Uint8Array[] {
  const reader = openJournalReader(directory);
  try {
    return [...reader.entries()].map(({ cose }) => cose);
  } finally {
    reader.close();
  }
}

/** Held against the naive tree over all entries there ever were. */
function expectProofs(all: readonly Uint8Array[], sizes: readonly number[]): void {
  const reader = openJournalReader(directory);
  const trees = [...new Set([...sizes, reader.size])].filter((size) => size > 0);
  const roots = new Map(trees.map((size) => [size, naiveRoot(all.slice(0, size))]));
  const kept = [...reader.entries()];
  for (const [treeSize, rootHash] of roots) {
    expect(Buffer.from(reader.rootAt(treeSize))).toEqual(rootHash);
    const failed = kept
      .filter(({ index }) => index < treeSize)
      .filter(({ index, cose }) => {
        const proof = reader.inclusionProof(index, treeSize);
        return !verifyInclusion({ leafHash: leafHash(cose), leafIndex: index, treeSize, rootHash, proof });
      });
    expect(failed).toEqual([]);
    for (const [size2, root2] of roots) {
      if (size2 < treeSize) continue;
      const proof = reader.consistencyProof(treeSize, size2);
      expect(verifyConsistency({ size1: treeSize, root1: rootHash, size2, root2, proof })).toBe(true);
    }
  }
  reader.close();
}
