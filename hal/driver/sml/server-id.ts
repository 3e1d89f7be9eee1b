/**
 * Server ids name a meter (DIN 43863-5). The binary form is ten bytes: 0A (older meters: 09), medium, three letters of
 * the manufacturer, fabrication block, a number of four bytes; printed on the meter as `1 ISK00 7034 2571`.
 */
export interface ServerId {
  readonly medium: number;
  readonly manufacturer: string;
  readonly block: number;
  readonly number: number;
}

/** Eight digits are all that the printed form has room for. */
const MAX_NUMBER = 99_999_999;

/** Undefined for any other form, such as the older EMH one that begins with 06. */
export function decodeServerId(bytes: Uint8Array): ServerId | undefined {
  if (bytes.length !== 10) return undefined;
  const [form = 0, medium = 0, a = 0, b = 0, c = 0, block = 0] = bytes;
  const manufacturer = String.fromCharCode(a, b, c);
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6);
  const known = (form === 0x0a || form === 0x09) && medium <= 0xf && /^[A-Z]{3}$/.test(manufacturer);
  return known && number <= MAX_NUMBER ? { medium, manufacturer, block, number } : undefined;
}

/**
 * The serial number as the meter has it printed, without spaces: `1ISK0070342571`; the text itself where the meter sends
 * text; otherwise hexadecimal. Null for nothing but zeros, which meters send that were never given a number.
 */
export function serialOf(bytes: Uint8Array): string | null {
  if (bytes.every((byte) => byte === 0)) return null;
  const id = decodeServerId(bytes);
  if (id !== undefined) {
    const medium = id.medium.toString(16).toUpperCase();
    const block = id.block.toString(16).toUpperCase().padStart(2, '0');
    return `${medium}${id.manufacturer}${block}${id.number.toString().padStart(8, '0')}`;
  }
  const isText = bytes.length >= 4 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? String.fromCharCode(...bytes).trim() : hexOf(bytes);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}
