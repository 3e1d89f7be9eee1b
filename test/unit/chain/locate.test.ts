import { describe, expect, it } from 'vitest';
import {
  blake2b256,
  bytesToHex,
  concatBytes,
  encodeBytes,
  encodeCompact,
  type Hex,
} from '../../../src/chain/index.ts';
import { BlockReader } from '../../../src/chain/gateway/blocks/block-reader.ts';
import { type FinalizedChain, locateExtrinsic } from '../../../src/chain/gateway/blocks/locate.ts';
import { hasCode } from '../../support/has-code.ts';
import { naiveOrderedRoot } from '../../support/sync/naive-trie.ts';

const extrinsic = (text: string): Uint8Array => encodeBytes(new TextEncoder().encode(text));
const wanted = bytesToHex(extrinsic('wanted'));
const ZERO: Hex = `0x${'00'.repeat(32)}`;

interface NodeBlock {
  readonly hash: Hex;
  readonly json: { block: { header: Record<string, unknown>; extrinsics: Hex[] } };
}

/** A node with one chain of blocks; block 5 holds the wanted extrinsic. `asked` counts bodies. */
function chainOf(length: number, options: { reach?: number; withheldIn?: number; salt?: string } = {}) {
  const blocks: NodeBlock[] = [];
  for (let number = 0; number <= length; number++) {
    const body = [
      extrinsic(`inherent ${number} ${options.salt ?? ''}`),
      ...(number === 5 ? [extrinsic('wanted')] : []),
    ];
    const extrinsicsRoot = bytesToHex(naiveOrderedRoot(body, 'V0'));
    const parentHash = blocks.at(-1)?.hash ?? ZERO;
    const bytes = concatBytes(
      [parentHash, ZERO, extrinsicsRoot].map((hex) => Buffer.from(hex.slice(2), 'hex')),
    );
    const scale = concatBytes([
      bytes.subarray(0, 32),
      encodeCompact(number),
      bytes.subarray(32),
      encodeCompact(0),
    ]);
    const header = {
      parentHash,
      number: `0x${number.toString(16)}`,
      stateRoot: ZERO,
      extrinsicsRoot,
      digest: { logs: [] },
    };
    const shown = number === options.withheldIn ? body.slice(0, 1) : body;
    blocks.push({
      hash: bytesToHex(blake2b256(scale)),
      json: { block: { header, extrinsics: shown.map(bytesToHex) } },
    });
  }
  const asked = { bodies: 0 };
  const reader = new BlockReader((method, [hash]) => {
    const found = blocks.find((block) => block.hash === hash);
    if (method === 'chain_getBlock') asked.bodies++;
    return Promise.resolve(
      method === 'chain_getHeader' ? (found?.json.block.header ?? null) : (found?.json ?? null),
    );
  });
  const chain: FinalizedChain = {
    via: 'light-client',
    genesisHash: ZERO,
    blocks: reader,
    hashAt: (number) =>
      Promise.resolve(length - number > (options.reach ?? Infinity) ? undefined : blocks[number]?.hash),
  };
  const hashOf = (number: number): Hex => blocks[number]?.hash ?? ZERO;
  const look = (more: Partial<Parameters<typeof locateExtrinsic>[1]> = {}) =>
    locateExtrinsic(chain, {
      extrinsic: wanted,
      afterNumber: 2,
      beforeNumber: 66,
      finalized: { number: length, hash: hashOf(length) },
      hint: null,
      ...more,
    });
  return { look, hashOf, asked, blocks };
}

describe('the search for an extrinsic in finalized blocks', () => {
  it('walks down from the newest block of its era', async () => {
    const { look, hashOf } = chainOf(9);
    expect(await look()).toMatchObject({
      outcome: 'found',
      evidence: { blockNumber: 5, blockHash: hashOf(5), extrinsicIndex: 1, extrinsic: wanted },
    });
  });

  it('begins at the end of its era, however long ago that was', async () => {
    const { look, asked } = chainOf(200);
    expect(await look({ beforeNumber: 8 })).toMatchObject({ outcome: 'found', evidence: { blockNumber: 5 } });
    expect(asked.bodies).toBe(3);
  });

  it('looks at the hinted block first, and at no other when it is there', async () => {
    const { look, hashOf, asked } = chainOf(30);
    expect(await look({ hint: hashOf(5) })).toMatchObject({ outcome: 'found', evidence: { blockNumber: 5 } });
    expect(asked.bodies).toBe(1);
  });

  it('is not led astray by a hint to a block that is not there', async () => {
    const { look } = chainOf(9);
    const hint: Hex = `0x${'77'.repeat(32)}`;
    expect(await look({ hint })).toMatchObject({ outcome: 'found', evidence: { blockNumber: 5 } });
  });

  it('takes no hinted block that is no ancestor of the finalized one', async () => {
    const { look, blocks, hashOf } = chainOf(9);
    const other = chainOf(9, { salt: 'fork' });
    blocks.push(...other.blocks);
    const found = await look({ hint: other.hashOf(5) });
    expect(found).toMatchObject({ outcome: 'found', evidence: { blockHash: hashOf(5) } });
    expect(other.hashOf(5)).not.toBe(hashOf(5));
  });

  it('says what it has looked at when it is not there', async () => {
    expect(await chainOf(9).look({ afterNumber: 5 })).toEqual({ outcome: 'absent', from: 6, to: 9 });
    expect(await chainOf(9).look({ beforeNumber: 5 })).toEqual({ outcome: 'absent', from: 3, to: 4 });
  });

  it('says so when those blocks are too old for this way to the chain', async () => {
    expect(await chainOf(300, { reach: 100 }).look()).toMatchObject({ outcome: 'out-of-reach' });
  });

  it('takes no body from which something was left out for proof of absence', async () => {
    await expect(chainOf(9, { withheldIn: 5 }).look()).rejects.toThrow(hasCode('chain.bad_answer'));
  });

  it('takes no block of another hash than asked for', async () => {
    const { look, blocks } = chainOf(9);
    const [first, second] = [blocks[8], blocks[7]];
    if (first !== undefined && second !== undefined) blocks[8] = { ...second, hash: first.hash };
    await expect(look()).rejects.toThrow(hasCode('chain.bad_answer'));
  });
});
