import {
  decimal,
  parseDecimal,
  type MeterProfile,
  type ObisCode,
  type ProfilePoint,
  type ValueRule,
} from '../../contract/index.ts';

/** What the profile knows of its quantities beforehand, for whoever judges their values. */
export function valueRulesOf({ points }: MeterProfile): ReadonlyMap<ObisCode, ValueRule> {
  return new Map(points.map((point) => [point.obis, valueRule(point)]));
}

function valueRule(point: ProfilePoint): ValueRule {
  const { monotonic, rolloverAt, maxRate, range } = point;
  const step = stepOf(point);
  return {
    ...(monotonic === undefined ? {} : { monotonic }),
    ...(rolloverAt === undefined ? {} : { rolloverAt: parseDecimal(rolloverAt) }),
    ...(maxRate === undefined ? {} : { maxRate: parseDecimal(maxRate) }),
    ...(range === undefined ? {} : { range: { min: parseDecimal(range[0]), max: parseDecimal(range[1]) } }),
    ...(step === undefined ? {} : { step }),
  };
}

/** Integers count in steps of their own; a float's step depends on its value, and a register may hold any exponent. */
function stepOf({ type, decimalExponent, decimalExponentFrom }: ProfilePoint): ValueRule['step'] {
  const isFloat = type === 'float32' || type === 'float64';
  return isFloat || decimalExponentFrom !== undefined ? undefined : decimal(1, decimalExponent);
}
