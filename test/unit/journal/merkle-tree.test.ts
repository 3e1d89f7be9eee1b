import { RFC9162 as rfc9162 } from '@transmute/rfc9162';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type NodeReader,
} from '../../../src/journal/index.ts';
import {
  EMPTY_EDGE,
  growTree,
  nodesFromEdge,
  nodesFromTiles,
  TILE_BYTES,
  type TreeEdge,
} from '../../../src/journal/tree/hash-tile.ts';
import { naivePath, naiveRoot, naiveSubproof } from '../../support/journal/naive-merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const entryNumber = (i: number) => Buffer.from(`entry ${i}`);

/** A tree kept in tiles, grown in groups; counts tile writes and refuses a second write of a full tile. */
function tiledTree(groups: readonly number[]) {
  const tiles = new Map<string, Uint8Array>();
  const entries: Uint8Array[] = [];
  let edge: TreeEdge = EMPTY_EDGE;
  for (const group of groups) {
    const added = Array.from({ length: group }, (_, i) => entryNumber(entries.length + i));
    entries.push(...added);
    const grown = growTree(edge, added.map(leafHash));
    edge = grown.edge;
    for (const { level, index, hashes } of grown.writes) {
      const key = `${level}/${index}`;
      expect(tiles.get(key)?.length ?? 0).toBeLessThan(TILE_BYTES);
      expect(level > 0 || hashes.length === TILE_BYTES).toBe(true);
      tiles.set(key, Uint8Array.from(hashes));
    }
  }
  let reads = 0;
  const read: NodeReader = nodesFromTiles((level, index, width) => {
    reads++;
    const stored = tiles.get(`${level}/${index}`);
    if (stored !== undefined) return stored;
    expect(level).toBe(0);
    return Buffer.concat(entries.slice(index * 256, index * 256 + width).map(leafHash));
  });
  return { entries, edge, read, reads: () => reads };
}

const groups = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 8 });

