// Metadata V15 of Polkadot's asset hub, spec 2000000, out of @polkadot/types-support 16.5.6 (Apache-2.0): metadata/v15/
// asset-hub-polkadot-hex.js, without the option and the length before it. The digest was made by @dedot/merkleized-metadata
// 1.3.0, whose authors hold theirs against the Rust implementation that runtimes are built with; another token than DOT with
// 10 decimals gives another one.
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MetadataCache } from '../../../src/chain/gateway/kept/metadata-cache.ts';
import { assembleExtrinsic, prepareExtrinsic } from '../../../src/chain/gateway/runtime/extrinsic.ts';
import { MetadataHash } from '../../../src/chain/gateway/runtime/metadata-hash.ts';
import { Runtime } from '../../../src/chain/gateway/runtime/runtime.ts';
import { bytesToHex, encodeRemarkCall, type Hex } from '../../../src/chain/index.ts';
import { bytesToSign, checkExtrinsic } from '../../../src/sync/signing/signing-policy.ts';

const DIGEST: Hex = '0xffbb73125a923f4cf6c45355d78e240fe432765eb3a1dc30e121a9601fb8543e';
const GENESIS: Hex = `0x${'68'.repeat(32)}`;
const DOT = { tokenSymbol: 'DOT', tokenDecimals: 10 };

const compressed = readFileSync(new URL('asset-hub-polkadot-2000000.scale.br', import.meta.url));
const metadata = bytesToHex(new Uint8Array(brotliDecompressSync(compressed)));
const version = { specName: 'statemint', specVersion: 2_000_000, transactionVersion: 15, apis: [] };
const runtime = new Runtime(version, metadata, DOT);

function hashOf(properties: object = DOT) {
  const said: string[] = [];
  const stored = new Map<number, Hex | null>();
  const cache: Pick<MetadataCache, 'digestOf' | 'keepDigest'> = {
    digestOf: ({ specVersion }) => stored.get(specVersion),
    keepDigest: ({ specVersion }, digest) => Promise.resolve(void stored.set(specVersion, digest)),
  };
  const options = { genesisHash: GENESIS, properties: { ...properties }, cache };
  const make = () => new MetadataHash({ ...options, log: (_level, _source, text) => void said.push(text) });
  return { hash: make(), make, stored, said };
}

describe('the digest of metadata (RFC-78)', () => {
  it('is the one that another implementation gives', async () => {
    const { hash, stored } = hashOf();
    expect(await hash.of(runtime)).toBe(DIGEST);
    expect(stored).toEqual(new Map([[2_000_000, DIGEST]]));
    expect(await hashOf({ tokenSymbol: ['DOT', 'X'], tokenDecimals: [10, 3] }).hash.of(runtime)).toBe(DIGEST);
    const other = await hashOf({ ...DOT, tokenDecimals: 12 }).hash.of(runtime);
    expect(other).toMatch(/^0x[0-9a-f]{64}$/);
    expect(other).not.toBe(DIGEST);
  });

  it('is taken from where it is kept, also that the chain does not take it', async () => {
    const { make, stored, said } = hashOf();
    stored.set(2_000_000, `0x${'01'.repeat(32)}`);
    const kept = make();
    expect(await kept.of(runtime)).toBe(`0x${'01'.repeat(32)}`);
    await kept.refused(runtime);
    await kept.refused(runtime);
    expect(said).toHaveLength(1);
    expect(await kept.of(runtime)).toBeNull();
    expect(await make().of(runtime)).toBeNull();
  });

  it.each([
    ['a chain whose properties name no token', {}, runtime],
    ['metadata of another format', DOT, Object.assign(Object.create(runtime), { metadata: '0x6d6574610e' })],
    [
      'metadata of another runtime than it says',
      DOT,
      Object.assign(Object.create(runtime), { version: { ...version, specVersion: 7 } }),
    ],
  ])('is none for %s, and that is said once', async (_name, properties, odd: Runtime) => {
    const { hash, said } = hashOf(properties);
    expect([await hash.of(odd), await hash.of(odd)]).toEqual([null, null]);
    expect(said).toHaveLength(1);
  });

  it.each([
    ['with it', DIGEST],
    ['without it', null],
  ])('stands in payload and extrinsic where the core expects it: %s', (_name, metadataHash) => {
    const call = encodeRemarkCall([0, 7], new TextEncoder().encode('origin\n3\nroot\n'));
    const publicKey = new Uint8Array(32).fill(7);
    const hash: Hex = `0x${'b1'.repeat(32)}`;
    const birth = { number: 1_000, hash };
    const order = { publicKey: bytesToHex(publicKey), call: bytesToHex(call) };
    const prepared = prepareExtrinsic(runtime, GENESIS, metadataHash, { ...order, nonce: 3, birth });
    expect(prepared.fields.signedExtensions).toContain('CheckMetadataHash');
    const { specVersion, transactionVersion } = version;
    const plan = { publicKey, call, genesisHash: GENESIS, specVersion, transactionVersion, nonce: 3, birth };
    const bytes = bytesToSign(plan, prepared);
    expect(bytesToHex(bytes).includes(DIGEST.slice(2))).toBe(metadataHash !== null);

    const signature = new Uint8Array(64).fill(9);
    const about = { ...order, fields: prepared.fields, signature: bytesToHex(signature) };
    const { extrinsic } = assembleExtrinsic(runtime, about);
    expect(() =>
      checkExtrinsic(plan, prepared, signature, Buffer.from(extrinsic.slice(2), 'hex')),
    ).not.toThrow();
  });
});
