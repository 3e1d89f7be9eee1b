import type { ObisCode } from './obis.ts';
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
  /** What the register map was checked against. */
  readonly verified: ProfileVerification;
  /** The documents that the register map was taken from. */
  readonly sources: readonly ProfileSource[];
  readonly link: ProfileLink;
  readonly identity: ProfileIdentity;
  /** All rules hold on a meter of this model, and not all of them on another one. */
  readonly probe?: readonly ProbeRule[] | undefined;
  readonly points: readonly ProfilePoint[];
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

/** One value in one or more registers that follow each other. */
export interface RegisterField {
  readonly table: RegisterTable;
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
}

/** What a positive register value means; `export` points of signed quantities are negated to OBIS's convention. */
export type EnergyDirection = 'import' | 'export';

/** A measured quantity: value = register * 10^decimalExponent, in `unit`. */
export interface ProfilePoint extends RegisterField {
  readonly obis: ObisCode;
  readonly unit: Unit;
  readonly decimalExponent: number;
  /** Given for energy and power; has no meaning for voltage, frequency and the like. */
  readonly direction?: EnergyDirection | undefined;
}

export interface ProfileIdentity {
  readonly serial: RegisterField;
  readonly firmware?: RegisterField | undefined;
}

/** The field, read as text (a number in decimal notation), is one of these. */
export interface ProbeRule extends RegisterField {
  readonly oneOf: readonly string[];
}

/**
 * A golden vector: one request and its answer as RTU frames with CRC (hexadecimal, blanks allowed), and what they mean.
 * Keys of `expect` are OBIS codes, `serial` or `firmware`; values are `<decimal> <unit>`, the text, or `absent`.
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
