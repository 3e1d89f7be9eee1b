import {
  addDecimal,
  compareDecimal,
  subtractDecimal,
  type Decimal,
  type MeasuredValue,
  type MeterSample,
  type ObisCode,
  type Quality,
  type ValueRule,
} from '../../hal/contract/index.ts';
import { expectedSince, frozenAfter, isFrozen, type FrozenWatch } from './frozen-register.ts';
import { ANY_TOTAL, DEFAULT_MAX_RATE, DEFAULT_STEP, usualRange } from './value-limits.ts';

/** What is remembered of a meter between samples: its totals as last believed, and when they were read. */
export interface EnergyHistory {
  readonly meterSerial: string;
  readonly profileId: string;
  readonly totals: ReadonlyMap<ObisCode, KnownTotal>;
  readonly frozen: FrozenWatch | undefined;
}

/** A quantity that is read less often than others has a time of its own. */
interface KnownTotal {
  readonly value: Decimal;
  /** It was this value at this time or later. */
  readonly readBeginMonoMs: number;
}

/**
 * - `decreased`, `rose_too_fast`: no energy flow makes a total do that;
 * - `zero_after_total`: a meter that has counted does not show 0; one that was reset, or starts up, does;
 * - `frozen`: the total does not move, though the meter's own power would have moved it long ago;
 * - `out_of_range`: nothing that the meter can measure;
 * - `rolled_over`: the counter began again at 0, as it does after its last digit; the value is good.
 */
export type FindingRule =
  'decreased' | 'rose_too_fast' | 'zero_after_total' | 'frozen' | 'out_of_range' | 'rolled_over';

export interface Finding {
  readonly obis: ObisCode;
  readonly rule: FindingRule;
  /** What the value has become by it. */
  readonly quality: Quality;
  /** The value as it was last believed; absent for a range. */
  readonly before?: Decimal;
  readonly after: Decimal;
}

export interface Judgement {
  readonly sample: MeterSample;
  readonly history: EnergyHistory;
  readonly findings: readonly Finding[];
}

export type ValueRules = ReadonlyMap<ObisCode, ValueRule>;

const NO_RULES: ValueRules = new Map();

/** Beyond the time between two reads: how old a value may be inside of a meter when it is read. */
const UPDATE_INTERVAL_MS = 1_000;
const MS_PER_HOUR = 3_600_000;

/**
 * Marks values that cannot be: `O` (out of range) for what no meter can have measured, `E` for a total that stands still
 * while power flows. Only values of quality `G` are judged; others are believed to be bad already.
 *
 * The last believed total stays the measure until a believable one comes, so that one wild sample does not make the next
 * good one look wrong. Another serial number or profile starts anew: totals of two meters say nothing about each other.
 * `rules` are what the meter's profile knows beforehand; what they leave open is judged by limits wide enough for any station.
 */
export function judgeSample(
  sample: MeterSample,
  history: EnergyHistory | undefined,
  rules: ValueRules = NO_RULES,
): Judgement {
  const known = isOfSameMeter(history, sample) ? history : undefined;
  const findings: Finding[] = [];
  const mark = (value: MeasuredValue, broken: Broken | undefined, before?: Decimal): MeasuredValue => {
    if (broken === undefined) return value;
    const { obis, value: after } = value;
    findings.push({ obis, ...broken, ...(before === undefined ? {} : { before }), after });
    return broken.quality === 'G' ? value : { ...value, quality: broken.quality };
  };

  const inRange = sample.values.map((value) =>
    value.quality === 'G' ? mark(value, brokenRange(value, rules.get(value.obis) ?? {})) : value,
  );
  const watch = expectedSince(known?.frozen, { ...sample, values: inRange });
  const totals = new Map(known?.totals);
  const values = inRange.map((value) => {
    const rule = rules.get(value.obis) ?? {};
    if (value.quality !== 'G' || !isTotal(value, rule)) return value;
    const before = known?.totals.get(value.obis);
    const broken = before && brokenTotal(before, value, { sample, rule, watch });
    const marked = mark(value, broken, before?.value);
    if (marked.quality === 'G') {
      totals.set(value.obis, { value: value.value, readBeginMonoMs: sample.readBeginMonoMs });
    }
    return marked;
  });
  const { meterSerial, profileId } = sample;
  const frozen = frozenAfter(watch, known?.totals, totals);
  const marked = values.some((value, index) => value !== sample.values[index]);
  return {
    sample: marked ? { ...sample, values } : sample,
    history: { meterSerial, profileId, totals, frozen },
    findings,
  };
}

