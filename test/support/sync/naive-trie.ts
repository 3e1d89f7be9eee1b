// A model of Substrate's base-16 Merkle-Patricia trie as the specification tells it: insert key by key into a nibble
// tree, then squeeze paths and encode. Slow, and shares no code with src/chain.
import { blake2b } from '@noble/hashes/blake2.js';

interface Naive {
  value?: Uint8Array;
  readonly children: Map<number, Naive>;
}

const hash = (bytes: Uint8Array): Uint8Array => blake2b(bytes, { dkLen: 32 });

/** Compact integers below 2^30, by the table of the SCALE specification. */
export function naiveCompact(value: number): Uint8Array {
  if (value <= 63) return Uint8Array.of(value * 4);
  if (value <= 16383) return Uint8Array.of((value * 4 + 1) % 256, Math.floor((value * 4 + 1) / 256));
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value * 4 + 2);
  return new Uint8Array(buffer);
}

export function naiveOrderedRoot(values: readonly Uint8Array[], layout: 'V0' | 'V1'): Uint8Array {
  return naiveRoot(
    values.map((value, index) => [naiveCompact(index), value]),
    layout,
  );
}

export function naiveRoot(
  entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
  layout: 'V0' | 'V1',
): Uint8Array {
  return hash(naiveRootNode(entries, layout));
}

export function naiveRootNode(
  entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
  layout: 'V0' | 'V1',
): Uint8Array {
  if (entries.length === 0) return Uint8Array.of(0);
  const root: Naive = { children: new Map() };
  for (const [key, value] of entries) {
    let node = root;
    for (const digit of Buffer.from(key).toString('hex')) {
      const nibble = parseInt(digit, 16);
      let child = node.children.get(nibble);
      if (child === undefined) node.children.set(nibble, (child = { children: new Map() }));
      node = child;
    }
    node.value = value;
  }
  return encode(root, layout);
}

function encode(top: Naive, layout: 'V0' | 'V1'): Uint8Array {
  let node = top;
  let path = '';
  while (node.value === undefined && node.children.size === 1) {
    const [[nibble, child]] = [...node.children] as [[number, Naive]];
    path += nibble.toString(16);
    node = child;
  }
  const { value } = node;
  const hashed = layout === 'V1' && value !== undefined && value.length >= 33;
  const branch = node.children.size > 0;
  const kind = hashed ? (branch ? '0001' : '001') : branch ? (value === undefined ? '10' : '11') : '01';
  const room = 2 ** (8 - kind.length) - 1;
  const head = [parseInt(kind, 2) * (room + 1) + Math.min(path.length, room)];
  if (path.length >= room) {
    let rest = path.length - room;
    for (; rest >= 255; rest -= 255) head.push(255);
    head.push(rest);
  }
  const parts = [Buffer.from(head), Buffer.from(path.length % 2 === 1 ? `0${path}` : path, 'hex')];
  if (branch) {
    const bits = Buffer.alloc(2);
    bits.writeUInt16LE([...node.children.keys()].reduce((sum, nibble) => sum + 2 ** nibble, 0));
    parts.push(bits);
  }
  if (value !== undefined)
    parts.push(Buffer.from(hashed ? hash(value) : [...naiveCompact(value.length), ...value]));
  for (let nibble = 0; nibble < 16; nibble++) {
    const child = node.children.get(nibble);
    if (child === undefined) continue;
    const encoded = encode(child, layout);
    const reference = encoded.length < 32 ? encoded : hash(encoded);
    parts.push(Buffer.from([...naiveCompact(reference.length), ...reference]));
  }
  return new Uint8Array(Buffer.concat(parts));
}
