// Signing payloads and signed extrinsics (format 4), as the runtime's metadata want them. The core compares every byte.
import type { Codec } from '@polkadot/types/types';
import { type Hex, bytesToHex, hexToBytes } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import type { OperationParams, OperationResult, PreparedExtrinsic } from '../../protocol.ts';
import type { Runtime } from './runtime.ts';

/** Mortality: long enough for several blocks to be missed, short enough to learn soon that an extrinsic cannot come. */
const ERA_PERIOD = 64;
const EXTRINSIC_FORMAT = 4;
/** Variant of MultiSignature. */
const ED25519 = 0;

/** Throws `chain.call_mismatch` when the metadata do not read the call's bytes as one call. */
export function prepareExtrinsic(
  { registry, version }: Runtime,
  genesisHash: Hex,
  metadataHash: Hex | null,
  { call, nonce, birth }: OperationParams<'prepare'>,
): PreparedExtrinsic {
  const era = registry.createTypeUnsafe('ExtrinsicEra', [{ current: birth.number, period: ERA_PERIOD }]);
  const mortal = era as unknown as { asMortalEra: { birth(n: number): number; death(n: number): number } };
  const fields: PreparedExtrinsic['fields'] = {
    genesisHash,
    specVersion: version.specVersion,
    transactionVersion: version.transactionVersion,
    nonce,
    era: bytesToHex(era.toU8a()),
    birth: { number: mortal.asMortalEra.birth(birth.number), hash: birth.hash },
    deathNumber: mortal.asMortalEra.death(birth.number),
    tip: '0',
    signedExtensions: [...registry.signedExtensions],
    metadataHash,
  };
  const payload = payloadOf(registry, call, fields).toU8a({ method: true });
  return { fields, payload: bytesToHex(payload) };
}

export function assembleExtrinsic(
  { registry }: Runtime,
  { publicKey, call, fields, signature }: OperationParams<'assemble'>,
): OperationResult<'assemble'> {
  const extrinsic = registry.createTypeUnsafe('Extrinsic', [
    decodeCall(registry, call),
    { version: EXTRINSIC_FORMAT },
  ]);
  (extrinsic as unknown as { addSignature(a: Uint8Array, s: Uint8Array, p: unknown): void }).addSignature(
    hexToBytes(publicKey),
    new Uint8Array([ED25519, ...hexToBytes(signature)]),
    payloadOf(registry, call, fields).toHex(),
  );
  return { extrinsic: bytesToHex(extrinsic.toU8a()) };
}

function payloadOf(registry: Runtime['registry'], call: Hex, fields: PreparedExtrinsic['fields']) {
  const value = {
    ...fields,
    method: decodeCall(registry, call).toHex(),
    blockHash: fields.birth.hash,
    assetId: null,
    mode: fields.metadataHash === null ? 0 : 1,
    metadataHash: fields.metadataHash,
  };
  return registry.createTypeUnsafe('ExtrinsicPayload', [value, { version: EXTRINSIC_FORMAT }]) as {
    toU8a(bare: { method: boolean }): Uint8Array;
    toHex(): Hex;
  };
}

/** The bytes as one call of this chain, to the last byte. */
function decodeCall(registry: Runtime['registry'], call: Hex): Codec {
  let decoded: Codec;
  try {
    decoded = registry.createTypeUnsafe('Call', [hexToBytes(call)]);
  } catch (cause) {
    throw mismatch(cause instanceof Error ? cause.message : String(cause));
  }
  if (decoded.toHex() !== call) throw mismatch('other bytes come back');
  return decoded;
}

function mismatch(why: string): ChainError {
  return new ChainError('chain.call_mismatch', `the chain's metadata do not read the call's bytes: ${why}`, {
    remedy: 'operator',
    hint: 'The call has changed with the runtime: compare chain.pallet with what the chain offers.',
  });
}
