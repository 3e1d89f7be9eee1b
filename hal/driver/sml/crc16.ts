/** Reflected CRC-16 with the polynomial x^16 + x^12 + x^5 + 1; X-25 and Kermit differ in what they begin and end with. */
const TABLE = Uint16Array.from({ length: 256 }, (_, index) => {
  let remainder = index;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder & 1) === 1 ? (remainder >> 1) ^ 0x8408 : remainder >> 1;
  }
  return remainder;
});

/** CRC-16/X-25 (ISO/IEC 13239, DIN EN 62056-46), the one that SML prescribes; it is sent low byte first. */
export function crc16X25(bytes: Uint8Array): number {
  return remainderOf(bytes, 0xffff) ^ 0xffff;
}

/** CRC-16/KERMIT, which some Holley meters use instead; they send it high byte first (see `quirks.ts`). */
export function crc16Kermit(bytes: Uint8Array): number {
  return remainderOf(bytes, 0);
}

function remainderOf(bytes: Uint8Array, begin: number): number {
  let remainder = begin;
  for (const byte of bytes) remainder = (remainder >> 8) ^ (TABLE[(remainder ^ byte) & 0xff] ?? 0);
  return remainder;
}
