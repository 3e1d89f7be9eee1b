// Node's Buffer, as far as the verifier's code uses it, for a page that has none. The build puts it in Buffer's place
// (esbuild.verifier.config.js); test/unit/verifier-page/stand-ins.test.ts holds it against the real one.
import { base64ToBytes, bytesToBase64 } from './base64.ts';

type Encoding = 'utf8' | 'hex' | 'base64';

class BrowserBuffer extends Uint8Array<ArrayBuffer> {
  equals(other: Uint8Array): boolean {
    return Buffer.compare(this, other) === 0;
  }

  copy(target: Uint8Array, at = 0, start = 0, end = this.length): number {
    const part = Uint8Array.prototype.subarray.call(this, start, end);
    target.set(part, at);
    return part.length;
  }

  write(text: string, at: number): number {
    return new TextEncoder().encodeInto(text, Uint8Array.prototype.subarray.call(this, at)).written;
  }

  /** UTF-8, whatever the name: Node's `utf8Write` writes at a place, as `write` does. */
  utf8Write(text: string, at: number): number {
    return this.write(text, at);
  }

  writeUInt8(value: number, at: number): number {
    this[at] = value;
    return at + 1;
  }

  writeUInt16BE(value: number, at: number): number {
    this.#view().setUint16(at, value);
    return at + 2;
  }

  writeUInt32BE(value: number, at: number): number {
    this.#view().setUint32(at, value);
    return at + 4;
  }

  writeBigUInt64BE(value: bigint, at: number): number {
    this.#view().setBigUint64(at, value);
    return at + 8;
  }

  override toString(encoding: Encoding = 'utf8'): string {
    switch (encoding) {
      case 'utf8':
        return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
      case 'hex':
        return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'base64':
        return bytesToBase64(this);
    }
  }

  #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }
}

/** What Node's Buffer offers on itself. */
export const Buffer = {
  from(
    source: string | ArrayLike<number> | ArrayBuffer,
    encodingOrOffset?: string | number,
    length?: number,
  ) {
    if (typeof source === 'string') {
      return copied(textToBytes(source, (encodingOrOffset ?? 'utf8') as Encoding));
    }
    if (source instanceof ArrayBuffer) {
      return new BrowserBuffer(source, encodingOrOffset as number | undefined, length);
    }
    return copied(source);
  },

  of: (...bytes: number[]) => copied(bytes),
  alloc: (size: number, fill = 0) => zeros(size).fill(fill),
  allocUnsafe: zeros,
  byteLength: (text: string) => new TextEncoder().encode(text).length,
  isBuffer: (value: unknown) => value instanceof BrowserBuffer,

  compare(a: Uint8Array, b: Uint8Array): number {
    const shorter = Math.min(a.length, b.length);
    for (let i = 0; i < shorter; i++) {
      const difference = a[i]! - b[i]!;
      if (difference !== 0) return Math.sign(difference);
    }
    return Math.sign(a.length - b.length);
  },

  concat(parts: readonly Uint8Array[]) {
    const whole = zeros(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  },
};

function zeros(size: number): BrowserBuffer {
  return new BrowserBuffer(new ArrayBuffer(size));
}

function copied(bytes: ArrayLike<number>): BrowserBuffer {
  const buffer = zeros(bytes.length);
  buffer.set(bytes);
  return buffer;
}

function textToBytes(text: string, encoding: Encoding): Uint8Array {
  switch (encoding) {
    case 'utf8':
      return new TextEncoder().encode(text);
    case 'hex': {
      // As Node: up to the first pair that is not hex.
      const pairs = /^(?:[0-9a-fA-F]{2})*/.exec(text)?.[0] ?? '';
      return Uint8Array.from({ length: pairs.length / 2 }, (_, i) =>
        Number.parseInt(pairs.slice(2 * i, 2 * i + 2), 16),
      );
    }
    case 'base64':
      return base64ToBytes(text);
  }
}
