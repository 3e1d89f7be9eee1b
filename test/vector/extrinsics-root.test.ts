import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildExtrinsicProof, decodeHeader, verifyExtrinsicProof } from '../../src/chain/index.ts';
import { buildOrderedTrie, decodeNode, encodeNode } from '../../src/chain/substrate-trie.ts';
import { naiveRootNode } from '../support/sync/naive-trie.ts';
import { hasCode } from '../support/has-code.ts';

interface BlockVector {
  readonly note: string;
  readonly number: number;
  readonly hash: string;
  readonly header: string;
  readonly extrinsics: readonly string[];
}

const file = new URL('chain/extrinsics-root-blocks.json', import.meta.url);
const { blocks } = JSON.parse(readFileSync(file, 'utf8')) as { blocks: readonly BlockVector[] };
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'));
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

describe('published vectors of the Substrate trie', () => {
  it('has the well-known root when it is empty', () => {
    const root = '0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314';
    expect(hex(buildOrderedTrie([], 'V0').root)).toBe(root);
    expect(hex(buildOrderedTrie([], 'V1').root)).toBe(root);
  });

  // polkadot-sdk (Apache-2.0), substrate/primitives/trie: codec_trie_single_tuple, codec_trie_two_tuples_disjoint_keys.
  it.each([
    ['one pair', { aa: 'bb' }, '42aa04bb'],
    [
      'two pairs with nothing in common',
      { 4819: 'fe', 1314: 'ff' },
      '801200' + '1443031404ff' + '1443081904fe',
    ],
  ])('encodes %s as Substrate does', (_name, pairs, node) => {
    const entries = Object.entries(pairs).map(([key, value]) => [unhex(key), unhex(value)] as const);
    expect(hex(naiveRootNode(entries, 'V1'))).toBe(`0x${node}`);
    expect(hex(encodeNode(decodeNode(unhex(node))))).toBe(`0x${node}`);
  });
});

describe('blocks built by a real runtime', () => {
  it.each(blocks.map((block) => [block.note, block] as const))('%s', (_note, block) => {
    const header = decodeHeader(unhex(block.header));
    expect(header.number).toBe(block.number);
    expect(hex(header.hash)).toBe(block.hash);
    const extrinsics = block.extrinsics.map(unhex);
    expect(hex(buildOrderedTrie(extrinsics, 'V0').root)).toBe(hex(header.extrinsicsRoot));
    for (const [index, extrinsic] of extrinsics.entries()) {
      const proof = buildExtrinsicProof(extrinsics, index, header.extrinsicsRoot);
      expect(verifyExtrinsicProof(header.extrinsicsRoot, index, extrinsic, proof)).toEqual({ ok: true });
    }
  });

  it('have headers that are refused when a byte is missing or left over', () => {
    for (const block of blocks) {
      const header = unhex(block.header);
      for (let length = 0; length < header.length; length++) {
        expect(() => decodeHeader(header.subarray(0, length))).toThrow(hasCode('chain.header_malformed'));
      }
      expect(() => decodeHeader(Uint8Array.of(...header, 0))).toThrow(hasCode('chain.header_malformed'));
    }
  });
});
