import { decode, Tagged } from 'cborg';
import type { Decimal } from '../../../hal/contract/index.ts';

/** One value of a CBOR structure, in both directions. `decode` throws a TypeError that names the place. */
export interface Field<T> {
  encode(value: T, where: string): unknown;
  decode(value: unknown, where: string): T;
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

export const text: Field<string> = both((value, where) => {
  if (typeof value !== 'string' || /\p{Surrogate}/u.test(value)) throw wrong(where, 'is no text');
  return value;
});

export const uint: Field<number> = both((value, where) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(where, 'is no unsigned integer');
  return value as number;
});

export const int: Field<number> = both((value, where) => {
  if (!Number.isSafeInteger(value)) throw wrong(where, 'is no integer');
  return value as number;
});

export function bytes(length: number): Field<Uint8Array> {
  return both((value, where) => {
    if (!(value instanceof Uint8Array) || value.length !== length)
      throw wrong(where, `is not ${length} bytes`);
    return value;
  });
}

/** Text with one of the given values, or accepted by the given test. */
export function textOf<T extends string>(
  accepts: readonly T[] | ((value: string) => value is T),
  what: string,
): Field<T> {
  const test = Array.isArray(accepts)
    ? (value: string): value is T => (accepts as readonly string[]).includes(value)
    : (accepts as (value: string) => value is T);
  return both((value, where) => {
    if (typeof value !== 'string' || !test(value)) throw wrong(where, `is no ${what}`);
    return value;
  });
}

export function list<T>(item: Field<T>): Field<readonly T[]> {
  return {
    encode: (values, where) => values.map((value, i) => item.encode(value, `${where}[${i}]`)),
    decode: (values, where) => {
      if (!Array.isArray(values)) throw wrong(where, 'is no list');
      return values.map((value: unknown, i) => item.decode(value, `${where}[${i}]`));
    },
  };
}

/** A list of fixed length, as an object with named places. */
export function tuple<T extends object>(places: { readonly [K in keyof T]-?: Field<T[K]> }): Field<T> {
  const entries = Object.entries(places) as [keyof T & string, Field<unknown>][];
  return {
    encode: (value, where) => entries.map(([name, field]) => field.encode(value[name], `${where}.${name}`)),
    decode: (value, where) => {
      if (!Array.isArray(value) || value.length !== entries.length) {
        throw wrong(where, `is no list of ${entries.length}`);
      }
      return Object.fromEntries(
        entries.map(([name, field], i) => [name, field.decode(value[i], `${where}.${name}`)]),
      ) as T;
    },
  };
}

/** A map with small integer keys; a key that is not in the shape is refused, so that nothing is signed unseen. */
export function record<T extends object>(shape: RecordShape<T>): Field<T> {
  const slots = Object.entries(shape).map(([name, slot]) => {
    const optional = !Array.isArray(slot);
    const [key, field] = (optional ? (slot as { optional: Slot<unknown> }).optional : slot) as Slot<unknown>;
    return { name: name as keyof T & string, key, field, optional };
  });
  return {
    encode(value, where) {
      const map = new Map<number, unknown>();
      for (const { name, key, field, optional } of slots) {
        if (optional && value[name] === undefined) continue;
        map.set(key, field.encode(value[name], `${where}.${name}`));
      }
      return map;
    },
    decode(value, where) {
      if (!(value instanceof Map)) throw wrong(where, 'is no map');
      const object: Record<string, unknown> = {};
      let known = 0;
      for (const { name, key, field, optional } of slots) {
        if (!value.has(key)) {
          if (optional) continue;
          throw wrong(`${where}.${name}`, 'is missing');
        }
        object[name] = field.decode(value.get(key), `${where}.${name}`);
        known++;
      }
      if (known !== value.size) throw wrong(where, 'has a key that is not known');
      return object as T;
    },
  };
}

const DECIMAL_FRACTION_TAG = 4;
/** What CBOR's own integers hold, and no meter's register exceeds: there is no bignum in our format. */
const MAX_MANTISSA = 2n ** 64n - 1n;
const MIN_MANTISSA = -(2n ** 64n);
const MAX_EXPONENT = 64;

/** Decimal fraction, RFC 8949 §3.4.4: tag 4, [exponent, mantissa]. Digits stay as the meter gave them. */
export const decimalFraction: Field<Decimal> = {
  encode(value, where) {
    return new Tagged(DECIMAL_FRACTION_TAG, [value.exponent, checkedDecimal(value, where).mantissa]);
  },
  decode(value, where) {
    const parts: unknown =
      value instanceof Tagged && value.tag === DECIMAL_FRACTION_TAG ? value.value : undefined;
    if (!Array.isArray(parts) || parts.length !== 2) throw wrong(where, 'is no decimal fraction');
    const [exponent, mantissa] = parts as unknown[];
    if (typeof mantissa !== 'bigint' && !Number.isSafeInteger(mantissa))
      throw wrong(where, 'has no mantissa');
    return checkedDecimal(
      { exponent: exponent as number, mantissa: BigInt(mantissa as number | bigint) },
      where,
    );
  },
};

export const CBOR_TAGS = [DECIMAL_FRACTION_TAG];

function checkedDecimal(value: Decimal, where: string): Decimal {
  const { exponent, mantissa } = value;
  if (!Number.isInteger(exponent) || Math.abs(exponent) > MAX_EXPONENT)
    throw wrong(where, 'has a wild exponent');
  if (mantissa > MAX_MANTISSA || mantissa < MIN_MANTISSA) throw wrong(where, 'has more than 64 bits');
  return value;
}

/** A field whose CBOR form is the value itself. */
function both<T>(check: (value: unknown, where: string) => T): Field<T> {
  return { encode: check, decode: check };
}

export function wrong(where: string, why: string): TypeError {
  return new TypeError(`${where} ${why}`);
}
