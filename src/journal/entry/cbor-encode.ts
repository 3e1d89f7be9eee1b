import { Tagged } from 'cborg';

/** Head of a data item: major type (RFC 8949 §3.1) in the upper three bits. */
const MAJOR = { uint: 0x00, nint: 0x20, bytes: 0x40, text: 0x60, list: 0x80, map: 0xa0, tag: 0xc0 } as const;
const MAX_HEAD_BYTES = 9;
/** A character of UTF-16 is at most three bytes of UTF-8. */
const MAX_BYTES_PER_CHARACTER = 3;
/** Up to here a loop is faster than the engine's own conversion, and a head takes at most two bytes. */
const SHORT_TEXT = 64;
/** A buffer that one large item made larger than this is not kept for the next. */
const MAX_KEPT_BYTES = 131_072;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * Deterministic CBOR (RFC 8949 §4.2.1) of integers, text, bytes, lists, tags and maps with integer keys, which is all
 * that an entry holds. Tests hold it against cborg's encoder; decoding is left to cborg, so that what is written is read
 * back by other code than wrote it.
 * @throws TypeError for anything else
 */
export function encodeCbor(value: unknown): Uint8Array {
  const writer = new CborWriter();
  writer.value(value);
  return Uint8Array.from(writer.written());
}

/**
 * Writes items one after the other into one buffer. Whoever writes a list or a map writes its items next, those of a map
 * as key and value in ascending order of keys: that is not checked here.
 */
export class CborWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  /** What has been written; valid until the next call of anything here. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(1024);
  }

  /** Anything, by its type; maps in any order. @throws TypeError for what has no place in an entry */
  value(value: unknown): void {
    if (typeof value === 'number') this.integer(value);
    else if (typeof value === 'bigint') this.bigInteger(value);
    else if (typeof value === 'string') this.text(value);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (Array.isArray(value)) this.#values(value);
    else if (value instanceof Map) this.#pairs(value as Map<unknown, unknown>);
    else if (value instanceof Tagged) {
      this.tag(value.tag);
      this.value(value.value);
    } else throw new TypeError(`cannot encode a ${typeof value}`);
  }

  /** @throws TypeError unless it is an integer within ±2^53 */
  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new TypeError(`cannot encode ${value}: no integer`);
    if (value >= 0) this.#head(MAJOR.uint, value);
    else this.#head(MAJOR.nint, -1 - value);
  }

  /** @throws TypeError beyond the 64 bits of CBOR's own integers */
  bigInteger(value: bigint): void {
    const magnitude = value >= 0n ? value : -1n - value;
    const major = value >= 0n ? MAJOR.uint : MAJOR.nint;
    if (magnitude <= MAX_SAFE) return this.#head(major, Number(magnitude));
    if (magnitude > MAX_UINT64) throw new TypeError('cannot encode an integer of more than 64 bits');
    this.#reserve(MAX_HEAD_BYTES);
    this.#buffer[this.#length] = major | 27;
    this.#length = this.#buffer.writeBigUInt64BE(magnitude, this.#length + 1);
  }

  text(value: string): void {
    this.#reserve(MAX_HEAD_BYTES + value.length * MAX_BYTES_PER_CHARACTER);
    if (value.length <= SHORT_TEXT && this.#shortAscii(value)) return;
    this.#head(MAJOR.text, Buffer.byteLength(value));
    this.#length += this.#buffer.write(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.bytesHead(value.length);
    this.raw(value);
  }

  /** The head of a byte string whose content is written elsewhere, or next with `raw`. */
  bytesHead(length: number): void {
    this.#head(MAJOR.bytes, length);
  }

  /** What is CBOR already, as it is. */
  raw(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#buffer.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  list(items: number): void {
    this.#head(MAJOR.list, items);
  }

  map(pairs: number): void {
    this.#head(MAJOR.map, pairs);
  }

  tag(number: number): void {
    this.#head(MAJOR.tag, number);
  }

  /** Nearly all texts of an entry are such. False, and nothing written, when it is not ASCII. */
  #shortAscii(value: string): boolean {
    const buffer = this.#buffer;
    const { length } = value;
    const start = this.#length + (length < 24 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const character = value.charCodeAt(i);
      if (character > 0x7f) return false;
      buffer[start + i] = character;
    }
    this.#head(MAJOR.text, length);
    this.#length = start + length;
    return true;
  }

  #values(values: readonly unknown[]): void {
    this.list(values.length);
    for (const value of values) this.value(value);
  }

  /** Keys in the order of their encoding: non-negative integers, so their own order. */
  #pairs(map: ReadonlyMap<unknown, unknown>): void {
    const keys = [...map.keys()].map((key) => {
      if (!Number.isSafeInteger(key) || (key as number) < 0)
        throw new TypeError('cannot encode a map with such keys');
      return key as number;
    });
    this.map(keys.length);
    for (const key of keys.sort((a, b) => a - b)) {
      this.integer(key);
      this.value(map.get(key));
    }
  }

  /** The shortest form of the argument, RFC 8949 §4.2.1. */
  #head(major: number, argument: number): void {
    this.#reserve(MAX_HEAD_BYTES);
    const buffer = this.#buffer;
    const at = this.#length;
    if (argument < 24) {
      buffer[at] = major | argument;
      this.#length = at + 1;
    } else if (argument < 0x100) {
      buffer[at] = major | 24;
      buffer[at + 1] = argument;
      this.#length = at + 2;
    } else if (argument < 0x1_0000) {
      buffer[at] = major | 25;
      this.#length = buffer.writeUInt16BE(argument, at + 1);
    } else if (argument < 0x1_0000_0000) {
      buffer[at] = major | 26;
      this.#length = buffer.writeUInt32BE(argument, at + 1);
    } else {
      buffer[at] = major | 27;
      buffer.writeUInt32BE(Math.floor(argument / 0x1_0000_0000), at + 1);
      this.#length = buffer.writeUInt32BE(argument % 0x1_0000_0000, at + 5);
    }
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
