import { decode, Tagged } from 'cborg';
import type { Decimal } from '../../../hal/contract/index.ts';
import type { CborWriter } from './cbor-encode.ts';

/** One value of a CBOR structure, in both directions. Both throw a FieldError that names the place. */
export interface Field<T> {
  write(value: T, to: CborWriter): void;
  decode(value: unknown): T;
}

/** A value that does not fit its field. Whoever passes it on says where, so that a place costs nothing while all is well. */
export class FieldError extends TypeError {
  readonly #why: string;
  readonly #where: string;

  constructor(why: string, where = '') {
    super(`${where === '' ? 'it' : where} ${why}`);
    this.name = 'FieldError';
    this.#why = why;
    this.#where = where;
  }

  /** The same error, told from one level further out: `values` of `[3].unit is no unit` gives `values[3].unit …`. */
  within(outer: string): FieldError {
    const joint = this.#where === '' || this.#where.startsWith('[') ? '' : '.';
    return new FieldError(this.#why, `${outer}${joint}${this.#where}`);
  }
}

/** For `catch`: adds the place to an error of a field, and leaves any other as it is. */
export function placed(error: unknown, where: string): unknown {
  return error instanceof FieldError ? error.within(where) : error;
}

type Slot<T> = readonly [key: number, field: Field<T>];
type OptionalKeys<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? K : never }[keyof T];
/** Which integer key and field each property of T has; optional properties are marked so in both places. */
type RecordShape<T> = {
  readonly [K in keyof T]-?: K extends OptionalKeys<T>
    ? { readonly optional: Slot<NonNullable<T[K]>> }
    : Slot<T[K]>;
};

/**
 * Decodes what encodeCbor would have written: definite lengths, shortest integers, no duplicate keys, no trailing
 * bytes. Key order is what cborg does not check: callers encode again and compare. Throws what cborg throws.
 */
export function decodeCbor(bytes: Uint8Array, ...tags: number[]): unknown {
  return decode(bytes, {
    strict: true,
    useMaps: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowNaN: false,
    allowInfinity: false,
    rejectDuplicateMapKeys: true,
    tags: Tagged.preserve(...tags),
  }) as unknown;
}

export const text: Field<string> = {
  write(value, to) {
    to.text(checkedText(value));
  },
  decode: checkedText,
};

