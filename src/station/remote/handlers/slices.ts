import { MAX_RESULT_BYTES } from '../handler.ts';

/** Left for what stands beside the items in a part. */
const BESIDE_BYTES = 1_024;

/** Items in as few parts as hold them, in their order; at least one part. Pure. An item that no part holds has one for itself. */
export function slices<Item extends object>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = [[]];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + size > MAX_RESULT_BYTES - BESIDE_BYTES && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(item);
    bytes += size;
  }
  return parts;
}

/** A text in pieces that fit into a part as JSON, in their order. What JSON escapes takes more room. Pure. */
export function textSlices(text: string): string[] {
  const slices: string[] = [];
  for (let at = 0; at < text.length; at += slices.at(-1)?.length ?? 0) {
    let length = MAX_RESULT_BYTES - BESIDE_BYTES;
    while (jsonBytes(text.slice(at, at + length)) > MAX_RESULT_BYTES - BESIDE_BYTES)
      length = Math.floor(length * 0.9);
    slices.push(text.slice(at, at + length));
  }
  return slices;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
