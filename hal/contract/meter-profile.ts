import type { ObisCode } from './obis.ts';
import type { Quality } from './quality.ts';
import type { Unit } from './unit.ts';

/**
 * What one meter model says over Modbus, as data. A profile file (hal/profile/models/*.yaml) has exactly this shape;
 * hal/profile checks it, the Modbus driver reads a meter by it, the simulator serves a meter by it.
 */
export interface MeterProfile {
  /** Stable name that configurations and journals use: `maker-model`, lower case. */
  readonly id: string;
  readonly maker: string;
  readonly model: string;
  readonly description?: string | undefined;
  readonly protocol: 'modbus';
  /**
   * `sunspec`: the driver finds the registers of each device by SunSpec's chain of models; those of the file are where most
   * devices have them.
   */
  readonly discovery?: 'sunspec' | undefined;
  /** What the register map was checked against. */
  readonly verified: ProfileVerification;
  /** The documents that the register map was taken from. */
  readonly sources: readonly ProfileSource[];
  readonly link: ProfileLink;
  readonly identity: ProfileIdentity;
  /** Raw contents that mean "no value" in every field of a type that does not list its own. */
  readonly absentByType?: AbsentByType | undefined;
  /** All rules hold on a meter of this model, and not all of them on another one. */
  readonly probe?: readonly ProbeRule[] | undefined;
  readonly points: readonly ProfilePoint[];
  /** What the meter itself says of the worth of its values. */
  readonly quality?: readonly QualityRule[] | undefined;
  /** How a meter that signs by itself is asked for a signed record. */
  readonly signedRecords?: SignedRecords | undefined;
  readonly vectors: readonly ProfileVector[];
}

/** `documentation`: nothing but documents; `capture`: frames of a real meter; `bench`: compared with its display. */
export type ProfileVerification = 'documentation' | 'capture' | 'bench';

export interface ProfileSource {
  readonly title: string;
  readonly url?: string | undefined;
  /** Edition, revision or date of the document. */
  readonly edition?: string | undefined;
}

export type Parity = 'none' | 'even' | 'odd';

/** How the meter is delivered (serial parameters, unit id) and what it can take. */
export interface ProfileLink {
  readonly baudRate: number;
  readonly parity: Parity;
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly unitId: number;
  /** From the end of the request to the first byte of the answer. */
  readonly responseTimeoutMs: number;
  /** Silence that the meter needs between an answer and the next request, beyond the 3.5 characters of Modbus. */
  readonly turnaroundMs?: number | undefined;
  /** Most registers that one request may ask for (Modbus: 125). */
  readonly maxRegistersPerRead: number;
  /** Most registers between two points that may be read along; 0 where unlisted registers answer exception 2. */
  readonly maxRegisterHole: number;
  /** Registers that no request may touch, not even as a hole, though their neighbours may be read. */
  readonly forbiddenRanges?: readonly ForbiddenRange[] | undefined;
  /** `slow` points are read with every Nth sample; 10 unless told. */
  readonly slowEvery?: number | undefined;
  /** What the manual calls the first register. For readers of the file only: addresses in it are those on the wire. */
  readonly addressBase?: 0 | 1 | undefined;
}

/** Both ends belong to it. */
export interface ForbiddenRange {
  readonly table: RegisterTable;
  readonly from: number;
  readonly to: number;
}

export type RegisterTable = 'holding' | 'input';

/** `u`/`s`: unsigned and two's complement integers; `float`: IEEE 754; `bcd`: four bits a digit; `string`: ASCII. */
export type RegisterType =
  'u16' | 's16' | 'u32' | 's32' | 'u48' | 's48' | 'u64' | 's64' | 'float32' | 'float64' | 'bcd' | 'string';

/**
 * Order of the bytes of a value whose most significant byte is A. `CDAB`: least significant register first; `BADC`: bytes
 * swapped inside of each register; `DCBA`: both. Longer values follow the same two rules.
 */
export type ByteOrder = 'ABCD' | 'CDAB' | 'BADC' | 'DCBA';

