// What the entries of a receipt say, in a form that people and programs can read.
import { formatDecimal, type MeasuredValue } from '../../hal/contract/index.ts';
import { formatTime, type ClockStatus, type JournalEntry } from '../journal/index.ts';
import { sampleOf } from './believed-entries.ts';

/** Values are decimal strings, exact as the meter showed them. */
export interface Statement {
  readonly index: number;
  readonly kind: JournalEntry['kind'];
  /** ISO 8601, UTC, by the station's clock. */
  readonly time: string;
  /** What that clock was worth. */
  readonly clock: string;
  /** Which boot of the station, and milliseconds since then by a clock that never jumps. */
  readonly bootCount: number;
  readonly sinceBootMs: number;
  readonly meterSerial?: string;
  readonly values?: readonly StatedValue[];
}

export interface StatedValue {
  readonly obis: string;
  readonly value: string;
  readonly unit: string;
  readonly quality: string;
}

export const CLOCK_WORDS: Readonly<Record<ClockStatus, string>> = {
  U: 'unknown',
  I: 'informative',
  S: 'synchronised',
  R: 'relative',
};

export function statementOf(entry: JournalEntry): Statement {
  const sample = sampleOf(entry);
  return {
    index: entry.index,
    kind: entry.kind,
    time: formatTime(entry.timeMs),
    clock: CLOCK_WORDS[entry.clock],
    bootCount: entry.bootCount,
    sinceBootMs: entry.sinceBootMs,
    ...(sample === undefined
      ? {}
      : { meterSerial: sample.meterSerial, values: sample.values.map(statedValue) }),
  };
}

function statedValue({ obis, value, unit, quality }: MeasuredValue): StatedValue {
  return { obis, value: formatDecimal(value), unit, quality };
}