/** Half a pair, which UTF-8 does not have. The first test is cheap, and nearly always enough. */
const ANY_SURROGATE = /[\ud800-\udfff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

function checkedText(value: unknown): string {
  if (typeof value !== 'string') throw new FieldError('is no text');
  if (ANY_SURROGATE.test(value) && LONE_SURROGATE.test(value)) throw new FieldError('is no text');
  return value;
}

export const uint: Field<number> = integer((value) => value >= 0, 'is no unsigned integer');
export const int: Field<number> = integer(() => true, 'is no integer');

function integer(accepts: (value: number) => boolean, why: string): Field<number> {
  const checked = (value: unknown): number => {
    if (!Number.isSafeInteger(value) || !accepts(value as number)) throw new FieldError(why);
    return value as number;
  };
  return { write: (value, to) => to.integer(checked(value)), decode: checked };
}

export function bytes(length: number): Field<Uint8Array> {
  const checked = (value: unknown): Uint8Array => {
    if (!(value instanceof Uint8Array) || value.length !== length)
      throw new FieldError(`is not ${length} bytes`);
    return value;
  };
  return { write: (value, to) => to.bytes(checked(value)), decode: checked };
}

/** Text with one of the given values, or accepted by the given test. */
export function textOf<T extends string>(
  accepts: readonly T[] | ((value: string) => value is T),
  what: string,
): Field<T> {
  const test = Array.isArray(accepts)
    ? (value: string): value is T => (accepts as readonly string[]).includes(value)
    : (accepts as (value: string) => value is T);
  const checked = (value: unknown): T => {
    if (typeof value !== 'string' || !test(value)) throw new FieldError(`is no ${what}`);
    return value;
  };
  return { write: (value, to) => to.text(checked(value)), decode: checked };
}

export function list<T>(item: Field<T>): Field<readonly T[]> {
  const each = <Item>(values: readonly Item[], work: (value: Item) => void): void => {
    let place = 0;
    try {
      for (; place < values.length; place++) work(values[place] as Item);
    } catch (error) {
      throw placed(error, `[${place}]`);
    }
  };
  return {
    write(values, to) {
      to.list(values.length);
      each(values, (value) => item.write(value, to));
    },
    decode(values) {
      if (!Array.isArray(values)) throw new FieldError('is no list');
      const decoded: T[] = [];
      each(values, (value: unknown) => decoded.push(item.decode(value)));
      return decoded;
    },
  };
}

/** A list of fixed length, as an object with named places. */
export function tuple<T extends object>(places: { readonly [K in keyof T]-?: Field<T[K]> }): Field<T> {
  const entries = Object.entries(places) as [keyof T & string, Field<unknown>][];
  return {
    write(value, to) {
      to.list(entries.length);
      for (const [name, field] of entries) writePart(value, name, field, to);
    },
    decode(value) {
      if (!Array.isArray(value) || value.length !== entries.length) {
        throw new FieldError(`is no list of ${entries.length}`);
      }
      const object: Record<string, unknown> = {};
      for (const [i, [name, field]] of entries.entries()) object[name] = decodePart(value[i], name, field);
      return object as T;
    },
  };
}

/** A map with small integer keys; a key that is not in the shape is refused, so that nothing is signed unseen. */
export function record<T extends object>(shape: RecordShape<T>): Field<T> {
  const slots = Object.entries(shape)
    .map(([name, slot]) => {
      const optional = !Array.isArray(slot);
      const [key, field] = (
        optional ? (slot as { optional: Slot<unknown> }).optional : slot
      ) as Slot<unknown>;
      return { name: name as keyof T & string, key, field, optional };
    })
    .sort((a, b) => a.key - b.key);
  return {
    write(value, to) {
      const absent = slots.filter(({ name, optional }) => optional && value[name] === undefined).length;
      to.map(slots.length - absent);
      for (const { name, key, field, optional } of slots) {
        if (optional && value[name] === undefined) continue;
        to.integer(key);
        writePart(value, name, field, to);
      }
    },
    decode(value) {
      if (!(value instanceof Map)) throw new FieldError('is no map');
      const object: Record<string, unknown> = {};
      let known = 0;
      for (const { name, key, field, optional } of slots) {
        if (!value.has(key)) {
          if (optional) continue;
          throw new FieldError('is missing', name);
        }
        object[name] = decodePart(value.get(key), name, field);
        known++;
      }
      if (known !== value.size) throw new FieldError('has a key that is not known');
      return object as T;
    },
  };
}

function writePart<T>(value: T, name: keyof T & string, field: Field<unknown>, to: CborWriter): void {
  try {
    field.write(value[name], to);
  } catch (error) {
    throw placed(error, name);
  }
}

function decodePart(value: unknown, name: string, field: Field<unknown>): unknown {
  try {
    return field.decode(value);
  } catch (error) {
    throw placed(error, name);
  }
}

const DECIMAL_FRACTION_TAG = 4;
/** What CBOR's own integers hold, and no meter's register exceeds: there is no bignum in our format. */
const MAX_MANTISSA = 2n ** 64n - 1n;
const MIN_MANTISSA = -(2n ** 64n);
const MAX_EXPONENT = 64;

/** Decimal fraction, RFC 8949 §3.4.4: tag 4, [exponent, mantissa]. Digits stay as the meter gave them. */
export const decimalFraction: Field<Decimal> = {
  write(value, to) {
    const { exponent, mantissa } = checkedDecimal(value);
    to.tag(DECIMAL_FRACTION_TAG);
    to.list(2);
    to.integer(exponent);
    to.bigInteger(mantissa);
  },
  decode(value) {
    const parts: unknown =
      value instanceof Tagged && value.tag === DECIMAL_FRACTION_TAG ? value.value : undefined;
    if (!Array.isArray(parts) || parts.length !== 2) throw new FieldError('is no decimal fraction');
    const [exponent, mantissa] = parts as unknown[];
    if (typeof mantissa !== 'bigint' && !Number.isSafeInteger(mantissa))
      throw new FieldError('has no mantissa');
    return checkedDecimal({ exponent: exponent as number, mantissa: BigInt(mantissa as number | bigint) });
  },
};

export const CBOR_TAGS = [DECIMAL_FRACTION_TAG];

function checkedDecimal(value: Decimal): Decimal {
  const { exponent, mantissa } = value;
  if (!Number.isInteger(exponent) || Math.abs(exponent) > MAX_EXPONENT)
    throw new FieldError('has a wild exponent');
  if (mantissa > MAX_MANTISSA || mantissa < MIN_MANTISSA) throw new FieldError('has more than 64 bits');
  return value;
}
