import { SmlError } from './errors.ts';

/**
 * One element of the binary coding (SML 1.04 §6.2.3): a type-length field of one or more bytes, then the value.
 * `integer` and `unsigned` keep how many bytes they came in: SML drops leading bytes, so 3, 5, 6 and 7 are usual.
 */
export type Tlv =
  | { readonly kind: 'absent' }
  | { readonly kind: 'octets'; readonly bytes: Uint8Array }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer' | 'unsigned'; readonly value: bigint; readonly byteCount: number }
  | { readonly kind: 'list'; readonly items: readonly Tlv[] };

/** An element and where the next one begins. */
export interface DecodedTlv {
  readonly tlv: Tlv;
  readonly end: number;
}

/** The standard's own structures nest 8 deep (a local timestamp as the value of a list entry); twice that is room enough. */
const MAX_DEPTH = 16;
/** 4 bytes hold 16 bits of length: more than the longest telegram. */
const MAX_TYPE_LENGTH_BYTES = 4;
const MORE = 0x80;

interface TypeLength {
  readonly type: number;
  /** Elements of a list; of anything else the bytes of its value. */
  readonly length: number;
  readonly end: number;
}

/** @throws SmlError `sml.malformed` for anything that is no element, or one that does not end within `bytes`. */
export function decodeTlv(bytes: Uint8Array, offset = 0): DecodedTlv {
  return decodeElement(bytes, offset, 0);
}

function decodeElement(bytes: Uint8Array, offset: number, depth: number): DecodedTlv {
  if (depth > MAX_DEPTH) throw malformed(offset, `lists nested more than ${MAX_DEPTH} deep`);
  const { type, length, end: begin } = decodeTypeLength(bytes, offset);
  if (type === 0x7) return decodeList(bytes, begin, length, depth);
  const end = begin + length;
  if (end > bytes.length) throw malformed(offset, 'a value goes beyond the end');
  const value = bytes.subarray(begin, end);
  switch (type) {
    case 0x0:
      return { tlv: length === 0 ? { kind: 'absent' } : { kind: 'octets', bytes: value }, end };
    case 0x4:
      if (length !== 1) throw malformed(offset, `a boolean of ${length} bytes`);
      return { tlv: { kind: 'boolean', value: value[0] !== 0 }, end };
    case 0x5:
    case 0x6:
      if (length < 1 || length > 8) throw malformed(offset, `a number of ${length} bytes`);
      return { tlv: decodeNumber(value, type === 0x5), end };
    default:
      throw malformed(offset, `type ${type} is reserved`);
  }
}

function decodeList(bytes: Uint8Array, begin: number, length: number, depth: number): DecodedTlv {
  const items: Tlv[] = [];
  let end = begin;
  for (let index = 0; index < length; index++) {
    const item = decodeElement(bytes, end, depth + 1);
    items.push(item.tlv);
    end = item.end;
  }
  return { tlv: { kind: 'list', items }, end };
}

function decodeTypeLength(bytes: Uint8Array, offset: number): TypeLength {
  let end = offset;
  let byte = byteAt(bytes, end++);
  if (byte === 0) throw malformed(offset, 'an end of message inside of a message');
  const type = (byte >> 4) & 0x7;
  let length = byte & 0xf;
  while ((byte & MORE) !== 0) {
    if (end - offset >= MAX_TYPE_LENGTH_BYTES) throw malformed(offset, 'a length of too many bytes');
    byte = byteAt(bytes, end++);
    if ((byte & 0x70) !== 0) throw malformed(offset, 'a length continued by something else');
    length = length * 16 + (byte & 0xf);
  }
  if (type === 0x7) return { type, length, end };
  // The length of everything but a list counts its own type-length field.
  const valueLength = length - (end - offset);
  if (valueLength < 0) throw malformed(offset, 'a length shorter than its own field');
  return { type, length: valueLength, end };
}

function decodeNumber(bytes: Uint8Array, signed: boolean): Tlv {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return signed
    ? { kind: 'integer', value: BigInt.asIntN(8 * bytes.length, value), byteCount: bytes.length }
    : { kind: 'unsigned', value, byteCount: bytes.length };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw malformed(offset, 'it ends in the middle of an element');
  return byte;
}

function malformed(offset: number, what: string): SmlError {
  return new SmlError('sml.malformed', `no valid SML at byte ${offset} of its content: ${what}`, {
    details: { offset },
  });
}
