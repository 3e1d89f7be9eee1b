import { encode } from 'cborg';
import fc from 'fast-check';

type Pair = readonly [key: number, value: string | number | Uint8Array];

/** CBOR of a map in one of the ways that RFC 8949 allows, the deterministic one among them. */
export function anyEncoding(pairs: readonly Pair[]): fc.Arbitrary<Uint8Array> {
  const order = fc.oneof(
    { weight: 3, arbitrary: fc.constant(pairs) },
    { weight: 1, arbitrary: fc.shuffledSubarray([...pairs], { minLength: pairs.length }) },
  );
  const flags = fc.array(
    fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    {
      minLength: 2 * pairs.length + 1,
      maxLength: 2 * pairs.length + 1,
    },
  );
  return fc.tuple(order, flags, fc.constantFrom(...FREEDOMS)).map(([ordered, loose, freedom]) => {
    const items = ordered
      .flat()
      .map((value, i) => (loose[i] === true ? looser(value, freedom) : encode(value)));
    const isIndefinite = loose.at(-1) === true;
    const head = isIndefinite ? Uint8Array.of(0xbf) : Uint8Array.of(0xa0 | pairs.length);
    return new Uint8Array(
      Buffer.concat([head, ...items, isIndefinite ? Uint8Array.of(0xff) : new Uint8Array(0)]),
    );
  });
}

const FREEDOMS = ['longer', 'chunks', 'tag'] as const;

/** The same value: with a head that is longer than it need be, in chunks, or with a tag that says nothing. */
function looser(value: Pair[number], freedom: (typeof FREEDOMS)[number]): Uint8Array {
  const plain = encode(value);
  const [first = 0] = plain;
  const major = first & 0xe0;
  if (freedom === 'tag') return new Uint8Array(Buffer.concat([Buffer.of(0xd9, 0xd9, 0xf7), plain]));
  if (typeof value === 'number') {
    const argument = Buffer.alloc(9);
    argument[0] = major | 27;
    argument.writeBigUInt64BE(BigInt(value >= 0 ? value : -1 - value), 1);
    // One that takes eight bytes anyway has no longer head; a float of the same value is another freedom.
    if (Buffer.compare(argument, plain) !== 0) return new Uint8Array(argument);
    const float = Buffer.alloc(9);
    float[0] = 0xfb;
    float.writeDoubleBE(value, 1);
    return new Uint8Array(float);
  }
  const content = Buffer.from(value);
  if (freedom === 'chunks')
    return new Uint8Array(Buffer.concat([Buffer.of(major | 31), plain, Buffer.of(0xff)]));
  const head = Buffer.alloc(5);
  head[0] = major | 26;
  head.writeUInt32BE(content.length, 1);
  return new Uint8Array(Buffer.concat([head, content]));
}