/** Bits of an integer; bit 0 is the least significant of the value. Of a signed type the highest of them is the sign. */
export interface BitField {
  readonly firstBit: number;
  readonly bitCount: number;
}

/** One or more registers that follow each other. */
export interface RegisterPart {
  /** Zero-based address on the wire. */
  readonly registerAddress: number;
  /** The number that the manual prints for it (30001, 40001, hexadecimal). */
  readonly documentRef: string;
  readonly type: RegisterType;
  /** How many registers; required for `bcd` and `string`, given by the type for all others. */
  readonly registerCount?: number | undefined;
  readonly byteOrder: ByteOrder;
  /**
   * Raw contents that mean "no value", as hexadecimal of the whole field after its bytes were put in order (`0x7FFFFFFF`).
   * A float that is not a number never needs to be listed.
   */
  readonly absent?: readonly string[] | undefined;
  /** The value is in these bits of the integer; the others mean something else. */
  readonly bitField?: BitField | undefined;
}

/** The less significant part of a value that stands apart from the more significant one: value = high * highTimes + low. */
export interface LowPart extends RegisterPart {
  /** 65536 where the parts are two halves of one binary number, 1000 where they are MWh and kWh. */
  readonly highTimes: number;
}

/** One value. Its parts are in one table and are read in one request, so that they belong together. */
export interface RegisterField extends RegisterPart {
  readonly table: RegisterTable;
  /** Given for a split value; the field itself is its more significant part. */
  readonly lowPart?: LowPart | undefined;
}

export type FixedLengthType = Exclude<RegisterType, 'bcd' | 'string'>;
export type AbsentByType = Readonly<Partial<Record<FixedLengthType, readonly string[] | undefined>>>;

/** What a positive register value means; `export` points of signed quantities are negated to OBIS's convention. */
export type EnergyDirection = 'import' | 'export';

/**
 * How often a point is read: `fast` with every sample; `slow` with the first and then every `slowEvery`th; `once` with the
 * first sample after the meter was identified. A sample holds only what was read for it, never a value of an earlier one.
 */
export type PollClass = 'fast' | 'slow' | 'once';

/** A measured quantity: value = register * 10^decimalExponent, in `unit`. */
export interface ProfilePoint extends RegisterField {
  readonly obis: ObisCode;
  readonly unit: Unit;
  readonly decimalExponent: number;
  /** A register in the same table that holds a further power of ten, added to `decimalExponent`; read in the same request. */
  readonly decimalExponentFrom?: RegisterPart | undefined;
  /** Given for energy and power; has no meaning for voltage, frequency and the like. */
  readonly direction?: EnergyDirection | undefined;
  /** `fast` unless told. */
  readonly poll?: PollClass | undefined;
  /** Points with the same name are read in one request: they hold for the same moment. */
  readonly atomicGroup?: string | undefined;
  /** Whether the value never falls; unless told, true for energy (OBIS group D is 8). */
  readonly monotonic?: boolean | undefined;
  /** Where the counter begins again at 0: its highest value and one step more, a decimal in `unit`. */
  readonly rolloverAt?: string | undefined;
  /** The most that the meter can measure, a decimal in `unit` an hour: for Wh the W of its maximum current and voltage. */
  readonly maxRate?: string | undefined;
  /** Lowest and highest value that the meter can mean, decimals in `unit`. */
  readonly range?: readonly [string, string] | undefined;
}

export interface ProfileIdentity {
  /** The serial number that is printed on the meter. Where it shows none, the station's configuration has to give it. */
  readonly serial?: RegisterField | undefined;
  readonly firmware?: RegisterField | undefined;
  readonly clock?: ClockField | undefined;
}

/**
 * How the meter writes the time. `unixSeconds`: u32 since 1970; `bytesYmdhms`: six bytes, years from 2000; `registersYmdhms`:
 * six registers, the year in full or from 2000; `iec870-5-4`: four registers, year, month and day, hour and minute,
 * milliseconds, with the bits of IEC 60870-5-4 §6.8 (as Schneider's meters have it).
 */
export type ClockFormat = 'unixSeconds' | 'bytesYmdhms' | 'registersYmdhms' | 'iec870-5-4';

