// What the entries of a receipt say, in a form that people and programs can read.
import { formatDecimal, type MeasuredValue } from '../../hal/contract/index.ts';
import { formatTime, type ClockStatus, type CommandBody, type JournalEntry } from '../journal/index.ts';
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
  /** What an entry without a reading tells: a fault and its facts, what a gap left out, a tariff. A stranger's text. */
  readonly tells?: string;
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
  const tells = tellingOf(entry);
  return {
    index: entry.index,
    kind: entry.kind,
    time: formatTime(entry.timeMs),
    clock: CLOCK_WORDS[entry.clock],
    bootCount: entry.bootCount,
    sinceBootMs: entry.sinceBootMs,
    ...(tells === undefined ? {} : { tells }),
    ...(sample === undefined
      ? {}
      : { meterSerial: sample.meterSerial, values: sample.values.map(statedValue) }),
  };
}

function tellingOf(entry: JournalEntry): string | undefined {
  switch (entry.kind) {
    case 'fault': {
      const facts = (entry.body.facts ?? []).map(({ name, value }) => `${name} ${value}`).join(', ');
      return `${entry.body.code}: ${entry.body.message}${facts === '' ? '' : ` (${facts})`}`;
    }
    case 'gap':
      return 'ranges' in entry.body
        ? `${entry.body.reason}: ${entry.body.dropped.map(({ kind, entries }) => `${entries} ${kind}`).join(', ')} gone from the journal`
        : `${entry.body.missing} readings of meter ${entry.body.meterId} are missing: ${entry.body.reason}`;
    case 'meter-swap':
      return `meter ${entry.body.meterId}: ${entry.body.oldSerial} exchanged for ${entry.body.newSerial}`;
    case 'clock-step':
      return `${entry.body.reason ?? 'set'}: ${entry.body.stepMs} ms, clock ${CLOCK_WORDS[entry.body.before]}, then ${CLOCK_WORDS[entry.body.after]}`;
    case 'tariff':
      return `${entry.body.tariffId}: ${entry.body.tariff}`;
    case 'config':
      return entry.body.reason;
    case 'boot':
      return entry.body.software;
    case 'command':
      return commandTold(entry.body);
    case 'reading':
    case 'session-begin':
    case 'session-end':
      return undefined;
  }
}

function commandTold({
  command,
  operator = 'an unknown key',
  outcome,
  code,
  count = 1,
}: CommandBody): string {
  const what = command === '' ? 'unreadable command' : command;
  if (outcome === 'accepted') return `${what}: accepted of ${operator}`;
  return `${what}: refused of ${operator}, ${code}${count > 1 ? `, ${count} times` : ''}`;
}

function statedValue({ obis, value, unit, quality }: MeasuredValue): StatedValue {
  return { obis, value: formatDecimal(value), unit, quality };
}
