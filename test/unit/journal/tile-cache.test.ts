import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consistencyProof, inclusionProof, leafHash, rootOf } from '../../../src/journal/index.ts';
import { TILE_WIDTH, type TileReader } from '../../../src/journal/tree/hash-tile.ts';
import { HASH_BYTES } from '../../../src/journal/tree/merkle-tree.ts';
import { nodesFromCachedTiles } from '../../../src/journal/tree/tile-cache.ts';
import { naiveSubproof, naivePath, naiveRoot } from '../../support/journal/naive-merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const leaves = Array.from({ length: 1_000 }, (_, i) => Buffer.from(`leaf ${i}`));
const leafHashes = leaves.map(leafHash);

/** Tiles by the definition, of the whole log; each read hands out as little as it may. */
const wholeTile: TileReader = (level, index, width) => {
  const span = TILE_WIDTH ** level;
  const from = index * TILE_WIDTH;
  if (level === 0) return Buffer.concat(leafHashes.slice(from, from + width));
  return Buffer.concat(
    Array.from({ length: width }, (_, i) =>
      naiveRoot(leaves.slice((from + i) * span, (from + i + 1) * span)),
    ),
  );
};

function cached(maxTiles: number) {
  const reads: { level: number; index: number; width: number; known: number }[] = [];
  const nodes = nodesFromCachedTiles((level, index, width, known) => {
    const hashes = wholeTile(level, index, width);
    expect(hex(hashes.subarray(0, known.length))).toBe(hex(known));
    reads.push({ level, index, width, known: known.length / HASH_BYTES });
    return hashes;
  }, maxTiles);
  return { nodes, reads };
}

describe('nodes of cached tiles', () => {
  const ask = fc.record({ size: fc.integer({ min: 1, max: leaves.length }), at: fc.nat(), from: fc.nat() });

  it('give the proofs of the definition, from any size to any larger one, in any order and however few tiles stay', () => {
    fc.assert(
      fc.property(
        fc.array(ask, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        (asks, max) => {
          const { nodes } = cached(max);
          for (const { size, at, from } of asks) {
            const begin = leaves.slice(0, size);
            const [index, size1] = [at % size, 1 + (from % size)];
            expect(hex(rootOf(nodes, size))).toBe(hex(naiveRoot(begin)));
            expect(inclusionProof(nodes, index, size).map(hex)).toEqual(naivePath(index, begin).map(hex));
            expect(consistencyProof(nodes, size1, size).map(hex)).toEqual(
              naiveSubproof(size1, begin).map(hex),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('read a tile once for all the entries in it, and of one that has grown only what is new', () => {
    const { nodes, reads } = cached(4);
    for (let index = 512; index < 700; index++) inclusionProof(nodes, index, 700);
    expect(reads.filter(({ level, index }) => level === 0 && index === 2).at(-1)?.width).toBe(188);
    const before = reads.length;
    for (let index = 512; index < 700; index++) inclusionProof(nodes, index, 700);
    expect(reads).toHaveLength(before);
    inclusionProof(nodes, 699, 703);
    expect(reads.slice(before)).toEqual([
      { level: 0, index: 2, known: 188, width: 190 },
      { level: 0, index: 2, known: 190, width: 191 },
    ]);
  });

  it('keep no more tiles than they may, the ones used last', () => {
    const { nodes, reads } = cached(2);
    for (const leaf of [0, 256, 0, 512]) nodes(0, leaf);
    expect(reads.map(({ index }) => index)).toEqual([0, 1, 2]);
    nodes(0, 0);
    expect(reads).toHaveLength(3);
    nodes(0, 256);
    expect(reads.map(({ index }) => index)).toEqual([0, 1, 2, 1]);
  });

  it('cannot be changed by who holds one', () => {
    const { nodes } = cached(2);
    const expected = hex(nodes(3, 1));
    nodes(3, 1).fill(0);
    nodes(0, 8).fill(0);
    expect(hex(nodes(3, 1))).toBe(expected);
    expect(hex(nodes(0, 8))).toBe(hex(leafHashes[8]!));
  });
});
