/** As much of DER (ITU-T X.690) as public keys and ECDSA signatures need. */

export const TAG = { integer: 0x02, bitString: 0x03, oid: 0x06, sequence: 0x30 } as const;

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The values one after the other that fill `bytes` to its last byte; undefined if anything is wrong with it. */
export function readDer(bytes: Uint8Array): readonly DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const header = lengthAt(bytes, at + 1);
    if (header === undefined || header.end + header.length > bytes.length) return undefined;
    values.push({ tag, content: bytes.subarray(header.end, header.end + header.length) });
    at = header.end + header.length;
  }
  return values;
}

/** The members of a sequence that fills `bytes`. */
export function readSequence(bytes: Uint8Array): readonly DerValue[] | undefined {
  const [outer, ...more] = readDer(bytes) ?? [];
  return outer?.tag === TAG.sequence && more.length === 0 ? readDer(outer.content) : undefined;
}

function lengthAt(bytes: Uint8Array, at: number): { length: number; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { length: first, end: at + 1 };
  // Keys and signatures here are far shorter than 64 KiB.
  const count = first & 0x7f;
  if (count < 1 || count > 2) return undefined;
  let length = 0;
  for (let i = 1; i <= count; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    length = length * 256 + byte;
  }
  return { length, end: at + 1 + count };
}

/** `1.2.840.10045.2.1`; undefined where it is none. */
export function oidText(content: Uint8Array): string | undefined {
  if (content.length === 0 || content.length > 32 || (content.at(-1) ?? 0x80) >= 0x80) return undefined;
  const parts: bigint[] = [];
  let part = 0n;
  for (const byte of content) {
    part = (part << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      parts.push(part);
      part = 0n;
    }
  }
  const first = parts.shift() ?? 0n;
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...parts].join('.');
}

/** An unsigned big-endian number. */
export function unsigned(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