describe('a tree in tiles', () => {
  it('has the root and the proofs of the definition, at every size it had', () => {
    fc.assert(
      fc.property(groups, fc.nat(), fc.nat(), (sizes, a, b) => {
        const { entries, edge, read } = tiledTree(sizes);
        const size = 1 + (a % entries.length);
        const index = b % size;
        const begin = entries.slice(0, size);
        expect(edge.size).toBe(entries.length);
        expect(hex(rootOf(nodesFromEdge(edge), edge.size))).toBe(hex(naiveRoot(entries)));
        expect(hex(rootOf(read, size))).toBe(hex(naiveRoot(begin)));
        expect(inclusionProof(read, index, size).map(hex)).toEqual(naivePath(index, begin).map(hex));
        expect(consistencyProof(read, size, entries.length).map(hex)).toEqual(
          naiveSubproof(size, entries).map(hex),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('is the same however its leaves were grouped', () => {
    fc.assert(
      fc.property(groups, (sizes) => {
        const total = sizes.reduce((sum, n) => sum + n, 0);
        expect(tiledTree(sizes).edge).toEqual(tiledTree([total]).edge);
      }),
      { numRuns: 40 },
    );
  });

  it('gives proofs across tile levels with a bounded number of reads (70,000 leaves, three levels)', () => {
    const tree = tiledTree([65_536, 4_464]);
    const size = tree.entries.length;
    const root = rootOf(tree.read, size);
    expect(hex(root)).toBe(hex(naiveRoot(tree.entries)));
    for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
      const before = tree.reads();
      const proof = inclusionProof(tree.read, index, size);
      expect(tree.reads() - before).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size)));
      expect(
        verifyInclusion({
          leafIndex: index,
          treeSize: size,
          leafHash: tree.read(0, index),
          rootHash: root,
          proof,
        }),
      ).toBe(true);
    }
  });
});

describe('proofs', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));

  it('agree with an independent implementation (RFC 9162)', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async ([a, b], at) => {
        const [size1, size2] = [Math.min(a, b), Math.max(a, b)];
        const { entries, read } = tiledTree([size2]);
        const [root1, root2] = [rootOf(read, size1), rootOf(read, size2)];
        expect(hex(root2)).toBe(hex(await rfc9162.treeHead(entries)));

        const index = at % size2;
        const proof = inclusionProof(read, index, size2);
        const theirs = await rfc9162.inclusionProof(entries[index]!, entries);
        expect(proof.map(hex)).toEqual(theirs.inclusion_path.map(hex));
        expect(await rfc9162.verifyInclusionProof(root2, await rfc9162.leaf(entries[index]!), theirs)).toBe(
          true,
        );

        if (size1 === size2) return;
        const consistency = consistencyProof(read, size1, size2);
        // That implementation leaves the first root in the proof where the RFC leaves it out (size1 a power of two).
        const withRoot = Number.isInteger(Math.log2(size1)) ? [root1, ...consistency] : consistency;
        const theirProof = await rfc9162.consistencyProof({ ...theirs, tree_size: size1 }, entries);
        expect(theirProof.consistency_path.map(hex)).toEqual(withRoot.map(hex));
        expect(await rfc9162.verifyConsistencyProof(root1, root2, theirProof)).toBe(true);
        expect(verifyConsistency({ size1, root1, size2, root2, proof: consistency })).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('fail when any bit of a hash, the index or the size is another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size, at, bit) => {
        const { read } = tiledTree([size]);
        const leafIndex = at % size;
        const proof = inclusionProof(read, leafIndex, size);
        const claim = {
          leafIndex,
          treeSize: size,
          leafHash: read(0, leafIndex),
          rootHash: rootOf(read, size),
          proof,
        };
        expect(verifyInclusion(claim)).toBe(true);
        const hashes = [claim.leafHash, claim.rootHash, ...proof];
        const flipped = flip(hashes, bit);
        const [leaf, root, ...rest] = flipped;
        expect(verifyInclusion({ ...claim, leafHash: leaf!, rootHash: root!, proof: rest })).toBe(false);
        expect(verifyInclusion({ ...claim, leafIndex: (leafIndex + 1) % size })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, read(0, 0)] })).toBe(false);
        expect(verifyInclusion({ ...claim, treeSize: leafIndex })).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('of consistency fail when any bit of a hash is another, and cannot shrink a tree', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size2, at, bit) => {
        const { read } = tiledTree([size2]);
        const size1 = 1 + (at % (size2 - 1));
        const proof = consistencyProof(read, size1, size2);
        const claim = { size1, size2, root1: rootOf(read, size1), root2: rootOf(read, size2), proof };
        expect(verifyConsistency(claim)).toBe(true);
        const [root1, root2, ...rest] = flip([claim.root1, claim.root2, ...proof], bit);
        expect(verifyConsistency({ ...claim, root1: root1!, root2: root2!, proof: rest })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, read(0, 0)] })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
        const swapped = { size1: size2, size2: size1, root1: claim.root2, root2: claim.root1, proof };
        expect(verifyConsistency(swapped)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('start from nothing with the empty proof, and only with the empty root', () => {
    const { read } = tiledTree([5]);
    const claim = { size1: 0, root1: naiveRoot([]), size2: 5, root2: rootOf(read, 5), proof: [] };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, root1: claim.root2 })).toBe(false);
    expect(verifyConsistency({ ...claim, size1: 5, root1: claim.root2 })).toBe(true);
  });

  it('are refused for what is not in the tree', () => {
    const { read } = tiledTree([5]);
    const outOfRange = expect.objectContaining({ code: 'journal.out_of_range' }) as Error;
    expect(() => inclusionProof(read, 5, 5)).toThrow(outOfRange);
    expect(() => inclusionProof(read, -1, 5)).toThrow(outOfRange);
    expect(() => inclusionProof(read, 0.5, 5)).toThrow(outOfRange);
    expect(() => consistencyProof(read, 6, 5)).toThrow(outOfRange);
  });

  it('keep their shape beyond 2^32 leaves, where bit operations would not', () => {
    const node = Buffer.alloc(32, 7);
    const size = 2 ** 40 + 3;
    expect(inclusionProof(() => node, 2 ** 40 + 2, size)).toHaveLength(2);
    expect(inclusionProof(() => node, 5, size)).toHaveLength(41);
  });
});

/** The same hashes with one bit turned. */
function flip(hashes: readonly Uint8Array[], bit: number): Uint8Array[] {
  const copies = hashes.map((hash) => Uint8Array.from(hash));
  const at = bit % (hashes.length * 256);
  const target = copies[Math.floor(at / 256)]!;
  target[(at % 256) >> 3] = target[(at % 256) >> 3]! ^ (1 << (at & 7));
  return copies;
}
