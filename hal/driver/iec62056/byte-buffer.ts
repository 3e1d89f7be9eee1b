const FIRST_CAPACITY = 512;

/** Bytes of the message being received, up to a bound. Memory is taken as it is needed. */
export class ByteBuffer {
  readonly #limit: number;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** False when the bound is reached: the byte was not taken. */
  push(byte: number): boolean {
    if (this.#length === this.#limit) return false;
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#limit, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
    return true;
  }

  /** A copy. */
  slice(from = 0): Uint8Array {
    return this.#bytes.slice(from, this.#length);
  }

  /** Characters from `from` on, the eighth bit (parity) left out. */
  text(from = 0): string {
    return sevenBitText(this.#bytes.subarray(from, this.#length));
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > FIRST_CAPACITY * 16) this.#bytes = new Uint8Array(FIRST_CAPACITY);
  }
}

export function sevenBitText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('ascii');
}
