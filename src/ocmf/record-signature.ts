import { decodeBase64, decodeHex } from './byte-text.ts';
import { fieldBytes, type CurveName } from './curves.ts';
import { readSequence, TAG, unsigned } from './der.ts';
import type { EcdsaSignature } from './ecdsa.ts';
import type { RecordSignature } from './record.ts';

/**
 * The signatures that field SD may mean. One, nearly always; where SE says base64 and the text is hex as well, both. Each is DER
 * ("application/x-der", the only type of table 8) or, as Isabellenhütte's meters have it, both numbers side by side.
 */
export function signaturesOf(
  { data, encoding }: RecordSignature,
  curve: CurveName,
): readonly { readonly signature: EcdsaSignature; readonly departs: string | undefined }[] {
  const isBase64 = encoding?.toLowerCase() === 'base64';
  const [asSaid, otherwise] = isBase64 ? [decodeBase64, decodeHex] : [decodeHex, decodeBase64];
  return [
    ...decode(asSaid(data), curve, undefined),
    ...decode(otherwise(data), curve, isBase64 ? 'SD is hex, not base64' : 'SD is base64, not hex'),
  ];
}

function decode(
  bytes: Uint8Array | undefined,
  curve: CurveName,
  encodingDeparts: string | undefined,
): { signature: EcdsaSignature; departs: string | undefined }[] {
  if (bytes === undefined) return [];
  const der = fromDer(bytes, curve);
  if (der !== undefined) return [{ signature: der, departs: encodingDeparts }];
  const size = fieldBytes(curve);
  if (bytes.length !== 2 * size) return [];
  const signature = { r: unsigned(bytes.subarray(0, size)), s: unsigned(bytes.subarray(size)) };
  return [{ signature, departs: encodingDeparts ?? 'SD is not DER but both numbers side by side' }];
}

/** RFC 3279 §2.2.3: SEQUENCE { INTEGER r, INTEGER s }. */
function fromDer(bytes: Uint8Array, curve: CurveName): EcdsaSignature | undefined {
  const [r, s, ...more] = readSequence(bytes) ?? [];
  if (r?.tag !== TAG.integer || s?.tag !== TAG.integer || more.length > 0) return undefined;
  // One byte more than a coordinate: the zero that keeps a number positive. Meters forget it, so a set top bit means nothing.
  const longest = fieldBytes(curve) + 1;
  if ([r, s].some(({ content }) => content.length === 0 || content.length > longest)) return undefined;
  return { r: unsigned(r.content), s: unsigned(s.content) };
}
