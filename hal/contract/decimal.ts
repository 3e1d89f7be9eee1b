/**
 * Exact decimal numbers: `mantissa * 10^exponent`, as in RFC 8949 §3.4.4 (decimal fraction, tag 4).
 * No float ever holds energy or money; a register value becomes a Decimal once and stays one.
 */
export interface Decimal {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Exponents outside of this range are no meter reading; refusing them bounds every later computation. */
const MAX_EXPONENT = 64;

export const ZERO: Decimal = { mantissa: 0n, exponent: 0 };

/** @throws RangeError when the exponent is no integer between -64 and 64. */
export function decimal(mantissa: bigint | number, exponent = 0): Decimal {
  if (!Number.isInteger(exponent) || Math.abs(exponent) > MAX_EXPONENT) {
    throw new RangeError(`decimal exponent ${exponent} is not an integer between -64 and 64`);
  }
  return { mantissa: BigInt(mantissa), exponent };
}

/**
 * Reads `-12.50`, `7`, `.5` or `1e-3`. Trailing zeros are kept: `12.50` is 1250 * 10^-2.
 * @throws RangeError for anything else (NaN, Infinity, empty text).
 */
export function parseDecimal(text: string): Decimal {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text.trim());
  const [, sign = '', whole = '', fraction = '', power = '0'] = match ?? [];
  if (match === null || whole + fraction === '') throw new RangeError(`not a decimal number: "${text}"`);
  const magnitude = BigInt(whole + fraction);
  return decimal(sign === '-' ? -magnitude : magnitude, Number(power) - fraction.length);
}

/** Plain notation without an exponent: `{1250n, -2}` is `12.50`, `{5n, 3}` is `5000`. */
export function formatDecimal({ mantissa, exponent }: Decimal): string {
  if (exponent >= 0) return (mantissa * 10n ** BigInt(exponent)).toString();
  const negative = mantissa < 0n;
  const digits = (negative ? -mantissa : mantissa).toString().padStart(1 - exponent, '0');
  const point = digits.length + exponent;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Negative, zero or positive, like the compare function of Array.prototype.sort. */
export function compareDecimal(a: Decimal, b: Decimal): number {
  const exponent = Math.min(a.exponent, b.exponent);
  const difference = mantissaAt(a, exponent) - mantissaAt(b, exponent);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function addDecimal(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  return { mantissa: mantissaAt(a, exponent) + mantissaAt(b, exponent), exponent };
}

export function subtractDecimal(a: Decimal, b: Decimal): Decimal {
  return addDecimal(a, { mantissa: -b.mantissa, exponent: b.exponent });
}

/** Multiplies by a power of ten without touching a digit: kWh to Wh is `shiftDecimal(value, 3)`. */
export function shiftDecimal(value: Decimal, powerOfTen: number): Decimal {
  return decimal(value.mantissa, value.exponent + powerOfTen);
}

/** The same number with no trailing zero in its mantissa; the one form that equal numbers share. */
export function normalizeDecimal({ mantissa, exponent }: Decimal): Decimal {
  if (mantissa === 0n) return ZERO;
  while (mantissa % 10n === 0n && exponent < MAX_EXPONENT) {
    mantissa /= 10n;
    exponent++;
  }
  return { mantissa, exponent };
}

function mantissaAt(value: Decimal, exponent: number): bigint {
  return value.mantissa * 10n ** BigInt(value.exponent - exponent);
}
