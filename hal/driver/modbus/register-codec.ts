import {
  decimal,
  formatDecimal,
  registerCountOf,
  shiftDecimal,
  type ByteOrder,
  type Decimal,
  type ProfilePoint,
  type RegisterField,
} from '../../contract/index.ts';
import { decimalOfFloat32, decimalOfFloat64 } from './float-decimal.ts';

/** What the registers of one field say. `invalid` names content that the type cannot have. */
export type FieldReading =
  | { readonly kind: 'number'; readonly value: Decimal }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'invalid'; readonly why: string };

/**
 * Reads one field. `registers` are the bytes of exactly its registers, as they came over the wire.
 * Never throws: every content is a number, a text, absent or invalid.
 */
export function decodeField(field: RegisterField, registers: Uint8Array): FieldReading {
  const byteCount = 2 * registerCountOf(field);
  if (registers.length !== byteCount) {
    return { kind: 'invalid', why: `${registers.length} bytes instead of ${byteCount}` };
  }
  const bytes = inOrder(registers, field.byteOrder);
  const raw = bytes.toString('hex');
  if (field.absent?.some((content) => content.toLowerCase() === `0x${raw}`) === true)
    return { kind: 'absent' };
  return decodeBytes(field, bytes, raw);
}

/** The bytes with the most significant one first. Reversing words and reversing bytes in words are independent. */
function inOrder(registers: Uint8Array, byteOrder: ByteOrder): Buffer {
  const bytes = Buffer.from(registers);
  switch (byteOrder) {
    case 'ABCD':
      return bytes;
    case 'BADC':
      return bytes.swap16();
    case 'CDAB':
      return bytes.reverse().swap16();
    case 'DCBA':
      return bytes.reverse();
  }
}

function decodeBytes(field: RegisterField, bytes: Buffer, raw: string): FieldReading {
  switch (field.type) {
    case 'u16':
    case 'u32':
    case 'u48':
    case 'u64':
      return { kind: 'number', value: decimal(BigInt(`0x${raw}`)) };
    case 's16':
    case 's32':
    case 's48':
    case 's64':
      return { kind: 'number', value: decimal(BigInt.asIntN(bytes.length * 8, BigInt(`0x${raw}`))) };
    case 'float32':
      return decodeFloat(bytes.readFloatBE(), decimalOfFloat32);
    case 'float64':
      return decodeFloat(bytes.readDoubleBE(), decimalOfFloat64);
    case 'bcd':
      return /^[0-9]+$/.test(raw)
        ? { kind: 'number', value: decimal(BigInt(raw)) }
        : { kind: 'invalid', why: `0x${raw} is not binary-coded decimal` };
    case 'string':
      return decodeString(bytes);
  }
}

function decodeFloat(value: number, toDecimal: (value: number) => Decimal): FieldReading {
  if (Number.isNaN(value)) return { kind: 'absent' };
  try {
    return { kind: 'number', value: toDecimal(value) };
  } catch {
    return { kind: 'invalid', why: `${value} is no measurement` };
  }
}

/** ASCII up to the first NUL, without blanks around it. */
function decodeString(bytes: Buffer): FieldReading {
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end === -1 ? bytes.length : end).trim();
  if (text === '') return { kind: 'absent' };
  return /^[\x20-\x7e]+$/.test(text) ? { kind: 'text', text } : { kind: 'invalid', why: 'not ASCII' };
}

/** A field as text: numbers in decimal notation. Undefined when there is none. */
export function decodeText(field: RegisterField, registers: Uint8Array): string | undefined {
  const reading = decodeField(field, registers);
  switch (reading.kind) {
    case 'number':
      return formatDecimal(reading.value);
    case 'text':
      return reading.text;
    case 'absent':
    case 'invalid':
      return undefined;
  }
}

/** Values that grow in one direction only say that direction by their OBIS code and are never negated. */
const CUMULATIVE = new Set(['Wh', 'varh', 'VAh']);

/** One measured quantity: scaled to its unit, and signed as OBIS wants it (import is positive). Never throws. */
export function decodePoint(point: ProfilePoint, registers: Uint8Array): FieldReading {
  const reading = decodeField(point, registers);
  if (reading.kind === 'text') return { kind: 'invalid', why: 'text where a number should be' };
  if (reading.kind !== 'number') return reading;
  try {
    const value = shiftDecimal(reading.value, point.decimalExponent);
    const reversed = point.direction === 'export' && !CUMULATIVE.has(point.unit);
    return { kind: 'number', value: reversed ? { ...value, mantissa: -value.mantissa } : value };
  } catch (error) {
    return { kind: 'invalid', why: String(error) };
  }
}
