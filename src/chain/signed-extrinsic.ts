// Signed extrinsics of format 4 (Polkadot specification, chapter "Extrinsics"): who signed what. Read without the
// chain's metadata, so that evidence can be checked with nothing but the evidence.
import { concatBytes, encodeBytes, equalBytes, ScaleInputError, ScaleReader } from './scale.ts';
import { blake2b256 } from './substrate-trie.ts';

const SIGNED_FORMAT_4 = 0x84;
/** `MultiAddress::Id`: a 32-byte account. */
const ADDRESS_IS_ACCOUNT = 0;
/** `MultiSignature` by its first byte, with the length of the signature. */
const SIGNATURES = [
  { kind: 'ed25519', length: 64 },
  { kind: 'sr25519', length: 64 },
  { kind: 'ecdsa', length: 65 },
] as const;
/** Longer payloads are hashed before they are signed (sp_runtime, `SignedPayload::using_encoded`). */
const MAX_UNHASHED_PAYLOAD = 256;

export interface SignedExtrinsic {
  /** 32 bytes: the ed25519 or sr25519 public key. */
  readonly signer: Uint8Array;
  readonly signatureKind: (typeof SIGNATURES)[number]['kind'];
  readonly signature: Uint8Array;
  /** The signed extensions (era, nonce, tip, ...), then the call: where one ends only the chain's metadata say. */
  readonly extensionsAndCall: Uint8Array;
}

/**
 * Reads an extrinsic with its length prefix. Total: anything but a signed extrinsic of format 4 from a 32-byte account
 * gives the reason why not.
 */
export function decodeSignedExtrinsic(bytes: Uint8Array): SignedExtrinsic | { readonly why: string } {
  try {
    const outer = new ScaleReader(bytes);
    const reader = new ScaleReader(outer.bytes());
    outer.end();
    const format = reader.byte();
    if (format !== SIGNED_FORMAT_4)
      return { why: `it begins with 0x${format.toString(16)}: not signed, format 4` };
    const signer = readSigner(reader);
    const signatureType = SIGNATURES[reader.byte()];
    if (signatureType === undefined) return { why: 'its signature is of an unknown kind' };
    const signature = reader.take(signatureType.length);
    return {
      signer,
      signatureKind: signatureType.kind,
      signature,
      extensionsAndCall: reader.take(reader.remaining),
    };
  } catch (error) {
    if (error instanceof ScaleInputError) return { why: error.message };
    throw error;
  }
}

/**
 * `MultiAddress::Id`, or the bare account of chains without MultiAddress. Other kinds of address, and a bare account that
 * begins with a zero byte, are read as an account that is nobody's.
 */
function readSigner(reader: ScaleReader): Uint8Array {
  const first = reader.take(1);
  return first[0] === ADDRESS_IS_ACCOUNT ? reader.take(32) : concatBytes([first, reader.take(31)]);
}

/** A call whose only argument is one `Vec<u8>`, at the end of an extrinsic. */
export interface RemarkCall {
  readonly bytes: Uint8Array;
  readonly palletIndex: number;
  readonly callIndex: number;
  /** Whether the indices are those that `system.remarkWithEvent` has on nearly every chain. */
  readonly isRemarkWithEvent: boolean;
}

/** FRAME puts System first; the call is the eighth of current runtimes and was the ninth before `fill_block` left it. */
const SYSTEM_PALLET = 0;
const REMARK_WITH_EVENT = [7, 8];
const CALL_INDEX_BYTES = 2;

/**
 * The call at the end of the extrinsic, when its argument is exactly `remark`. What stands in front, the extensions, is
 * not read: whatever they hold, the argument stands in what the account signed, and at its end.
 */
export function remarkCallOf(extrinsic: SignedExtrinsic, remark: Uint8Array): RemarkCall | undefined {
  const { extensionsAndCall } = extrinsic;
  const argument = encodeBytes(remark);
  const start = extensionsAndCall.length - argument.length - CALL_INDEX_BYTES;
  const [palletIndex, callIndex] = extensionsAndCall.subarray(Math.max(0, start));
  if (start < 0 || palletIndex === undefined || callIndex === undefined) return undefined;
  const bytes = extensionsAndCall.subarray(start);
  if (!equalBytes(bytes.subarray(CALL_INDEX_BYTES), argument)) return undefined;
  const isRemarkWithEvent = palletIndex === SYSTEM_PALLET && REMARK_WITH_EVENT.includes(callIndex);
  return { bytes, palletIndex, callIndex, isRemarkWithEvent };
}

/** Whether the extrinsic ends with these bytes of a call. What stands in front is not read, as with `remarkCallOf`. */
export function endsWithCall({ extensionsAndCall }: SignedExtrinsic, call: Uint8Array): boolean {
  const start = extensionsAndCall.length - call.length;
  return start >= 0 && equalBytes(extensionsAndCall.subarray(start), call);
}

/**
 * The bytes that the signature is over: the call, the extensions, and what is signed without being in the extrinsic.
 * `call` is the end of the extrinsic, as `remarkCallOf` gives it or `endsWithCall` has found it.
 */
export function signedMessageOf(
  extrinsic: SignedExtrinsic,
  call: Pick<RemarkCall, 'bytes'>,
  additionalSigned: Uint8Array,
): Uint8Array {
  const { extensionsAndCall: bytes } = extrinsic;
  const extensions = bytes.subarray(0, bytes.length - call.bytes.length);
  const payload = concatBytes([call.bytes, extensions, additionalSigned]);
  return payload.length > MAX_UNHASHED_PAYLOAD ? blake2b256(payload) : payload;
}

/**
 * The part of a signing payload that is not in the extrinsic itself, for `AnchorEvidence.additionalSigned`: the payload
 * is call and extensions in that order, where the extrinsic has extensions and call, and then this. Undefined when the
 * two do not belong together.
 */
export function additionalSignedOf(payload: Uint8Array, extrinsic: Uint8Array): Uint8Array | undefined {
  const decoded = decodeSignedExtrinsic(extrinsic);
  if ('why' in decoded) return undefined;
  const { extensionsAndCall } = decoded;
  const callAndExtensions = payload.subarray(0, extensionsAndCall.length);
  const twice = Buffer.concat([extensionsAndCall, extensionsAndCall]);
  const isRotated = twice.includes(Buffer.from(callAndExtensions));
  const fits = callAndExtensions.length === extensionsAndCall.length && isRotated;
  return fits ? payload.slice(extensionsAndCall.length) : undefined;
}

/** The genesis hash inside `additionalSigned`, after the versions of runtime and transactions (CheckGenesis of FRAME). */
export function genesisHashIn(additionalSigned: Uint8Array): Uint8Array {
  return additionalSigned.subarray(8, 40);
}
