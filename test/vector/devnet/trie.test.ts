// The state trie against what others say: the genesis hash of a public network, and the trie of smoldot's Rust code,
// which is inside of the executor.
import { calculate_state_root, decode_proof } from '@acala-network/chopsticks-executor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeader, hashHeader } from '../../devnet/chain/block.ts';
import { stateOfGenesis } from '../../devnet/chain/chain-spec.ts';
import { toHex } from '../../devnet/encoding/bytes.ts';
import { ScaleReader } from '../../devnet/encoding/scale.ts';
import { registrySpec } from '../../devnet/parachain/genesis.ts';
import { type State } from '../../devnet/storage/state.ts';
import { EMPTY_TRIE_ROOT, orderedTrieRoot, Trie } from '../../devnet/storage/trie.ts';

/** Few distinct bytes, so that keys share prefixes and end inside of each other. */
const key = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff), { maxLength: 6 })
    .map((bytes) => Uint8Array.from(bytes)),
);
/** Around the length at which a node stands in its parent, and at which a value leaves its node. */
const value = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 31, maxLength: 33 }));
const state = fc
  .array(fc.tuple(key, value), { maxLength: 60 })
  .map((entries): State => new Map(entries.map(([k, v]) => [toHex(k), v])));
const stateVersion = fc.constantFrom(0 as const, 1 as const);

describe('the state trie', () => {
  it('of no entry has the root that Substrate gives it', () => {
    expect(toHex(EMPTY_TRIE_ROOT)).toBe('0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314');
    expect(toHex(new Trie(new Map(), 0).root)).toBe(toHex(EMPTY_TRIE_ROOT));
  });

  it("leads from Rococo asset hub's genesis storage to the genesis hash that the public network had", () => {
    const genesis = new Trie(stateOfGenesis(registrySpec().genesis), 0);
    const header = encodeHeader({
      parentHash: new Uint8Array(32),
      number: 0,
      stateRoot: genesis.root,
      extrinsicsRoot: EMPTY_TRIE_ROOT,
      digest: [],
    });
    expect(toHex(hashHeader(header))).toBe(
      '0x7c34d42fc815d392057c78b49f2755c753440ccd38bcb0405b3bcfb601d08734',
    );
  });

  it('has the root that another implementation computes, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(state, stateVersion, async (entries, version) => {
        const hex = [...entries].map(([k, v]) => [k, toHex(v)]);
        expect(toHex(new Trie(entries, version).root)).toBe(await calculate_state_root(hex, version));
      }),
    );
  });

  it('gives proofs in which another implementation finds the keys, with these values', async () => {
    await fc.assert(
      fc.asyncProperty(state, stateVersion, fc.array(fc.nat()), async (entries, version, picks) => {
        fc.pre(entries.size > 0);
        const keys = [...entries.keys()].filter((_, i) => picks.some((pick) => pick % entries.size === i));
        fc.pre(keys.length > 0);
        const trie = new Trie(entries, version);
        const proof = trie.proofOfKeys(keys.map((hex) => Buffer.from(hex.slice(2), 'hex')));
        const found = await decode(trie.root, proof);
        for (const hex of keys) expect(found.get(hex)).toBe(toHex(entries.get(hex) ?? new Uint8Array()));
      }),
    );
  });

  it('has another root when any value changes', () => {
    fc.assert(
      fc.property(state, stateVersion, fc.nat(), (entries, version, pick) => {
        fc.pre(entries.size > 0);
        const [changed, old] = [...entries][pick % entries.size] ?? ['0x', new Uint8Array()];
        const other: State = new Map(entries).set(changed, Uint8Array.of(...old, 0));
        expect(toHex(new Trie(other, version).root)).not.toBe(toHex(new Trie(entries, version).root));
      }),
    );
  });
});

describe('the ordered trie', () => {
  it('of no item has the root of an empty trie', () => {
    expect(toHex(orderedTrieRoot([], 0))).toBe(toHex(EMPTY_TRIE_ROOT));
  });

  it('tells the order of its items', () => {
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    expect(toHex(orderedTrieRoot([a, b], 0))).not.toBe(toHex(orderedTrieRoot([b, a], 0)));
  });
});

async function decode(root: Uint8Array, proof: Uint8Array): Promise<Map<string, string | null>> {
  const reader = new ScaleReader(proof);
  const nodes = Array.from({ length: reader.length() }, () => toHex(reader.bytes()));
  return new Map((await decode_proof(toHex(root), nodes)) as [string, string | null][]);
}