/** The meter's own clock; shown as `2026-05-01T12:00:00`, in whatever zone the meter was set to. */
export interface ClockField {
  readonly table: RegisterTable;
  /** Zero-based address on the wire. */
  readonly registerAddress: number;
  readonly documentRef: string;
  readonly format: ClockFormat;
  readonly byteOrder: ByteOrder;
}

/**
 * While the field, read as text (a number in decimal notation), is one of `when`, the values of `affects` (all points, unless
 * told) have this quality. The first rule that holds decides. Read with every sample.
 */
export interface QualityRule extends RegisterField {
  /** Names it in vectors and logs: `phase-sequence`. */
  readonly id: string;
  readonly when: readonly string[];
  readonly quality: Exclude<Quality, 'G'>;
  readonly affects?: readonly ObisCode[] | undefined;
}

/**
 * A meter that signs its readings: `command` is written to a status register (function 16), which says `busy` until the record is
 * made and `ready` when it can be read as text. All are holding registers. It is the only thing ever written to a meter.
 */
export interface SignedRecords {
  readonly format: 'OCMF';
  readonly command: number;
  readonly busy: number;
  readonly ready: number;
  /** From the command to `ready`, at most. */
  readonly timeoutMs: number;
  readonly begin: SignedRecordRegisters;
  readonly end: SignedRecordRegisters;
}

export interface SignedRecordRegisters {
  /** Zero-based address of the status register on the wire. */
  readonly statusAddress: number;
  /** Of the first register of the text, two characters each, ended by zeros. */
  readonly textAddress: number;
  readonly textRegisters: number;
  /** The numbers that the manual prints for both. */
  readonly documentRef: string;
}

/** The field, read as text (a number in decimal notation), is one of these. */
export interface ProbeRule extends RegisterField {
  readonly oneOf: readonly string[];
}

/**
 * A golden vector: one request and its answer as RTU frames with CRC (hexadecimal, blanks allowed), and what they mean.
 * Keys of `expect` are OBIS codes, `serial`, `firmware`, `clock` or the id of a quality rule; values are `<decimal> <unit>`, the text, or `absent`.
 */
export interface ProfileVector {
  readonly source: string;
  readonly request: string;
  readonly response: string;
  readonly expect: Readonly<Record<string, string>>;
}

/** Registers that a field occupies. */
export function registerCountOf(field: Pick<RegisterField, 'type' | 'registerCount'>): number {
  switch (field.type) {
    case 'u16':
    case 's16':
      return 1;
    case 'u32':
    case 's32':
    case 'float32':
      return 2;
    case 'u48':
    case 's48':
      return 3;
    case 'u64':
    case 's64':
    case 'float64':
      return 4;
    case 'bcd':
    case 'string':
      return field.registerCount ?? 1;
  }
}

const CLOCK_REGISTERS: Readonly<Record<ClockFormat, number>> = {
  unixSeconds: 2,
  bytesYmdhms: 3,
  registersYmdhms: 6,
  'iec870-5-4': 4,
};

/** Registers that the meter's clock occupies. */
export function clockSpanOf({ table, registerAddress, format }: ClockField): RegisterSpan {
  return { table, registerAddress, registerCount: CLOCK_REGISTERS[format] };
}

/** Table and extent of registers that one request must hold. */
export interface RegisterSpan {
  readonly table: RegisterTable;
  readonly registerAddress: number;
  readonly registerCount: number;
}

/** The field itself and whatever its value is made of besides: the low part, the exponent. */
export function partsOf(field: RegisterField): RegisterPart[] {
  const exponent = 'decimalExponentFrom' in field ? (field as ProfilePoint).decimalExponentFrom : undefined;
  return [field, field.lowPart, exponent].filter((part) => part !== undefined);
}

/** From the first to the last register of all parts of the field. */
export function spanOf(field: RegisterField): RegisterSpan {
  const parts = partsOf(field);
  const from = Math.min(...parts.map((part) => part.registerAddress));
  const end = Math.max(...parts.map((part) => part.registerAddress + registerCountOf(part)));
  return { table: field.table, registerAddress: from, registerCount: end - from };
}
