import {
  compareDecimal,
  formatDecimal,
  isObisCode,
  parseDecimal,
  type Decimal,
} from '../../../hal/contract/index.ts';
import type { MeterTruth, ShownState, ShownValue, StationTruth } from '../../../hal/simulator/index.ts';

/** One journaled reading, as `meter read --json` and the journal have it. Times in ms since boot (CLOCK_MONOTONIC). */
export interface JournaledReading {
  readonly meterSerial: string;
  readonly profileId: string;
  readonly readBeginMonoMs: number;
  readonly readEndMonoMs: number;
  readonly values: readonly JournaledValue[];
}

export interface JournaledValue {
  readonly obis: string;
  readonly value: Decimal | string;
  readonly unit: string;
  readonly quality: string;
}

export type MismatchReason =
  /** No meter of the station has that serial number. */
  | 'unknown-meter'
  /** The meter is of another model than the profile it was read with. */
  | 'wrong-profile'
  /** The reading ends before it begins, or its times are no numbers. */
  | 'bad-window'
  /** The window reaches behind what the simulator still remembers: nothing can be said, so nothing counts as right. */
  | 'forgotten'
  /** The reading has no values at all. */
  | 'empty'
  /** Two values with the same OBIS code. */
  | 'repeated'
  | 'not-a-number'
  /** The meter does not show that OBIS code. */
  | 'unknown-quantity'
  | 'wrong-unit'
  /** Shown before the window, not within it: an old value passed off as a fresh one. */
  | 'shown-before'
  /** Shown only after the window. */
  | 'shown-after'
  /** Within the window it is what the meter showed under another OBIS code. */
  | 'other-quantity'
  | 'never-shown';

export interface Mismatch {
  readonly meterSerial: string;
  readonly obis: string | undefined;
  readonly reason: MismatchReason;
  readonly detail: string;
}

export interface ReadingVerdict {
  /** Values that claim to be good and were compared. */
  readonly checked: number;
  /** Values with a quality other than `G`: they claim nothing. */
  readonly notGood: number;
  readonly mismatches: readonly Mismatch[];
}

/**
 * The journal keeps times in whole milliseconds, so that a window may have lost up to a millisecond at either end. The
 * tolerance widens the window by that, and thereby only ever admits a state that was renewed within it of the window's
 * ends; it never admits a value that the meter did not show.
 */
export const DEFAULT_TOLERANCE_MS = 1;

/** Was each value of the reading what the meter showed under that OBIS code at some moment while it was read? */
export function checkReading(
  truth: StationTruth,
  reading: JournaledReading,
  toleranceMs = DEFAULT_TOLERANCE_MS,
): ReadingVerdict {
  const whole = (reason: MismatchReason, detail: string): ReadingVerdict => ({
    checked: 0,
    notGood: 0,
    mismatches: [{ meterSerial: reading.meterSerial, obis: undefined, reason, detail }],
  });
  const meter = truth.meter(reading.meterSerial);
  if (meter === undefined) return whole('unknown-meter', `no meter has the serial ${reading.meterSerial}`);
  if (meter.modelId !== reading.profileId)
    return whole('wrong-profile', `a ${meter.modelId} was read as ${reading.profileId}`);
  const { readBeginMonoMs: begin, readEndMonoMs: end } = reading;
  if (!(Number.isFinite(begin) && Number.isFinite(end) && begin <= end))
    return whole('bad-window', `from ${begin} to ${end}`);
  if (begin + toleranceMs < (meter.history.sinceMonoMs ?? Infinity))
    return whole('forgotten', `the window begins at ${begin}, the history at ${meter.history.sinceMonoMs}`);
  if (reading.values.length === 0) return whole('empty', 'a reading without values');
  const states = meter.history.between(begin - toleranceMs, end + toleranceMs);
  const good = reading.values.filter(({ quality }) => quality === 'G');
  const seen = new Set<string>();
  const mismatches = good.flatMap((value) => {
    const found = seen.has(value.obis)
      ? { reason: 'repeated' as const, detail: 'given twice' }
      : judge(value, meter, states, begin);
    seen.add(value.obis);
    return found === undefined ? [] : [{ meterSerial: reading.meterSerial, obis: value.obis, ...found }];
  });
  return { checked: good.length, notGood: reading.values.length - good.length, mismatches };
}

type Finding = Pick<Mismatch, 'reason' | 'detail'>;

function judge(
  { obis, value, unit }: JournaledValue,
  meter: MeterTruth,
  states: readonly ShownState[],
  beginMonoMs: number,
): Finding | undefined {
  const read = typeof value === 'string' ? parsed(value) : value;
  if (read === undefined) return { reason: 'not-a-number', detail: JSON.stringify(value) };
  const shown = states.flatMap((state) => shownUnder(state, obis));
  const [first] = shown;
  if (first === undefined)
    return { reason: 'unknown-quantity', detail: `a ${meter.modelId} does not show it` };
  if (first.unit !== unit) return { reason: 'wrong-unit', detail: `${unit} instead of ${first.unit}` };
  const isRead = (candidate: ShownValue) => compareDecimal(candidate.value, read) === 0;
  if (shown.some(isRead)) return undefined;
  const expected = [...new Set(shown.map((each) => formatDecimal(each.value)))].join(' or ');
  const detail = `${formatDecimal(read)} ${unit}, the meter showed ${expected}`;
  return { reason: explain(obis, meter, states, beginMonoMs, isRead), detail };
}

/** Why a wrong value is wrong: what a person who looks for the fault wants to know first. */
function explain(
  obis: string,
  meter: MeterTruth,
  states: readonly ShownState[],
  beginMonoMs: number,
  isRead: (candidate: ShownValue) => boolean,
): MismatchReason {
  if (states.some((state) => [...state.values].some(([other, each]) => other !== obis && isRead(each))))
    return 'other-quantity';
  const otherTimes = meter.history.all().filter((state) => shownUnder(state, obis).some(isRead));
  if (otherTimes.some((state) => state.fromMonoMs < beginMonoMs)) return 'shown-before';
  return otherTimes.length > 0 ? 'shown-after' : 'never-shown';
}

function shownUnder(state: ShownState, obis: string): readonly ShownValue[] {
  const shown = isObisCode(obis) ? state.values.get(obis) : undefined;
  return shown === undefined ? [] : [shown];
}

function parsed(text: string): Decimal | undefined {
  try {
    return parseDecimal(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
