// The test tree of the Certificate Transparency reference code (github.com/google/certificate-transparency,
// cpp/merkletree/merkle_tree_test.cc, Apache-2.0): eight leaves, the roots of every size, and the proofs it publishes.
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
} from '../../../src/journal/index.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/journal/index.ts';
import { naivePath, naiveRoot, naiveSubproof } from '../../support/journal/naive-merkle.ts';

const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const LEAF_2 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
const LEAF_5 = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b';
const NODE_34 = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
const NODE_56 = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a';
const NODE_78 = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0';
const NODE_5678 = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';

const leaves = LEAVES.map((text) => Buffer.from(text, 'hex'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const read = (level: number, index: number): Uint8Array =>
  level === 0
    ? leafHash(leaves[index]!)
    : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1));

describe('the Certificate Transparency test tree', () => {
  it('has its published roots, by our tree and by the definition', () => {
    expect(hex(EMPTY_ROOT)).toBe(ROOTS[0]);
    for (const [size, root] of ROOTS.entries()) {
      expect(hex(rootOf(read, size))).toBe(root);
      expect(hex(naiveRoot(leaves.slice(0, size)))).toBe(root);
    }
  });

  it.each([
    [0, 8, [LEAF_2, NODE_34, NODE_5678]],
    [5, 8, [LEAF_5, NODE_78, ROOTS[4]!]],
    [2, 3, [ROOTS[2]!]],
    [1, 5, [ROOTS[1]!, NODE_34, LEAF_5]],
    [0, 1, []],
  ])('has the published inclusion proof of leaf %i in size %i', (index, size, proof) => {
    const own = inclusionProof(read, index, size);
    expect(own.map(hex)).toEqual(proof);
    expect(naivePath(index, leaves.slice(0, size)).map(hex)).toEqual(proof);
    const claim = { leafIndex: index, treeSize: size, leafHash: leafHash(leaves[index]!), proof: own };
    expect(verifyInclusion({ ...claim, rootHash: Buffer.from(ROOTS[size]!, 'hex') })).toBe(true);
    expect(verifyInclusion({ ...claim, rootHash: Buffer.from(ROOTS[size - 1]!, 'hex') })).toBe(false);
  });

  it.each([
    [1, 1, []],
    [1, 8, [LEAF_2, NODE_34, NODE_5678]],
    [6, 8, [NODE_56, NODE_78, ROOTS[4]!]],
    [2, 5, [NODE_34, LEAF_5]],
  ])('has the published consistency proof from size %i to %i', (size1, size2, proof) => {
    const own = consistencyProof(read, size1, size2);
    expect(own.map(hex)).toEqual(proof);
    expect(naiveSubproof(size1, leaves.slice(0, size2)).map(hex)).toEqual(proof);
    const [root1, root2] = [Buffer.from(ROOTS[size1]!, 'hex'), Buffer.from(ROOTS[size2]!, 'hex')];
    expect(verifyConsistency({ size1, root1, size2, root2, proof: own })).toBe(true);
    expect(verifyConsistency({ size1, root1: read(0, 7), size2, root2, proof: own })).toBe(false);
  });
});
