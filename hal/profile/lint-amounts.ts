import { compareDecimal, parseDecimal, ZERO, type Decimal, type ProfilePoint } from '../contract/index.ts';
import type { Locate, Path, Problem } from '../strict-yaml/index.ts';

const CUMULATIVE = /^1-\d+:\d+\.8\./;
/** Values that registers without a sign hold: 2^16, 2^32, 2^48, 2^64. */
const COUNTS: Readonly<Record<string, bigint>> = {
  u16: 1n << 16n,
  u32: 1n << 32n,
  u48: 1n << 48n,
  u64: 1n << 64n,
};

/** Ranges, rates and rollovers of one point: of the right kind of quantity, and possible. */
export function lintAmounts(point: ProfilePoint, path: Path, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const at = (key: string, message: string): number => problems.push(locate([...path, key], message));
  const total = CUMULATIVE.test(point.obis) || point.monotonic === true;
  for (const key of ['rolloverAt', 'maxRate'] as const) {
    const text = point[key];
    if (text === undefined) continue;
    if (!total) at(key, `${point.obis} does not count`);
    if (compareDecimal(parseDecimal(text), ZERO) <= 0) at(key, 'must be above 0');
  }
  if (point.monotonic === false && point.rolloverAt !== undefined) {
    at('rolloverAt', 'a value that may fall does not roll over');
  }
  if (point.rolloverAt !== undefined && point.maxRate === undefined) {
    at('maxRate', 'is missing: without it a rollover cannot be told from a reset');
  }
  const highest = highestOf(point);
  if (point.rolloverAt !== undefined && highest !== undefined) {
    if (compareDecimal(parseDecimal(point.rolloverAt), highest) > 0) {
      at('rolloverAt', `the register begins again before that`);
    }
  }
  if (point.range !== undefined) {
    const [min, max] = [parseDecimal(point.range[0]), parseDecimal(point.range[1])];
    if (compareDecimal(min, max) >= 0) at('range', 'the first must be below the second');
    if (highest !== undefined && compareDecimal(min, highest) >= 0) at('range', 'is beyond the register');
  }
  return problems;
}

/** The first value that the register cannot show, where the profile alone says it. */
function highestOf(point: ProfilePoint): Decimal | undefined {
  const { type, decimalExponent, decimalExponentFrom, lowPart, bitField } = point;
  const counts = bitField === undefined ? COUNTS[type] : 1n << BigInt(bitField.bitCount);
  if (counts === undefined || decimalExponentFrom !== undefined) return undefined;
  const mantissa = lowPart === undefined ? counts : counts * BigInt(lowPart.highTimes);
  return type.startsWith('u') ? { mantissa, exponent: decimalExponent } : undefined;
}
