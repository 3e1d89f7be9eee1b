import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TypeRegistry } from '@polkadot/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blake2b256,
  bytesToHex,
  encodeRemarkCall,
  type Hex,
  hexToBytes,
  type PreparedExtrinsic,
} from '../../../src/chain/index.ts';
import { acceptEvidence } from '../../../src/sync/signing/evidence-policy.ts';
import type { Intent } from '../../../src/sync/outbox/intent.ts';
import { bytesToSign, checkExtrinsic, type SigningPlan } from '../../../src/sync/signing/signing-policy.ts';
import { hasCode } from '../../support/has-code.ts';

interface Case {
  readonly checkpoint: string;
  readonly hashed: boolean;
  readonly prepared: PreparedExtrinsic;
  readonly signature: Hex;
  readonly extrinsic: Hex;
  readonly evidence: Parameters<typeof acceptEvidence>[0];
}

const vector = JSON.parse(readFileSync(new URL('remark-asset-hub-900.json', import.meta.url), 'utf8')) as {
  readonly genesisHash: Hex;
  readonly publicKey: Hex;
  readonly cases: readonly [Case, Case];
};
// The vector is older than the hash of metadata, which its chain does not know.
const [short, long] = vector.cases.map((golden) => ({
  ...golden,
  prepared: {
    ...golden.prepared,
    fields: { ...golden.prepared.fields, metadataHash: null },
  },
})) as [Case, Case];

function planOf({ checkpoint, prepared }: Case): SigningPlan {
  return {
    publicKey: hexToBytes(vector.publicKey),
    call: encodeRemarkCall([0, 8], new TextEncoder().encode(checkpoint)),
    genesisHash: vector.genesisHash,
    specVersion: prepared.fields.specVersion,
    transactionVersion: prepared.fields.transactionVersion,
    nonce: prepared.fields.nonce,
    birth: prepared.fields.birth,
  };
}

function flipped(hex: Hex, position: number, bit: number): Hex {
  const bytes = hexToBytes(hex);
  const at = position % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  return bytesToHex(bytes);
}

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
const publicKey = createPublicKey({
  key: Buffer.concat([SPKI_ED25519, hexToBytes(vector.publicKey)]),
  format: 'der',
  type: 'spki',
});

describe('the signing payload that the gateway prepared', () => {
  it.each([
    ['short, signed as it is', short],
    ['longer than 256 bytes, signed by its hash', long],
  ])('is signed when it is the planned one (%s)', (_name, golden) => {
    const bytes = bytesToSign(planOf(golden), golden.prepared);
    const payload = hexToBytes(golden.prepared.payload);
    expect(payload.length > 256).toBe(golden.hashed);
    expect(bytes).toEqual(golden.hashed ? blake2b256(payload) : payload);
    expect(verify(null, bytes, publicKey, hexToBytes(golden.signature))).toBe(true);
  });

  it('is refused with any bit changed', () => {
    fc.assert(
      fc.property(fc.constantFrom(short, long), fc.nat(), fc.nat(7), (golden, position, bit) => {
        const payload = flipped(golden.prepared.payload, position, bit);
        expect(() => bytesToSign(planOf(golden), { ...golden.prepared, payload })).toThrow(
          hasCode('sync.payload_refused'),
        );
      }),
    );
  });

  it('is refused when it is shorter or longer', () => {
    for (const payload of [
      long.prepared.payload.slice(0, -2) as Hex,
      `${long.prepared.payload}00` as Hex,
      '0x' as Hex,
    ]) {
      expect(() => bytesToSign(planOf(long), { ...long.prepared, payload })).toThrow(
        hasCode('sync.payload_refused'),
      );
    }
  });

  it.each<[string, Partial<SigningPlan>]>([
    ['another checkpoint', { call: encodeRemarkCall([0, 8], new TextEncoder().encode('other')) }],
    ['another version of the runtime', { specVersion: 901 }],
    ['another version of transactions', { transactionVersion: 99 }],
    ['another nonce', { nonce: 99 }],
    ['another chain', { genesisHash: `0x${'11'.repeat(32)}` }],
    ['another first block of the era', { birth: { number: 2, hash: `0x${'22'.repeat(32)}` } }],
    [
      'the hash of another first block',
      { birth: { number: short.prepared.fields.birth.number, hash: `0x${'22'.repeat(32)}` } },
    ],
    ['another call', { call: encodeRemarkCall([0, 7], new TextEncoder().encode(short.checkpoint)) }],
  ])('is refused when the plan was %s', (_name, change) => {
    expect(() => bytesToSign({ ...planOf(short), ...change }, short.prepared)).toThrow(
      hasCode('sync.payload_refused'),
    );
  });

  it.each(['CheckGenesis', 'CheckMortality', 'CheckNonce'])('is refused when %s is not signed', (name) => {
    const fields = short.prepared.fields;
    const signedExtensions = fields.signedExtensions.filter((extension) => extension !== name);
    const prepared = { ...short.prepared, fields: { ...fields, signedExtensions } };
    expect(() => bytesToSign(planOf(short), prepared)).toThrow(hasCode('sync.payload_refused'));
  });

  it('is built as @polkadot/types builds it for a relay chain of today, with and without the hash of its metadata', () => {
    const signedExtensions = [
      'CheckNonZeroSender',
      'CheckSpecVersion',
      'CheckTxVersion',
      'CheckGenesis',
      'CheckMortality',
      'CheckNonce',
      'CheckWeight',
      'ChargeTransactionPayment',
      'PrevalidateAttests',
      'CheckMetadataHash',
    ];
    const registry = new TypeRegistry();
    registry.setSignedExtensions(signedExtensions);
    const u32 = fc.nat(0xffff_ffff);
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex);
    fc.assert(
      fc.property(
        u32,
        u32,
        u32,
        fc.nat(0x7fff_ffff),
        hash,
        hash,
        fc.option(hash),
        (specVersion, transactionVersion, nonce, number, birthHash, genesisHash, metadataHash) => {
          const era = registry.createType('ExtrinsicEra', { current: number, period: 64 });
          const birth = { number, hash: birthHash };
          const deathNumber = era.asMortalEra.death(number);
          const fields = {
            genesisHash,
            specVersion,
            transactionVersion,
            nonce,
            era: era.toHex(),
            birth,
            deathNumber,
            tip: '0' as const,
            signedExtensions,
            metadataHash,
          };
          const method = '0x00071473686f7274';
          const value = {
            ...fields,
            method,
            blockHash: birthHash,
            mode: metadataHash === null ? 0 : 1,
            metadataHash,
          };
          const bytes = registry
            .createType('ExtrinsicPayload', value, { version: 4 })
            .toU8a({ method: true });
          const versions = { specVersion, transactionVersion };
          const plan = { ...planOf(short), call: hexToBytes(method), ...versions, genesisHash, nonce, birth };
          expect(bytesToSign(plan, { fields, payload: bytesToHex(bytes) })).toEqual(bytes);
        },
      ),
    );
  });
});

