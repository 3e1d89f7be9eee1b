import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash, nodeHash, type NodeReader } from '../../../src/journal/index.ts';
import { RangeHashes, rangeProof, subtreesOf, verifyRange } from '../../../src/journal/tree/range-proof.ts';
import { hasCode } from '../../support/has-code.ts';
import { naivePath, naiveRoot } from '../../support/journal/naive-merkle.ts';

const MAX_SIZE = 130;
const ENTRIES = Array.from({ length: MAX_SIZE }, (_, i) => Buffer.from(`entry ${i}`));
const LEAVES = ENTRIES.map(leafHash);
const read: NodeReader = (level, index) =>
  level === 0 ? LEAVES[index]! : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1));
const ROOTS = Array.from({ length: MAX_SIZE + 1 }, (_, size) => naiveRoot(ENTRIES.slice(0, size)));

/** A tree of 1 to MAX_SIZE leaves and a run of them. */
const runs = fc
  .tuple(fc.integer({ min: 1, max: MAX_SIZE }), fc.nat(), fc.nat())
  .map(([size, a, b]) => ({ size, from: a % size, to: (a % size) + 1 + (b % (size - (a % size))) }));

function claimOf({ size, from, to }: { size: number; from: number; to: number }) {
  return {
    leafHashes: LEAVES.slice(from, to),
    from,
    treeSize: size,
    rootHash: ROOTS[size]!,
    proof: rangeProof(read, from, to, size),
  };
}

describe('a range proof', () => {
  it('is the two paths of the definition, and holds for every run of every tree', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const begin = ENTRIES.slice(0, run.size);
        const claim = claimOf(run);
        expect(claim.proof.first).toEqual(naivePath(run.from, begin));
        expect(claim.proof.last).toEqual(naivePath(run.to - 1, begin));
        expect(verifyRange(claim)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('holds for every run of every tree of up to 20 leaves', () => {
    for (let size = 1; size <= 20; size++)
      for (let from = 0; from < size; from++)
        for (let to = from + 1; to <= size; to++)
          expect([size, from, to, verifyRange(claimOf({ size, from, to }))]).toEqual([size, from, to, true]);
  });

  it('fails when one bit of any hash is another', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (run, bit) => {
        const claim = claimOf(run);
        const { first, last } = claim.proof;
        const hashes = [...claim.leafHashes, claim.rootHash, ...first, ...last].map((h) =>
          Uint8Array.from(h),
        );
        const at = bit % (hashes.length * 256);
        const target = hashes[Math.floor(at / 256)]!;
        target[(at % 256) >> 3] = target[(at % 256) >> 3]! ^ (1 << (at & 7));
        const count = claim.leafHashes.length;
        const flipped = {
          ...claim,
          leafHashes: hashes.slice(0, count),
          rootHash: hashes[count]!,
          proof: {
            first: hashes.slice(count + 1, count + 1 + first.length),
            last: hashes.slice(count + 1 + first.length),
          },
        };
        expect(verifyRange(flipped)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('fails for a leaf left out, put in, doubled or moved, for another place and another size', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (run, at) => {
        const claim = claimOf(run);
        const { leafHashes } = claim;
        const i = at % leafHashes.length;
        expect(verifyRange({ ...claim, leafHashes: leafHashes.toSpliced(i, 1) })).toBe(false);
        expect(
          verifyRange({ ...claim, leafHashes: leafHashes.toSpliced(i, 0, leafHash(Buffer.of(1))) }),
        ).toBe(false);
        expect(verifyRange({ ...claim, leafHashes: leafHashes.toSpliced(i, 0, leafHashes[i]!) })).toBe(false);
        if (leafHashes.length > 1)
          expect(verifyRange({ ...claim, leafHashes: leafHashes.toReversed() })).toBe(false);
        expect(verifyRange({ ...claim, from: claim.from + 1 })).toBe(false);
        expect(verifyRange({ ...claim, from: claim.from - 1 })).toBe(false);
        expect(verifyRange({ ...claim, leafHashes: [] })).toBe(false);
        // Of a proof for another tree at most the shape may be the same; that tree has another root.
        const other = 1 + (at % MAX_SIZE);
        if (other !== run.size)
          expect(verifyRange({ ...claim, treeSize: other, rootHash: ROOTS[other]! })).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('holds where leaves are gone and the subtrees over them stand for them, and fails when one of these is another', () => {
    const gaps = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 5 });
    fc.assert(
      fc.property(runs, gaps, fc.boolean(), ({ size, from, to }, wanted, turned) => {
        const isGone = (i: number): boolean =>
          i > from &&
          i < to - 1 &&
          wanted.some(([a, b]) => i >= from + (a % (to - from)) && i < from + (a % (to - from)) + (b % 40));
        const range = new RangeHashes(from);
        let damaged = false;
        for (let at = from; at < to;) {
          let end = at;
          while (end < to && isGone(end)) end++;
          if (end === at) {
            range.addLeaf(LEAVES[at++]!);
            continue;
          }
          const hashes = subtreesOf(at, end).map(({ level, index }) => Uint8Array.from(read(level, index)));
          if (turned && !damaged) {
            hashes[0]![0] = hashes[0]![0]! ^ 1;
            damaged = true;
          }
          expect(range.addGone(end, hashes.slice(1))).toBe(false);
          expect(range.addGone(end, hashes)).toBe(true);
          at = end;
        }
        const tree = { size, root: ROOTS[size]! };
        expect(range.to).toBe(to);
        expect(range.isIn(tree, rangeProof(read, from, to, size))).toBe(!damaged);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same whether a run is taken in whole or in runs that follow each other', () => {
    fc.assert(
      fc.property(runs, fc.nat(), ({ size, from, to }, at) => {
        const middle = from + (at % (to - from + 1));
        const [left, right] = [new RangeHashes(from), new RangeHashes(middle)];
        for (const leaf of LEAVES.slice(from, middle)) left.addLeaf(leaf);
        for (const leaf of LEAVES.slice(middle, to)) right.addLeaf(leaf);
        left.append(right);
        const tree = { size, root: ROOTS[size]! };
        expect(left.to).toBe(to);
        expect(left.isIn(tree, rangeProof(read, from, to, size))).toBe(true);
        expect(() => left.append(new RangeHashes(to + 1))).toThrow(RangeError);
      }),
      { numRuns: 100 },
    );
  });

  it('is not made for what is not in the tree', () => {
    expect(() => rangeProof(read, 3, 6, 5)).toThrow(hasCode('journal.out_of_range'));
    expect(() => rangeProof(read, 5, 6, 5)).toThrow(hasCode('journal.out_of_range'));
  });

  it('keeps O(log n) hashes of a run, and its shape beyond 2^32 leaves', () => {
    expect(subtreesOf(2 ** 40 - 1, 2 ** 40 + 3).map(({ level }) => level)).toEqual([0, 1, 0]);
    expect(subtreesOf(1, 2 ** 33).length).toBe(33);
    expect(subtreesOf(7, 7)).toEqual([]);
  });
});
