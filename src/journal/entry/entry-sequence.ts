import { MAX_ENTRY_BYTES } from './cose-sign1.ts';

/**
 * How long the entry is that begins at `start` of a CBOR sequence (RFC 8742): tag 18 and a list of four (RFC 9052 §4.2), as entries
 * have it: byte string, empty map, byte string, byte string. Only from the front can be told where the next one begins.
 * `cut off`: so far it could be one; `none`: it is none, wherever it was cut off.
 */
export function entryLength(bytes: Uint8Array, start: number): number | 'cut off' | 'none' {
  let at = start;
  for (const part of [0xd2, 0x84, 'bytes', 0xa0, 'bytes', 'bytes']) {
    const head = bytes[at];
    if (head === undefined) return 'cut off';
    if (typeof part === 'number') {
      if (head !== part) return 'none';
      at++;
      continue;
    }
    const length = byteStringLength(bytes, at, head);
    if (length === undefined || at + length - start > MAX_ENTRY_BYTES) return 'none';
    at += length;
  }
  return at > bytes.length ? 'cut off' : at - start;
}

/** Of head and content, RFC 8949 §3.1 major type 2. When the head itself is cut off, whatever is longer than that. */
function byteStringLength(bytes: Uint8Array, at: number, head: number): number | undefined {
  if (head >= 0x40 && head <= 0x57) return 1 + (head - 0x40);
  const width = { 0x58: 1, 0x59: 2, 0x5a: 4 }[head];
  if (width === undefined) return undefined;
  if (at + width >= bytes.length) return 1 + width;
  return 1 + width + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(at + 1, width);
}
