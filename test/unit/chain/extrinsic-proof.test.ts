import { calculate_state_root } from '@acala-network/chopsticks-executor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildExtrinsicProof, verifyExtrinsicProof } from '../../../src/chain/index.ts';
import { buildOrderedTrie, decodeNode, encodeNode } from '../../../src/chain/substrate-trie.ts';
import { naiveCompact, naiveOrderedRoot } from '../../support/sync/naive-trie.ts';
import { hasCode } from '../../support/has-code.ts';

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;
const layouts = ['V0', 'V1'] as const;
/** Lengths on both sides of what layout V1 hashes (33 bytes) and of what a parent inlines (31 bytes). */
const extrinsic = fc.uint8Array({ minLength: 0, maxLength: 80 });
const block = fc.array(extrinsic, { minLength: 1, maxLength: 90 });

describe('the extrinsics root', () => {
  it.each(layouts)('agrees with the naive model in layout %s', (layout) => {
    fc.assert(
      fc.property(block, (extrinsics) => {
        expect(hex(buildOrderedTrie(extrinsics, layout).root)).toBe(
          hex(naiveOrderedRoot(extrinsics, layout)),
        );
      }),
    );
  });

  it.each(layouts)("agrees with smoldot's trie in layout %s", async (layout) => {
    for (const count of [1, 2, 3, 16, 17, 64, 65, 300]) {
      const extrinsics = Array.from({ length: count }, (_, i) => new Uint8Array(i % 70).fill(i));
      const entries = extrinsics.map((bytes, i) => [hex(naiveCompact(i)), hex(bytes)]);
      const root: unknown = await calculate_state_root(entries, layout === 'V1' ? 1 : 0);
      expect(hex(buildOrderedTrie(extrinsics, layout).root)).toBe(root);
    }
  });
});

describe('an extrinsic proof', () => {
  it('proves every extrinsic of any block, in both layouts', () => {
    fc.assert(
      fc.property(block, fc.constantFrom(...layouts), (extrinsics, layout) => {
        const root = naiveOrderedRoot(extrinsics, layout);
        for (const [index, bytes] of extrinsics.entries()) {
          const proof = buildExtrinsicProof(extrinsics, index, root);
          expect(verifyExtrinsicProof(root, index, bytes, proof)).toEqual({ ok: true });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('proves single extrinsics of a block with 20000, with a handful of nodes', () => {
    const extrinsics = Array.from({ length: 20_000 }, (_, i) => naiveCompact(i * 7));
    const { root } = buildOrderedTrie(extrinsics, 'V1');
    for (const index of [0, 63, 64, 16_383, 16_384, 19_999]) {
      const proof = buildExtrinsicProof(extrinsics, index, root);
      expect(proof.length).toBeLessThanOrEqual(9);
      expect(verifyExtrinsicProof(root, index, extrinsics[index]!, proof)).toEqual({ ok: true });
    }
  });

  it('fails when any bit of the proof, the extrinsic or the root is flipped, and at any other index', () => {
    const extrinsics = Array.from({ length: 20 }, (_, i) => new Uint8Array(20 + 2 * i).fill(i));
    for (const layout of layouts) {
      const { root } = buildOrderedTrie(extrinsics, layout);
      for (const index of [0, 5, 19]) {
        const bytes = extrinsics[index]!;
        const proof = buildExtrinsicProof(extrinsics, index, root);
        for (const [part, at] of [...proof.entries()].flatMap(([n, node]) =>
          [...node.keys()].map((i) => [n, i] as const),
        )) {
          const broken = proof.map((node, n) => (n === part ? flip(node, at) : node));
          expect(verifyExtrinsicProof(root, index, bytes, broken).ok).toBe(false);
        }
        for (const at of bytes.keys())
          expect(verifyExtrinsicProof(root, index, flip(bytes, at), proof).ok).toBe(false);
        for (const at of root.keys())
          expect(verifyExtrinsicProof(flip(root, at), index, bytes, proof).ok).toBe(false);
        for (const other of [0, 1, 5, 6, 19, 20, 64, 2 ** 32 - 1, 2 ** 32, -1, 0.5, NaN].filter(
          (i) => i !== index,
        )) {
          expect(verifyExtrinsicProof(root, other, bytes, proof).ok).toBe(false);
        }
      }
    }
  });

  it('refuses nodes that are missing, doubled, left over or in another order', () => {
    const extrinsics = Array.from({ length: 20 }, (_, i) => new Uint8Array(100).fill(i));
    const { root } = buildOrderedTrie(extrinsics, 'V0');
    const proof = buildExtrinsicProof(extrinsics, 3, root);
    const [top, ...rest] = proof as [Uint8Array, ...Uint8Array[]];
    expect(rest.length).toBeGreaterThan(0);
    for (const wrong of [[], rest, [top], [top, ...proof], [...proof, proof.at(-1)!], [...rest, top]]) {
      expect(verifyExtrinsicProof(root, 3, extrinsics[3]!, wrong).ok).toBe(false);
    }
    expect(verifyExtrinsicProof(root, 3, extrinsics[3]!, Array<Uint8Array>(1000).fill(top)).ok).toBe(false);
  });

  it('takes the proof of one extrinsic for no other', () => {
    const extrinsics = Array.from({ length: 5 }, (_, i) => new Uint8Array(50).fill(i));
    const { root } = buildOrderedTrie(extrinsics, 'V1');
    const proof = buildExtrinsicProof(extrinsics, 1, root);
    expect(verifyExtrinsicProof(root, 2, extrinsics[2]!, proof).ok).toBe(false);
    expect(verifyExtrinsicProof(root, 1, extrinsics[2]!, proof).ok).toBe(false);
  });

  it('gives a verdict on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (node) => {
        const root = buildOrderedTrie([], 'V0').root;
        expect(verifyExtrinsicProof(root, 0, node, [node]).ok).toBe(false);
      }),
    );
  });

  it('is not made for a block whose body is not the one under the root', () => {
    const extrinsics = [Uint8Array.of(1), Uint8Array.of(2)];
    const { root } = buildOrderedTrie(extrinsics, 'V0');
    expect(() => buildExtrinsicProof(extrinsics.toReversed(), 0, root)).toThrow(
      hasCode('chain.extrinsics_root_mismatch'),
    );
    expect(() => buildExtrinsicProof(extrinsics, 2, root)).toThrow(hasCode('chain.extrinsic_missing'));
  });
});

describe('a trie node', () => {
  const nibble = fc.integer({ min: 0, max: 15 });
  const value = fc.oneof(
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ kind: 'inline' as const, bytes })),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => ({ kind: 'hash' as const, hash })),
  );
  const node = fc
    .record({
      partialKey: fc.array(nibble, { maxLength: 64 }),
      value,
      children: fc
        .array(fc.tuple(nibble, fc.uint8Array({ minLength: 1, maxLength: 32 })), { maxLength: 16 })
        .map((pairs) => new Map(pairs.sort(([a], [b]) => a - b))),
    })
    .filter((each) => each.value !== undefined || each.children.size > 0);

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(node, (each) => {
        expect(decodeNode(encodeNode(each))).toEqual(each);
      }),
    );
  });

  it('has one encoding: what can be read is written the same', () => {
    fc.assert(
      fc.property(node, fc.nat(), fc.integer({ min: 1, max: 255 }), (each, position, mask) => {
        const bytes = encodeNode(each);
        bytes[position % bytes.length]! ^= mask;
        let read;
        try {
          read = decodeNode(bytes);
        } catch {
          return;
        }
        expect(encodeNode(read)).toEqual(bytes);
      }),
    );
  });
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
