import { registerCountOf, type ByteOrder, type RegisterField } from '../../../hal/contract/index.ts';

// What a meter does: values into registers. Written apart from the driver's decoder, to test it.

/** The bytes of a number or text in the field's registers. Floats take a number, integers and bcd a bigint. */
export function encodeField(field: RegisterField, value: bigint | number | string): Uint8Array {
  const length = 2 * registerCountOf(field);
  const view = new DataView(new ArrayBuffer(length));
  if (typeof value === 'string') {
    for (let i = 0; i < value.length; i++) view.setUint8(i, value.charCodeAt(i));
  } else if (typeof value === 'number') {
    if (field.type === 'float32') view.setFloat32(0, value);
    else view.setFloat64(0, value);
  } else {
    let rest = field.type === 'bcd' ? BigInt(`0x${value}`) : value;
    for (let i = length - 1; i >= 0; i--) {
      view.setUint8(i, Number(rest & 0xffn));
      rest >>= 8n;
    }
  }
  return permute(new Uint8Array(view.buffer), field.byteOrder);
}

/** Word by word, as the letters say: A is the most significant byte of a pair of registers, and so on for longer values. */
function permute(bytes: Uint8Array, order: ByteOrder): Uint8Array {
  const words: number[][] = [];
  for (let i = 0; i < bytes.length; i += 2) words.push([bytes[i] ?? 0, bytes[i + 1] ?? 0]);
  if (order === 'CDAB' || order === 'DCBA') words.reverse();
  if (order === 'BADC' || order === 'DCBA') words.forEach((word) => word.reverse());
  return Uint8Array.from(words.flat());
}
