/** Upper and lower case, with or without white space. Undefined for anything else. */
export function decodeHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...BASE64].map((character, value) => [character, value]));

/** RFC 4648 §4 and §5, padding optional, white space allowed. Undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/');
  const digits = plain.replace(/={1,2}$/, '');
  const isPadded = digits.length !== plain.length;
  if (digits === '' || digits.length % 4 === 1 || (isPadded && plain.length % 4 !== 0)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    const value = VALUES.get(digit);
    if (value === undefined) return undefined;
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  // What is left over must be zeros, so that one text is one signature.
  return (held & ((1 << bits) - 1)) === 0 ? Uint8Array.from(bytes) : undefined;
}

/** Bytes as a stranger wrote them, hex before base64: what is both is hex, for base64 of a key or signature never is. */
export function decodeBytes(text: string): Uint8Array | undefined {
  return decodeHex(text) ?? decodeBase64(text);
}
