/**
 * IEC 62056-21 sends seven bits and even parity. A port opened with eight bits and no parity delivers that parity as the
 * eighth bit; then it is the only check that each character has, and it is used.
 * Returns the characters, or null when some carry parity and one of them is wrong. Bytes that all have a clear eighth bit
 * come back as they are: their parity was checked by the port, or never sent.
 */
export function withoutParity(bytes: Uint8Array): Uint8Array | null {
  if (!bytes.some((byte) => byte > 0x7f)) return bytes;
  if (bytes.some((byte) => !hasEvenParity(byte))) return null;
  return bytes.map((byte) => byte & 0x7f);
}

function hasEvenParity(byte: number): boolean {
  let folded = byte ^ (byte >> 4);
  folded ^= folded >> 2;
  folded ^= folded >> 1;
  return (folded & 1) === 0;
}

/** For a port opened with eight bits and no parity: what a meter with seven bits and even parity understands. */
export function withEvenParity(characters: Uint8Array): Uint8Array {
  return characters.map((character) => (hasEvenParity(character) ? character : character | 0x80));
}
