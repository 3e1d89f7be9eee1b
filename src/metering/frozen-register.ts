import {
  compareDecimal,
  ENERGY_EXPORT,
  ENERGY_IMPORT,
  POWER_ACTIVE,
  type Decimal,
  type MeterSample,
  type ObisCode,
} from '../../hal/contract/index.ts';

// A gateway that answers for a dead meter from its memory, or a meter whose measuring half has hung, shows totals that do
// not move. What the energy must have become is known from the meter's own power.

/** Energy that power must have added to each total since it last moved, in milliwatts times milliseconds. */
export interface FrozenWatch {
  readonly readEndMonoMs: number;
  readonly powerMilliW: bigint;
  readonly expected: ReadonlyMap<ObisCode, bigint>;
}

/** A watt-hour. */
const MILLI_W_MS_PER_WH = 3_600_000_000n;
/** Below that, meters may not count at all (starting current, IEC 62053-21 §7.10: 0.4 % of 10 A and up). */
const LEAST_POWER_MILLI_W = 100_000n;
/** Over a longer time, two powers do not say what flowed between them. */
const LONGEST_INTERVAL_MS = 30_000;
/** Beside three counts of the register: what a meter may hold back before it shows it. */
const SLACK_WH = 100n;

/** Adds what has flowed since the last sample: the lesser of the two powers, if they agree in direction. */
export function expectedSince(
  before: FrozenWatch | undefined,
  { values, readBeginMonoMs, readEndMonoMs }: MeterSample,
): FrozenWatch | undefined {
  const power = values.find(({ obis, quality }) => obis === POWER_ACTIVE && quality === 'G');
  if (power === undefined) return undefined;
  const powerMilliW = wholeMilliW(power.value);
  const expected = new Map(before?.expected);
  if (before !== undefined) {
    const flowed = lesser(before.powerMilliW, powerMilliW);
    const total = flowed > 0n ? ENERGY_IMPORT : ENERGY_EXPORT;
    const size = flowed < 0n ? -flowed : flowed;
    const elapsedMs = Math.floor(readBeginMonoMs - before.readEndMonoMs);
    if (size >= LEAST_POWER_MILLI_W && elapsedMs > 0 && elapsedMs <= LONGEST_INTERVAL_MS) {
      expected.set(total, (expected.get(total) ?? 0n) + size * BigInt(elapsedMs));
    }
  }
  return { readEndMonoMs, powerMilliW, expected };
}

/** Whether a total that has not moved since should have, by three counts (`step`, in Wh) and more. */
export function isFrozen(watch: FrozenWatch, obis: ObisCode, step: Decimal): boolean {
  const threshold = { mantissa: step.mantissa * 3n * MILLI_W_MS_PER_WH, exponent: step.exponent };
  const expected = (watch.expected.get(obis) ?? 0n) - SLACK_WH * MILLI_W_MS_PER_WH;
  return compareDecimal({ mantissa: expected, exponent: 0 }, threshold) > 0;
}

/** Totals that moved start anew. */
export function frozenAfter(
  watch: FrozenWatch | undefined,
  before: ReadonlyMap<ObisCode, { readonly value: Decimal }> | undefined,
  after: ReadonlyMap<ObisCode, { readonly value: Decimal }>,
): FrozenWatch | undefined {
  if (watch === undefined) return undefined;
  const still = [...watch.expected].filter(([obis]) => {
    const [was, is] = [before?.get(obis), after.get(obis)];
    return was !== undefined && is !== undefined && compareDecimal(was.value, is.value) === 0;
  });
  return { ...watch, expected: new Map(still) };
}

function lesser(a: bigint, b: bigint): bigint {
  if (a > 0n && b > 0n) return a < b ? a : b;
  if (a < 0n && b < 0n) return a > b ? a : b;
  return 0n;
}

function wholeMilliW({ mantissa, exponent }: Decimal): bigint {
  return exponent >= -3 ? mantissa * 10n ** BigInt(exponent + 3) : mantissa / 10n ** BigInt(-3 - exponent);
}
