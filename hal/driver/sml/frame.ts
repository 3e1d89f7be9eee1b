import { SmlError } from './errors.ts';

// Transport protocol version 1 (SML 1.04 §8): escape, 01010101, the file with its escapes doubled, fill bytes to a
// multiple of 4, escape, 1a, number of fill bytes, CRC-16 over everything before it.

export const ESCAPE_BYTE = 0x1b;
export const START = Uint8Array.of(0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x01, 0x01, 0x01);
export const END_BYTE = 0x1a;
/** Escape, 1a, number of fill bytes, CRC. */
const END_LENGTH = 8;

/** A whole frame as it was on the wire, taken apart; nothing of it has been checked yet but its outer shape. */
export interface Frame {
  /** What the CRC is over: everything but the CRC. */
  readonly checked: Uint8Array;
  /** The two bytes of the CRC as they were sent. */
  readonly checksum: readonly [number, number];
  readonly fillCount: number;
  /** The file, escapes undone, with its fill bytes. */
  readonly content: Uint8Array;
}

/** @param raw from the first byte of the start sequence to the last byte of the CRC, as the receiver cuts it. */
export function takeApart(raw: Uint8Array): Frame {
  const content = raw.subarray(START.length, raw.length - END_LENGTH);
  return {
    checked: raw.subarray(0, raw.length - 2),
    checksum: [raw[raw.length - 2] ?? 0, raw[raw.length - 1] ?? 0],
    fillCount: raw[raw.length - 3] ?? 0,
    content: withoutEscapes(content),
  };
}

/** @throws SmlError `sml.escape` for an escape that is not of data: the receiver lets none through. */
function withoutEscapes(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let run = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    out[length++] = byte;
    run = byte === ESCAPE_BYTE ? run + 1 : 0;
    if (run < 4) continue;
    for (let next = index + 1; next <= index + 4; next++) {
      if (bytes[next] !== ESCAPE_BYTE) throw new SmlError('sml.escape', 'an escape that escapes nothing');
    }
    index += 4;
    run = 0;
  }
  return out.subarray(0, length);
}

/** Where the last start sequence begins at or after `from`, or -1. */
export function lastStart(raw: Uint8Array, from: number): number {
  for (let index = raw.length - START.length; index >= from; index--) {
    if (START.every((byte, offset) => raw[index + offset] === byte)) return index;
  }
  return -1;
}
