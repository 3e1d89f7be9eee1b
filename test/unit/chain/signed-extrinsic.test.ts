import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  additionalSignedOf,
  decodeSignedExtrinsic,
  genesisHashIn,
  remarkCallOf,
  signedMessageOf,
} from '../../../src/chain/index.ts';
import { identityFromSeed, verifyEd25519 } from '../../../src/identity/index.ts';
import { GENESIS_HASH, remarkExtrinsic } from '../../support/sync/anchored-block.ts';

const { chainAccount } = identityFromSeed(new Uint8Array(32).fill(9));
const remark = new Uint8Array(Buffer.from('a checkpoint of some length, as long as this sentence'));
const { extrinsic, additionalSigned, payload } = remarkExtrinsic(chainAccount, remark);
const usual = { extensions: Uint8Array.of(0, 0, 0), additionalSigned };

function decoded(bytes: Uint8Array) {
  const result = decodeSignedExtrinsic(bytes);
  if ('why' in result) throw new Error(result.why);
  return result;
}

describe('a signed extrinsic', () => {
  it('says who signed it, and its signature fits what was signed', () => {
    const read = decoded(extrinsic);
    const call = remarkCallOf(read, remark);
    expect(read.signer).toEqual(chainAccount.publicKey);
    expect(read.signatureKind).toBe('ed25519');
    expect(call).toMatchObject({ palletIndex: 0, callIndex: 7, isRemarkWithEvent: true });
    const message = signedMessageOf(read, call!, additionalSigned);
    expect(verifyEd25519(read.signer, message, read.signature)).toBe(true);
  });

  it('has its payload hashed before it is signed when it is long', () => {
    const long = new Uint8Array(400).fill(1);
    const built = remarkExtrinsic(chainAccount, long);
    const read = decoded(built.extrinsic);
    const message = signedMessageOf(read, remarkCallOf(read, long)!, built.additionalSigned);
    expect(message.length).toBe(32);
    expect(verifyEd25519(read.signer, message, read.signature)).toBe(true);
  });

  it('gives up what was signed beside it when the payload is at hand', () => {
    expect(additionalSignedOf(payload, extrinsic)).toEqual(additionalSigned);
    expect(genesisHashIn(additionalSigned)).toEqual(GENESIS_HASH);
    expect(
      additionalSignedOf(
        payload.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
        extrinsic,
      ),
    ).toBeUndefined();
    expect(additionalSignedOf(payload.subarray(0, 20), extrinsic)).toBeUndefined();
  });

  it('is not a remark of anything else than its whole argument', () => {
    const read = decoded(extrinsic);
    for (const other of [
      remark.subarray(1),
      remark.subarray(0, -1),
      Uint8Array.of(...remark, 0),
      new Uint8Array(),
    ]) {
      expect(remarkCallOf(read, other)).toBeUndefined();
    }
  });

  it('is refused, with a reason, when it is cut short or goes on, and for any other format, address or signature', () => {
    for (let length = 0; length < extrinsic.length; length++) {
      expect(decodeSignedExtrinsic(extrinsic.subarray(0, length))).toHaveProperty('why');
    }
    expect(decodeSignedExtrinsic(Uint8Array.of(...extrinsic, 0))).toHaveProperty('why');
    // Offsets after the two bytes of the length: format, kind of address, (account), kind of signature.
    for (const [at, value] of [
      [2, 0x04],
      [2, 0x45],
      [3, 1],
      [36, 9],
    ] as const) {
      expect(decodeSignedExtrinsic(extrinsic.map((byte, i) => (i === at ? value : byte)))).toHaveProperty(
        'why',
      );
    }
  });

  it('is read on chains whose addresses are bare accounts', () => {
    const [length, format, , ...rest] = extrinsic.subarray(1);
    const bare = Uint8Array.of(extrinsic[0]! - 4, length!, format!, ...rest);
    expect(decoded(bare)).toEqual(decoded(extrinsic));
  });

  it('is no remark that we know when the call has other indices than system.remarkWithEvent', () => {
    for (const callIndex of [0, 1, 6, 9]) {
      const read = decoded(remarkExtrinsic(chainAccount, remark, { ...usual, callIndex }).extrinsic);
      expect(remarkCallOf(read, remark)).toMatchObject({
        palletIndex: 0,
        callIndex,
        isRemarkWithEvent: false,
      });
    }
  });

  it('is read from blocks of a real runtime', () => {
    const file = new URL('../../vector/chain/extrinsics-root-blocks.json', import.meta.url);
    const { blocks } = JSON.parse(readFileSync(file, 'utf8')) as { blocks: { extrinsics: string[] }[] };
    const [, , one, twenty] = blocks;
    const bytesOf = (text: string | undefined) => new Uint8Array(Buffer.from(text!.slice(2), 'hex'));
    const inherent = decodeSignedExtrinsic(bytesOf(one?.extrinsics[0]));
    expect(inherent).toHaveProperty('why');
    for (const [i, text] of twenty!.extrinsics.slice(2).entries()) {
      const read = decoded(bytesOf(text));
      expect(read.signatureKind).toBe('sr25519');
      expect(remarkCallOf(read, Buffer.from(`remark ${i} of 20`))).toMatchObject({
        callIndex: 8,
        isRemarkWithEvent: true,
      });
    }
  });
});
