// What the core signs, and nothing else. The gateway is not trusted with that: the core builds the bytes that it expects,
// extrinsic format 4 with the standard signed extensions, and compares every byte. Pure.
import {
  blake2b256,
  type BlockRef,
  bytesToHex,
  concatBytes,
  encodeBytes,
  encodeCompact,
  equalBytes,
  type Hex,
  hexToBytes,
  type PreparedExtrinsic,
  type SigningFields,
} from '../../chain/index.ts';
import { SyncError } from '../errors.ts';

export interface SigningPlan {
  readonly publicKey: Uint8Array;
  /** Index and arguments, as the core has encoded them. */
  readonly call: Uint8Array;
  readonly genesisHash: Hex;
  /** Of the runtime that the call was encoded for. */
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly nonce: number;
  readonly birth: BlockRef;
}

/** Longer payloads are signed by their hash (Substrate, SignedPayload::using_encoded). */
const HASH_ABOVE_BYTES = 256;
const ERA_PERIOD = 64;
const SIGNED_FORMAT_4 = 0x84;
const ED25519_SIGNATURE = 0x00;
const ADDRESS_ID = 0x00;

interface ExtensionBytes {
  /** In the extrinsic and in what is signed. */
  readonly extra: Uint8Array;
  /** Only in what is signed. */
  readonly implied: Uint8Array;
}

const NONE = new Uint8Array(0);
const DISABLED = Uint8Array.of(0);
const ENABLED = Uint8Array.of(1);
const extra = (bytes: Uint8Array): ExtensionBytes => ({ extra: bytes, implied: NONE });
const implied = (bytes: Uint8Array): ExtensionBytes => ({ extra: NONE, implied: bytes });
const mortality = (fields: SigningFields): ExtensionBytes => ({
  extra: hexToBytes(fields.era),
  implied: hexToBytes(fields.birth.hash),
});
const tip = (): Uint8Array => encodeCompact(0);

/** Signed extensions that carry bytes. One that is not here is taken to carry none, as most do; if it does, bytes differ. */
const EXTENSIONS: Readonly<Record<string, (fields: SigningFields) => ExtensionBytes>> = {
  CheckSpecVersion: ({ specVersion }) => implied(u32(specVersion)),
  CheckTxVersion: ({ transactionVersion }) => implied(u32(transactionVersion)),
  CheckGenesis: ({ genesisHash }) => implied(hexToBytes(genesisHash)),
  CheckMortality: mortality,
  CheckEra: mortality,
  CheckNonce: ({ nonce }) => extra(encodeCompact(nonce)),
  ChargeTransactionPayment: () => extra(tip()),
  SkipCheckIfFeeless: () => extra(tip()),
  ChargeAssetTxPayment: () => extra(concatBytes([tip(), DISABLED])),
  // With mode 1 the runtime refuses a transaction that was made with other metadata than its own (RFC-78). The digest is the
  // gateway's word: it guards against metadata that a node has forged or that are out of date, because then the chain does
  // not take the signature; it does not guard against a gateway that has the right digest and reads the metadata wrongly.
  // What is signed does not depend on it: every byte of the call is ours.
  CheckMetadataHash: ({ metadataHash }) =>
    metadataHash === null
      ? { extra: DISABLED, implied: DISABLED }
      : { extra: ENABLED, implied: concatBytes([ENABLED, hexToBytes(metadataHash)]) },
};

/**
 * The bytes to sign for a payload that the gateway prepared. Throws `sync.payload_refused` unless the payload is, byte for
 * byte, the planned call with the planned nonce, era and genesis hash.
 */
export function bytesToSign(plan: SigningPlan, prepared: PreparedExtrinsic): Uint8Array {
  const { fields } = prepared;
  const payload = hexToBytes(prepared.payload);
  const why = whyNotPlanned(plan, fields) ?? whyOtherBytes(plan, fields, payload);
  if (why !== undefined) {
    throw new SyncError('sync.payload_refused', `not signed: ${why}`, {
      remedy: 'operator',
      details: { fields, payload: prepared.payload, unknownExtensions: unknownExtensions(fields) },
      hint: 'Either the chain needs something this version does not know, or the gateway is not to be trusted.',
    });
  }
  return payload.length > HASH_ABOVE_BYTES ? blake2b256(payload) : payload;
}

