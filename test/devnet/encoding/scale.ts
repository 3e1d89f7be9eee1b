// SCALE, the encoding of Substrate, as far as block headers, proofs and GRANDPA messages need it.
import { DevnetError } from '../errors.ts';
import { type Bytes, concat } from './bytes.ts';

/** Fixed-width little-endian unsigned integer. */
export function encodeUint(value: number | bigint, size: number): Bytes {
  let rest = BigInt(value);
  if (rest < 0n || rest >> BigInt(size * 8) !== 0n) {
    throw new DevnetError('devnet.bad_input', `${value} does not fit ${size} bytes`);
  }
  return Uint8Array.from({ length: size }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

export function decodeUint(bytes: Bytes): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Compact unsigned integer: the lowest two bits of the first byte say how long it is. Up to 2^536 - 1. */
export function encodeCompact(value: number | bigint): Bytes {
  const big = BigInt(value);
  if (big < 1n << 6n) return encodeUint(big << 2n, 1);
  if (big < 1n << 14n) return encodeUint((big << 2n) | 1n, 2);
  if (big < 1n << 30n) return encodeUint((big << 2n) | 2n, 4);
  const size = Math.ceil(big.toString(16).length / 2);
  return concat(encodeUint(((size - 4) << 2) | 3, 1), encodeUint(big, size));
}

/** `Vec<T>`: the number of items, then the encoded items. */
export function encodeVec(items: readonly Bytes[]): Bytes {
  return concat(encodeCompact(items.length), ...items);
}

/** `Vec<u8>`: the number of bytes, then the bytes. */
export function encodeBytes(bytes: Bytes): Bytes {
  return concat(encodeCompact(bytes.length), bytes);
}

/** A cursor over SCALE-encoded bytes. Each method throws DevnetError `devnet.bad_input` when the input ends too early. */
export class ScaleReader {
  readonly #bytes: Bytes;
  #position = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  take(length: number): Bytes {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new DevnetError('devnet.bad_input', 'SCALE input is too short');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  rest(): Bytes {
    return this.take(this.#bytes.length - this.#position);
  }

  compact(): bigint {
    const first = this.take(1)[0] ?? 0;
    const mode = first & 3;
    if (mode === 3) return decodeUint(this.take((first >> 2) + 4));
    this.#position -= 1;
    return decodeUint(this.take(1 << mode)) >> 2n;
  }

  /** A compact integer that counts something in memory. */
  length(): number {
    const length = this.compact();
    if (length > 0xffff_ffffn) throw new DevnetError('devnet.bad_input', `SCALE length ${length} is too big`);
    return Number(length);
  }

  bytes(): Bytes {
    return this.take(this.length());
  }

  /** `Vec` of opaque extrinsics. Each keeps the length prefix that is part of what gets hashed. */
  extrinsics(): Bytes[] {
    return Array.from({ length: this.length() }, () => {
      const start = this.#position;
      this.bytes();
      return this.#bytes.slice(start, this.#position);
    });
  }
}
