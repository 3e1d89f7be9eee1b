// SCALE, the encoding of Substrate (Polkadot specification, appendix A.2): compact integers and length-prefixed bytes.

/** What was read ended too early or is not in its shortest form. Never leaves the pure code of this room. */
export class ScaleInputError extends Error {
  override name = 'ScaleInputError';
}

const FOUR_BYTE_LIMIT = 2 ** 30;

/**
 * A compact integer in its one shortest form.
 * @throws RangeError unless `value` is an integer from 0 to 2^53 - 1.
 */
export function encodeCompact(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no compact integer: ${value}`);
  if (value < 2 ** 6) return Uint8Array.of(value << 2);
  if (value < 2 ** 14) return littleEndian(BigInt(value) * 4n + 1n, 2);
  if (value < FOUR_BYTE_LIMIT) return littleEndian(BigInt(value) * 4n + 2n, 4);
  const length = Math.max(4, Math.ceil(value.toString(16).length / 2));
  return concatBytes([Uint8Array.of(((length - 4) << 2) | 3), littleEndian(BigInt(value), length)]);
}

/** `Vec<u8>`: its length as a compact integer, then the bytes. */
export function encodeBytes(bytes: Uint8Array): Uint8Array {
  return concatBytes([encodeCompact(bytes.length), bytes]);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Little-endian unsigned integer on `size` bytes. */
export function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Reads SCALE from the front of `bytes`. Each method throws `ScaleInputError` where the input does not fit. */
export class ScaleReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** The next `count` bytes, as a view on the input. */
  take(count: number): Uint8Array {
    if (count > this.remaining) throw new ScaleInputError(`${count} bytes wanted, ${this.remaining} left`);
    const from = this.#position;
    this.#position += count;
    return this.#bytes.subarray(from, this.#position);
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  /** A compact integer of any size the encoding knows; refuses a form that is not the shortest. */
  compactBig(): bigint {
    const start = this.#position;
    const mode = this.byte() & 3;
    this.#position = start;
    if (mode === 3) {
      const length = (this.byte() >> 2) + 4;
      const value = fromLittleEndian(this.take(length));
      const shortest =
        value >= BigInt(FOUR_BYTE_LIMIT) && (length === 4 || value >> BigInt(8 * (length - 1)) > 0n);
      if (!shortest) throw new ScaleInputError('compact integer is not in its shortest form');
      return value;
    }
    const length = 1 << mode;
    const value = fromLittleEndian(this.take(length)) >> 2n;
    if (mode > 0 && value < [0n, 64n, 16384n][mode]!) {
      throw new ScaleInputError('compact integer is not in its shortest form');
    }
    return value;
  }

  /** A compact integer that is safe as a number. */
  compact(): number {
    const value = this.compactBig();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ScaleInputError('compact integer above 2^53');
    return Number(value);
  }

  bytes(): Uint8Array {
    return this.take(this.compact());
  }

  end(): void {
    if (this.remaining > 0) throw new ScaleInputError(`${this.remaining} bytes after the end`);
  }
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
