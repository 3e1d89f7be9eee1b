import { normalizeDecimal, parseDecimal, type Decimal } from '../../contract/index.ts';

/** Nine significant digits tell any two 32-bit floats apart, seventeen any two 64-bit ones (IEEE 754-2019 §5.12.2). */
const MAX_DIGITS_32 = 9;

/**
 * The decimal of the fewest digits that reads back as the same 32-bit float.
 *
 * The meter counted in steps of its own (0.01 kWh, 0.1 V) and then rounded to the nearest float: 12.3 became
 * 12.30000019073486328125. Both decimals name the same float, but only the short one is what the meter meant and what its
 * display shows; the long one claims twenty digits that nobody measured. Where two decimals of the fewest digits read
 * back, the one nearer to the float is taken.
 * @throws RangeError for NaN and the infinities.
 */
export function decimalOfFloat32(value: number): Decimal {
  if (value === 0) return parseDecimal('0');
  for (let digits = 1; digits < MAX_DIGITS_32; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return normalizeDecimal(parseDecimal(text));
  }
  return normalizeDecimal(parseDecimal(value.toPrecision(MAX_DIGITS_32)));
}

/**
 * The same for 64 bits: ECMAScript's number-to-string conversion is that decimal (ECMA-262 §6.1.6.1.20).
 * @throws RangeError for NaN, the infinities, and exponents that no meter reading has.
 */
export function decimalOfFloat64(value: number): Decimal {
  return normalizeDecimal(parseDecimal(String(value === 0 ? 0 : value)));
}
