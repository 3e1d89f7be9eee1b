import {
  addDecimal,
  decimal,
  formatDecimal,
  registerCountOf,
  shiftDecimal,
  spanOf,
  type BitField,
  type ByteOrder,
  type Decimal,
  type LowPart,
  type ProfilePoint,
  type RegisterField,
  type RegisterPart,
  type RegisterSpan,
} from '../../contract/index.ts';
import { decimalOfFloat32, decimalOfFloat64 } from './float-decimal.ts';

/** What the registers of one field say. `invalid` names content that the type cannot have. */
export type FieldReading =
  | { readonly kind: 'number'; readonly value: Decimal }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'invalid'; readonly why: string };

/** Powers of ten beyond this in a register are garbage: no meter counts in steps of 10^19 Wh. */
const MAX_EXPONENT_IN_REGISTER = 18n;

/**
 * Reads one field. `registers` are the bytes of its span (`spanOf`), as they came over the wire.
 * Never throws: every content is a number, a text, absent or invalid.
 */
export function decodeField(field: RegisterField, registers: Uint8Array): FieldReading {
  const span = spanOf(field);
  if (registers.length !== 2 * span.registerCount) {
    return { kind: 'invalid', why: `${registers.length} bytes instead of ${2 * span.registerCount}` };
  }
  const high = decodePart(field, span, registers);
  if (field.lowPart === undefined || high.kind !== 'number') return high;
  const low = decodePart(field.lowPart, span, registers);
  return low.kind === 'number' ? joined(high.value, low.value, field.lowPart) : low;
}

function decodePart(part: RegisterPart, span: RegisterSpan, registers: Uint8Array): FieldReading {
  const from = 2 * (part.registerAddress - span.registerAddress);
  const bytes = inOrder(registers.subarray(from, from + 2 * registerCountOf(part)), part.byteOrder);
  const raw = bytes.toString('hex');
  if (part.absent?.some((content) => content.toLowerCase() === `0x${raw}`) === true)
    return { kind: 'absent' };
  return decodeBytes(part, bytes, raw);
}

/** The bytes with the most significant one first. Reversing words and reversing bytes in words are independent. */
export function inOrder(registers: Uint8Array, byteOrder: ByteOrder): Buffer {
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

function decodeBytes(part: RegisterPart, bytes: Buffer, raw: string): FieldReading {
  switch (part.type) {
    case 'u16':
    case 'u32':
    case 'u48':
    case 'u64':
      return { kind: 'number', value: decimal(bitsOf(BigInt(`0x${raw}`), part.bitField)) };
    case 's16':
    case 's32':
    case 's48':
    case 's64': {
      const width = part.bitField?.bitCount ?? bytes.length * 8;
      return {
        kind: 'number',
        value: decimal(BigInt.asIntN(width, bitsOf(BigInt(`0x${raw}`), part.bitField))),
      };
    }
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

function bitsOf(content: bigint, bitField: BitField | undefined): bigint {
  if (bitField === undefined) return content;
  return BigInt.asUintN(bitField.bitCount, content >> BigInt(bitField.firstBit));
}

function decodeFloat(value: number, toDecimal: (value: number) => Decimal): FieldReading {
  if (Number.isNaN(value)) return { kind: 'absent' };
  try {
    return { kind: 'number', value: toDecimal(value) };
  } catch {
    return { kind: 'invalid', why: `${value} is no measurement` };
  }
}

/**
 * ASCII up to the first NUL, without blanks around it. Some meters (Carlo Gavazzi ET112 and ET340) put one character into each
 * register, with a NUL before it.
 */
function decodeString(registers: Buffer): FieldReading {
  const oneEach = registers.every((byte, index) => index % 2 === 1 || byte === 0);
  const bytes = oneEach ? Buffer.from(registers.filter((_, index) => index % 2 === 1)) : registers;
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end === -1 ? bytes.length : end).trim();
  if (text === '') return { kind: 'absent' };
  return /^[\x20-\x7e]+$/.test(text) ? { kind: 'text', text } : { kind: 'invalid', why: 'not ASCII' };
}

/**
 * high * highTimes + low. A low part that does not fit below one count of the high one was torn or is none. Halves of one
 * binary number carry one sign, in the high half; parts like MWh and kWh carry it each, and it must be the same.
 */
function joined(high: Decimal, low: Decimal, part: LowPart): FieldReading {
  const times = BigInt(part.highTimes);
  const magnitude = low.mantissa < 0n ? -low.mantissa : low.mantissa;
  if (high.exponent !== 0 || low.exponent !== 0 || magnitude >= times) {
    return { kind: 'invalid', why: `the low part ${formatDecimal(low)} does not fit below ${times}` };
  }
  const halves = times === 2n ** BigInt(16 * registerCountOf(part));
  const signsDiffer = high.mantissa * low.mantissa < 0n;
  if (signsDiffer && !(halves && low.mantissa > 0n)) {
    return { kind: 'invalid', why: 'the parts have different signs' };
  }
  return { kind: 'number', value: addDecimal(decimal(high.mantissa * times), low) };
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
  const exponent = decodeExponent(point, registers);
  if (exponent.kind !== 'number') return exponent;
  try {
    const value = shiftDecimal(reading.value, point.decimalExponent + Number(exponent.value.mantissa));
    const reversed = point.direction === 'export' && !CUMULATIVE.has(point.unit);
    return { kind: 'number', value: reversed ? { ...value, mantissa: -value.mantissa } : value };
  } catch (error) {
    return { kind: 'invalid', why: String(error) };
  }
}

/** The further power of ten of `decimalExponentFrom`; 0 where there is none. `registers` are those of the point's span. */
function decodeExponent(point: ProfilePoint, registers: Uint8Array): FieldReading {
  const { decimalExponentFrom } = point;
  if (decimalExponentFrom === undefined) return { kind: 'number', value: decimal(0) };
  const reading = decodePart(decimalExponentFrom, spanOf(point), registers);
  if (reading.kind === 'text') return { kind: 'invalid', why: 'text where a power of ten should be' };
  if (reading.kind !== 'number') return reading;
  const { mantissa, exponent } = reading.value;
  const sane =
    exponent === 0 && mantissa <= MAX_EXPONENT_IN_REGISTER && mantissa >= -MAX_EXPONENT_IN_REGISTER;
  return sane ? reading : { kind: 'invalid', why: `${formatDecimal(reading.value)} is no power of ten` };
}
