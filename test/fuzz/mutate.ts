import type { Random } from './random.ts';

/** Bytes at which parsers decide: ends of ranges, signs, letters of several formats. */
const TELLING_BYTES = [0, 1, 0x0a, 0x0d, 0x1a, 0x1b, 0x20, 0x2f, 0x21, 0x7f, 0x80, 0xfe, 0xff];
const MAX_BYTES = 200_000;
/** A mutation rarely changes more than this at once. */
const CHUNK = 64;

/** One to eight changes of a seed. `others` are spliced in now and then. */
export function mutate(seed: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = seed;
  const changes = 1 + random.below(random.oneIn(4) ? 8 : 3);
  for (let i = 0; i < changes; i++) bytes = change(bytes, others, random);
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
}

function change(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const length = random.below(Math.min(CHUNK, bytes.length - at) + 1);
  const end = at + length;
  switch (random.below(10)) {
    case 0:
    case 1:
      return withByte(bytes, at, (byte) => byte ^ (1 << random.below(8)));
    case 2:
      return withByte(bytes, at, () => random.below(256));
    case 3:
      return withByte(bytes, at, () => random.pick(TELLING_BYTES));
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    case 5:
      return joined(bytes.subarray(0, at), randomBytes(random), bytes.subarray(at));
    case 6:
      // Once in a while very often: what grows with the square of something shows itself.
      return joined(
        bytes.subarray(0, end),
        ...repeated(bytes.subarray(at, end), random),
        bytes.subarray(end),
      );
    case 7:
      return random.oneIn(3) ? bytes.subarray(0, at) : withByte(bytes, at, (byte) => byte + 1);
    case 8: {
      const other = random.pick(others);
      const from = random.below(other.length + 1);
      return joined(
        bytes.subarray(0, at),
        other.subarray(from, from + random.below(CHUNK * 8)),
        bytes.subarray(end),
      );
    }
    default: {
      const to = random.below(bytes.length + 1);
      return joined(bytes.subarray(0, to), bytes.subarray(at, end), bytes.subarray(to));
    }
  }
}

function withByte(bytes: Uint8Array, at: number, next: (byte: number) => number): Uint8Array {
  if (at >= bytes.length) return bytes;
  // Not slice(): that of a Buffer would change the seed itself.
  const copy = new Uint8Array(bytes);
  copy[at] = next(copy[at] ?? 0);
  return copy;
}

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(16) }, () => random.below(256));
}

function repeated(chunk: Uint8Array, random: Random): Uint8Array[] {
  const times = random.oneIn(50) ? random.below(500) : random.below(4);
  return Array.from({ length: times }, () => chunk);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, '', 'x', 0, -1, 0.5, 2 ** 32, 2 ** 53, 1e308, [], {}, '0x', '0x00', '\ud800'],
  ...['constructor', { __proto__: null }, 'x'.repeat(5_000), [[[[[[]]]]]]],
];

/** The same for a JSON document: values exchanged, keys lost, added and doubled, lists grown. */
export function mutateJson(document: Uint8Array, random: Random): Uint8Array {
  let value: unknown = JSON.parse(Buffer.from(document).toString());
  const changes = 1 + random.below(3);
  for (let i = 0; i < changes; i++) value = changeJson(value, random);
  return new Uint8Array(Buffer.from(JSON.stringify(value)));
}

function changeJson(value: unknown, random: Random): unknown {
  if (typeof value === 'string' && random.oneIn(2)) return value + random.pick(['0', ' ', 'é', value]);
  if (typeof value === 'number' && random.oneIn(2)) return value + random.pick([1, -1, 0.5, 2 ** 40]);
  if (typeof value !== 'object' || value === null || random.oneIn(12)) return random.pick(ODD_VALUES);
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const at = random.below(list.length + 1);
    if (random.oneIn(4)) list.splice(at, random.below(2), random.pick(ODD_VALUES));
    else if (at < list.length) list[at] = changeJson(list[at], random);
    return list;
  }
  const entries: [string, unknown][] = Object.entries(value);
  const at = random.below(entries.length + 1);
  const [key, child] = entries[at] ?? ['another', null];
  if (random.oneIn(6)) entries.splice(at, 1);
  else if (random.oneIn(8)) entries.push([random.pick(['another', '__proto__', `${key}x`]), child]);
  else entries[at] = [key, changeJson(child, random)];
  return Object.fromEntries(entries);
}
