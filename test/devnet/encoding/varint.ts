// Unsigned LEB128: libp2p prefixes its frames with it, protobuf and WebAssembly are built on it.
import { type Bytes } from './bytes.ts';

export function encodeVarint(value: number): Bytes {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...out, rest]);
}

/** The value that starts at `position` and where it ends, or undefined when more input is needed. */
export function decodeVarint(bytes: Bytes, position = 0): { value: number; end: number } | undefined {
  let value = 0;
  let weight = 1;
  for (let at = position; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * weight;
    if (byte < 128) return { value, end: at + 1 };
    weight *= 128;
  }
  return undefined;
}