/** Throws `sync.extrinsic_refused` unless the assembled extrinsic is the one that was signed, whole, and nothing more. */
export function checkExtrinsic(
  plan: SigningPlan,
  prepared: PreparedExtrinsic,
  signature: Uint8Array,
  extrinsic: Uint8Array,
): void {
  const extras = extensionBytes(prepared.fields).map((extension) => extension.extra);
  // AccountId32 either bare or as MultiAddress::Id, as the chain's address type is.
  const addresses = [concatBytes([Uint8Array.of(ADDRESS_ID), plan.publicKey]), plan.publicKey];
  const candidates = addresses.map((address) =>
    encodeBytes(
      concatBytes([
        Uint8Array.of(SIGNED_FORMAT_4),
        address,
        Uint8Array.of(ED25519_SIGNATURE),
        signature,
        ...extras,
        plan.call,
      ]),
    ),
  );
  if (candidates.some((candidate) => equalBytes(candidate, extrinsic))) return;
  throw new SyncError('sync.extrinsic_refused', 'not sent: the assembled extrinsic is not what was signed', {
    remedy: 'operator',
    details: { extrinsic: bytesToHex(extrinsic) },
  });
}

function whyNotPlanned(plan: SigningPlan, fields: SigningFields): string | undefined {
  if (fields.genesisHash !== plan.genesisHash) return `genesis hash ${fields.genesisHash}`;
  if (fields.specVersion !== plan.specVersion || fields.transactionVersion !== plan.transactionVersion) {
    return `made for runtime ${fields.specVersion}, transactions ${fields.transactionVersion}`;
  }
  if (fields.nonce !== plan.nonce) return `nonce ${fields.nonce} instead of ${plan.nonce}`;
  if (fields.birth.number !== plan.birth.number || fields.birth.hash !== plan.birth.hash) {
    return `born at block ${fields.birth.number} instead of ${plan.birth.number}`;
  }
  if (fields.deathNumber !== plan.birth.number + ERA_PERIOD) return `its era ends at ${fields.deathNumber}`;
  if (fields.era !== bytesToHex(mortalEra(plan.birth.number))) return `its era reads ${fields.era}`;
  // The bytes of a second one would stand where the chain reads another field, such as a tip.
  if (new Set(fields.signedExtensions).size < fields.signedExtensions.length) {
    return 'a signed extension is named twice';
  }
  if (!fields.signedExtensions.some((name) => name === 'CheckGenesis'))
    return 'the genesis hash is not signed';
  if (!fields.signedExtensions.some((name) => name === 'CheckMortality' || name === 'CheckEra')) {
    return 'the era is not signed';
  }
  return fields.signedExtensions.includes('CheckNonce') ? undefined : 'the nonce is not signed';
}

function whyOtherBytes(plan: SigningPlan, fields: SigningFields, payload: Uint8Array): string | undefined {
  if (!equalBytes(plan.call, payload.subarray(0, plan.call.length))) return 'the call is not the planned one';
  const extensions = extensionBytes(fields);
  const expected = concatBytes([
    plan.call,
    ...extensions.map((extension) => extension.extra),
    ...extensions.map((extension) => extension.implied),
  ]);
  if (equalBytes(expected, payload)) return undefined;
  const unknown = unknownExtensions(fields);
  return `what follows the call is not what its fields say${unknown.length === 0 ? '' : ` (unknown signed extensions: ${unknown.join(', ')})`}`;
}

function extensionBytes(fields: SigningFields): readonly ExtensionBytes[] {
  return fields.signedExtensions.map((name) => EXTENSIONS[name]?.(fields) ?? { extra: NONE, implied: NONE });
}

function unknownExtensions(fields: SigningFields): readonly string[] {
  return fields.signedExtensions.filter((name) => EXTENSIONS[name] === undefined && !BYTELESS.has(name));
}

const BYTELESS = new Set([
  'CheckNonZeroSender',
  'CheckWeight',
  'WeightReclaim',
  'StorageWeightReclaim',
  'PrevalidateAttests',
]);

/** Mortal era of 64 blocks as encoded (sp_runtime::generic::Era): quantize factor 1, so it begins at `birth` itself. */
function mortalEra(birth: number): Uint8Array {
  const encoded = (Math.log2(ERA_PERIOD) - 1) | ((birth % ERA_PERIOD) << 4);
  return Uint8Array.of(encoded & 0xff, encoded >> 8);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