describe('the extrinsic that the gateway assembled', () => {
  const check = (golden: Case, extrinsic: Hex): void =>
    checkExtrinsic(planOf(golden), golden.prepared, hexToBytes(golden.signature), hexToBytes(extrinsic));

  it('is sent when it is what was signed', () => {
    for (const golden of [short, long]) check(golden, golden.extrinsic);
  });

  it('is refused with any bit changed, cut short or with something behind it', () => {
    fc.assert(
      fc.property(fc.constantFrom(short, long), fc.nat(), fc.nat(7), (golden, position, bit) => {
        expect(() => check(golden, flipped(golden.extrinsic, position, bit))).toThrow(
          hasCode('sync.extrinsic_refused'),
        );
      }),
    );
    expect(() => check(short, short.extrinsic.slice(0, -2) as Hex)).toThrow(
      hasCode('sync.extrinsic_refused'),
    );
    expect(() => check(short, `${short.extrinsic}00`)).toThrow(hasCode('sync.extrinsic_refused'));
  });
});

describe('the evidence that the gateway found', () => {
  const expectedOf = (golden: Case): Parameters<typeof acceptEvidence>[1] => {
    const { birth, deathNumber, nonce } = golden.prepared.fields;
    const attempt = { ordinal: 1, nonce, birth, deathNumber, extrinsic: golden.extrinsic };
    const intent = { id: 1, size: 1234, checkpoint: golden.checkpoint, attempt } as unknown as Intent;
    return { intent, attempt, genesisHash: vector.genesisHash, seenAtMs: 5 };
  };

  it('is kept, with the checkpoint it is about', () => {
    const { checkpoint } = long;
    expect(acceptEvidence(long.evidence, expectedOf(long))).toMatchObject({
      ...long.evidence,
      checkpoint,
      size: 1234,
      finalizedAtMs: 5,
    });
  });

  it.each<[string, Partial<Case['evidence']>]>([
    ['of another chain', { genesisHash: `0x${'11'.repeat(32)}` }],
    ['of another extrinsic', { extrinsic: short.extrinsic }],
    ['of a block before its era', { blockNumber: 0 }],
    ['of a block after its era', { blockNumber: 1_000 }],
    ['of a block of another number', { blockNumber: long.evidence.blockNumber + 1 }],
    ['with another block hash', { blockHash: `0x${'22'.repeat(32)}` }],
    ['with a changed header', { header: flipped(long.evidence.header, 40, 0) }],
    ['at another index', { extrinsicIndex: long.evidence.extrinsicIndex + 1 }],
    ['without its proof', { extrinsicProof: [] }],
  ])('is refused when it is %s', (_name, change) => {
    expect(() => acceptEvidence({ ...long.evidence, ...change }, expectedOf(long))).toThrow(
      hasCode('sync.evidence_refused'),
    );
  });
});
