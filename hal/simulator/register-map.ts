import type { Quantity } from './quantity.ts';

export type RegisterTable = 'input' | 'holding';

/** Word layouts that meters use; `low` means the low word stands first. Bytes within a word are always high first. */
export type WordLayout = 'f32' | 'u16' | 's16' | 'u32' | 's32' | 's32low' | 'u64' | 's64';

/** A measured quantity in the registers of one meter model. */
export interface QuantityField {
  readonly address: number;
  readonly layout: WordLayout;
  readonly quantity: Quantity;
  /** The smallest step that the meter shows: 10^resolution of the quantity's unit (0: 1 Wh, -1: 0.1 V). */
  readonly resolution: number;
  /** For `f32` only: the register counts 10^unitExponent of the quantity's unit (3: kWh). */
  readonly unitExponent?: number;
  /** How the register deviates from the plain number, where a maker chose so. */
  readonly encoding?: 'fourQuadrantPowerFactor';
}

/** Registers that never change: serial number, meter code, firmware. */
export interface ConstantField {
  readonly address: number;
  readonly words: readonly number[];
  /** Answers only a request for nothing else; within a longer one the register means something else. */
  readonly onlyAlone?: boolean;
}

/** What one meter model answers on the wire, written from its public register map. */
export interface MeterModel {
  /** The same name as the meter profile of that model. */
  readonly id: string;
  readonly tables: readonly RegisterTable[];
  readonly fields: readonly QuantityField[];
  /** Tables of the constants, where they differ from those of the fields. */
  readonly constantTables?: readonly RegisterTable[];
  constants(serial: string): readonly ConstantField[];
  /** Serial numbers that the model can hold. */
  readonly serialPattern: RegExp;
  /** Registers between defined ones that can be read along, first and last included, and the word they hold. */
  readonly readable: readonly { readonly first: number; readonly last: number }[];
  readonly filler: number;
  /** More registers in one request are refused with exception 3 (illegal data value). */
  readonly maxRegisters: number;
  /** Only whole parameters of two registers can be asked for from the measured values. */
  readonly pairsOnly?: boolean;
}

export function wordsOf(layout: WordLayout): number {
  switch (layout) {
    case 'u16':
    case 's16':
      return 1;
    case 'f32':
    case 'u32':
    case 's32':
    case 's32low':
      return 2;
    case 'u64':
    case 's64':
      return 4;
  }
}

/** What a field shows: `mantissa * 10^resolution` of its unit, after the register's own limits (float precision). */
export interface ShownField {
  readonly words: readonly number[];
  readonly mantissa: bigint;
}

/** Puts a quantity, in thousandths of its unit, into the registers of a field. Cut toward zero, as counters do. */
export function showField(field: QuantityField, milli: bigint, quadrant: Quadrant): ShownField {
  const mantissa = milli / 10n ** BigInt(field.resolution + 3);
  if (field.layout === 'f32') return showFloat(field, mantissa, quadrant);
  return { words: integerWords(field.layout, mantissa), mantissa };
}

/** Quadrant of the power: 1 import inductive, 2 export capacitive, 3 export inductive, 4 import capacitive. */
export type Quadrant = 1 | 2 | 3 | 4;

/**
 * A float register shows the float32 that is nearest, so that what it shows may differ from what the meter knows: with
 * kWh in the register, each watt-hour has its own float32 below 16,384 kWh (2^14: there the step is 2^-10 kWh); above, the
 * step is 2 Wh and more, and the last watt-hours are lost, as they are on the real meter.
 */
function showFloat(field: QuantityField, mantissa: bigint, quadrant: Quadrant): ShownField {
  const places = (field.unitExponent ?? 0) - field.resolution;
  const exact = Number(`${mantissa}e${-places}`);
  const float = new DataView(new ArrayBuffer(4));
  float.setFloat32(0, exact);
  const shown = Math.round(float.getFloat32(0) * 10 ** places);
  float.setFloat32(0, encodeFloat(field, exact, quadrant));
  return { words: [float.getUint16(0), float.getUint16(2)], mantissa: BigInt(shown) };
}

/** Schneider 4Q_FP_PF: quadrant 1 as is, 4 as 2 - PF, 2 as -|PF|, 3 as -2 + |PF|. */
function encodeFloat(field: QuantityField, value: number, quadrant: Quadrant): number {
  if (field.encoding === undefined) return value;
  const magnitude = Math.abs(value);
  switch (quadrant) {
    case 1:
      return magnitude;
    case 2:
      return -magnitude;
    case 3:
      return magnitude - 2;
    case 4:
      return 2 - magnitude;
  }
}

function integerWords(layout: Exclude<WordLayout, 'f32'>, value: bigint): number[] {
  const count = wordsOf(layout);
  const bits = BigInt.asUintN(16 * count, value);
  const words = Array.from({ length: count }, (_, index) =>
    Number((bits >> BigInt(16 * (count - 1 - index))) & 0xffffn),
  );
  return layout === 's32low' ? words.reverse() : words;
}

/** The words of an unsigned 32-bit number, high word first. */
export function u32Words(value: number): readonly number[] {
  return [(value >>> 16) & 0xffff, value & 0xffff];
}

/** Two characters a register, the first in the high byte, padded with `pad`. */
export function asciiWords(text: string, registers: number, pad = 0): readonly number[] {
  const bytes = Buffer.alloc(registers * 2, pad);
  bytes.write(text, 'latin1');
  return Array.from({ length: registers }, (_, index) => bytes.readUInt16BE(index * 2));
}