function isOfSameMeter(history: EnergyHistory | undefined, sample: MeterSample): boolean {
  return history?.meterSerial === sample.meterSerial && history.profileId === sample.profileId;
}

/** Cumulative quantities: all energy, and whatever a profile says never falls. */
function isTotal({ obis }: MeasuredValue, { monotonic }: ValueRule): boolean {
  return monotonic === true || ANY_TOTAL.test(obis);
}

type Broken = Pick<Finding, 'rule' | 'quality'>;

function brokenRange(value: MeasuredValue, rule: ValueRule): Broken | undefined {
  const range = rule.range ?? usualRange(value);
  if (range === undefined) return undefined;
  const inside = compareDecimal(value.value, range.min) >= 0 && compareDecimal(value.value, range.max) <= 0;
  return inside ? undefined : { rule: 'out_of_range', quality: 'O' };
}

function brokenTotal(
  before: KnownTotal,
  { obis, value: after }: MeasuredValue,
  { sample, rule, watch }: { sample: MeterSample; rule: ValueRule; watch: FrozenWatch | undefined },
): Broken | undefined {
  const elapsedMs = sample.readEndMonoMs - before.readBeginMonoMs;
  const change = subtractDecimal(after, before.value);
  if (change.mantissa === 0n) {
    const still = watch !== undefined && isFrozen(watch, obis, rule.step ?? DEFAULT_STEP);
    return still ? { rule: 'frozen', quality: 'E' } : undefined;
  }
  const fell = change.mantissa < 0n;
  if (rule.monotonic === false) {
    const size = fell ? { ...change, mantissa: -change.mantissa } : change;
    return isTooFast(size, elapsedMs, rule) ? TOO_FAST : undefined;
  }
  // Also where a counter may have rolled over: the next value tells that just as well, and is no zero.
  if (after.mantissa === 0n) return { rule: 'zero_after_total', quality: 'O' };
  if (!fell) return isTooFast(change, elapsedMs, rule) ? TOO_FAST : undefined;
  // Only with a rate of the meter's own: by the wide default, a reset after a long gap would look like it too.
  const around = rule.maxRate && rule.rolloverAt && addDecimal(change, rule.rolloverAt);
  const rolledOver =
    around !== undefined &&
    around.mantissa >= 0n &&
    after.mantissa >= 0n &&
    !isTooFast(around, elapsedMs, rule);
  return rolledOver ? { rule: 'rolled_over', quality: 'G' } : { rule: 'decreased', quality: 'O' };
}

const TOO_FAST: Broken = { rule: 'rose_too_fast', quality: 'O' };

/** Rise > rate * time, with two counts of the register, or one kWh where they are not known, to spare. */
function isTooFast(rise: Decimal, elapsedMs: number, { maxRate, step }: ValueRule): boolean {
  const timeMs = Math.ceil(Math.max(0, elapsedMs)) + UPDATE_INTERVAL_MS;
  const byRate = times(maxRate ?? DEFAULT_MAX_RATE, timeMs);
  const toSpare = times(step === undefined ? DEFAULT_STEP : times(step, 2), MS_PER_HOUR);
  return compareDecimal(times(rise, MS_PER_HOUR), addDecimal(byRate, toSpare)) > 0;
}

function times({ mantissa, exponent }: Decimal, factor: number): Decimal {
  return { mantissa: mantissa * BigInt(factor), exponent };
}

/** Long enough for any total to have got anywhere: how old a total is that was read before the machine was booted. */
const BEFORE_BOOT_MS = -10 * 365 * 24 * MS_PER_HOUR;

/**
 * The history that a reading of an earlier run leaves behind. Of one from before this boot only the totals are known, not
 * when they were read by this boot's clock: a total may then have risen as far as it likes, but not fallen.
 */
export function historyOfReading(reading: MeterSample, rules: ValueRules, sameBoot: boolean): EnergyHistory {
  const times = { readBeginMonoMs: BEFORE_BOOT_MS, readEndMonoMs: BEFORE_BOOT_MS };
  const { history } = judgeSample(sameBoot ? reading : { ...reading, ...times }, undefined, rules);
  // Whether a total stands still is judged within one run: how long nobody looked says nothing about the meter.
  return { ...history, frozen: undefined };
}
