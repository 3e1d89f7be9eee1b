import { isObisCode, UNITS, type DecodedValue, type MeasuredValue, type Unit } from '../../contract/index.ts';

/** What of a telegram belongs into a sample. */
export interface TelegramValues {
  readonly values: readonly MeasuredValue[];
  /** Values that are none of a sample's: see `measuredValues`. */
  readonly leftOut: number;
}

/** Electricity, the billing period that runs: `1-…:…*255`. Other media and past periods are not what the meter measures now. */
const PRESENT_ELECTRICITY = /^1-.*\*255$/;
const MOST_BITS = 64;
const MOST_EXPONENT = 64;

/**
 * Values with a full code and a unit of the contract, as they were sent. Left out are others, and a code that occurs twice
 * with different values: nothing says which one it is. Pure.
 */
export function measuredValues(decoded: readonly DecodedValue[]): TelegramValues {
  const byCode = new Map<string, MeasuredValue | 'ambiguous'>();
  for (const { obis, value, unit, quality } of decoded) {
    if (!isObisCode(obis) || !PRESENT_ELECTRICITY.test(obis) || !isUnit(unit) || !isStorable(value)) continue;
    const before = byCode.get(obis);
    if (before === undefined) byCode.set(obis, { obis, value, unit, quality });
    else if (before === 'ambiguous' || !isSame(before, { value, unit })) byCode.set(obis, 'ambiguous');
  }
  const values = [...byCode.values()].filter((value) => value !== 'ambiguous');
  return { values, leftOut: decoded.length - values.length };
}

function isUnit(text: string): text is Unit {
  return (UNITS as readonly string[]).includes(text);
}

/** A journal takes what fits into 64 bits; no meter counts further. */
function isStorable({ mantissa, exponent }: DecodedValue['value']): boolean {
  return Math.abs(exponent) <= MOST_EXPONENT && BigInt.asIntN(MOST_BITS, mantissa) === mantissa;
}

function isSame(a: Pick<MeasuredValue, 'value' | 'unit'>, b: Pick<MeasuredValue, 'value' | 'unit'>): boolean {
  return a.unit === b.unit && a.value.mantissa === b.value.mantissa && a.value.exponent === b.value.exponent;
}
