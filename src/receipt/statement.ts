// What the entries of a receipt say, in a form that people and programs can read.
import {
  compareDecimal,
  ENERGY_IMPORT,
  formatDecimal,
  subtractDecimal,
  type Decimal,
  type MeasuredValue,
  type MeterSample,
} from '../../hal/contract/index.ts';
import { formatTime, type ClockStatus, type JournalEntry } from '../journal/index.ts';
import type { ReadEntry } from './entry-checks.ts';

/** Values are decimal strings, exact as the meter showed them. */
export interface Statement {
  readonly index: number;
  readonly kind: JournalEntry['kind'];
  /** ISO 8601, UTC, by the station's clock. */
  readonly time: string;
  /** What that clock was worth. */
  readonly clock: string;
  readonly meterSerial?: string;
  readonly values?: readonly StatedValue[];
}

export interface StatedValue {
  readonly obis: string;
  readonly value: string;
  readonly unit: string;
  readonly quality: string;
}

/** Energy imported between two readings of one meter in a receipt. */
export interface EnergyBetween {
  readonly meterSerial: string;
  readonly fromIndex: number;
  readonly toIndex: number;
  /** Exact, in Wh. */
  readonly wh: string;
}

const CLOCK_WORDS: Readonly<Record<ClockStatus, string>> = {
  U: 'unknown',
  I: 'informative',
  S: 'synchronised',
  R: 'relative',
};

/** Empty as soon as one entry is not signed by the receipt's key: what is not signed is not said. */
export function statementsOf(entries: readonly ReadEntry[]): Statement[] {
  if (entries.some(({ entry, why }) => entry === undefined || why !== undefined)) return [];
  return entries.flatMap(({ entry }) => (entry === undefined ? [] : [statementOf(entry)]));
}

function statementOf(entry: JournalEntry): Statement {
  const sample = sampleOf(entry);
  return {
    index: entry.index,
    kind: entry.kind,
    time: formatTime(entry.timeMs),
    clock: CLOCK_WORDS[entry.clock],
    ...(sample === undefined
      ? {}
      : { meterSerial: sample.meterSerial, values: sample.values.map(statedValue) }),
  };
}

function sampleOf(entry: JournalEntry): MeterSample | undefined {
  switch (entry.kind) {
    case 'reading':
      return entry.body;
    case 'session-begin':
    case 'session-end':
      return entry.body.reading;
    case 'boot':
    case 'meter-swap':
    case 'clock-step':
    case 'config':
    case 'gap':
    case 'tariff':
    case 'fault':
      return undefined;
  }
}

function statedValue({ obis, value, unit, quality }: MeasuredValue): StatedValue {
  return { obis, value: formatDecimal(value), unit, quality };
}

interface Register {
  readonly meterSerial: string;
  readonly fromIndex: number;
  readonly first: Decimal;
  toIndex: number;
  last: Decimal;
  wentBack: boolean;
}

/**
 * For each meter with two good readings or more, the energy from the first to the last. A meter whose register went
 * back from one of them to the next gives none: that is for people to look at, not for subtraction. Serial numbers are
 * a maker's own, so a meter is its profile and its serial number.
 */
export function energyBetween(entries: readonly ReadEntry[]): EnergyBetween[] {
  const registers = new Map<string, Register>();
  for (const { entry } of entries) {
    const sample = entry === undefined ? undefined : sampleOf(entry);
    const energy = sample?.values.find((each) => each.obis === ENERGY_IMPORT && each.quality === 'G');
    if (entry === undefined || sample === undefined || energy?.unit !== 'Wh') continue;
    const { index } = entry;
    const { value } = energy;
    const { meterSerial, profileId } = sample;
    const meter = JSON.stringify([profileId, meterSerial]);
    const register = registers.get(meter);
    if (register === undefined) {
      const begin = { meterSerial, fromIndex: index, first: value };
      registers.set(meter, { ...begin, toIndex: index, last: value, wentBack: false });
    } else {
      register.wentBack ||= compareDecimal(value, register.last) < 0;
      register.toIndex = index;
      register.last = value;
    }
  }
  return [...registers.values()].flatMap(({ meterSerial, fromIndex, toIndex, first, last, wentBack }) => {
    if (fromIndex === toIndex || wentBack) return [];
    return [{ meterSerial, fromIndex, toIndex, wh: formatDecimal(subtractDecimal(last, first)) }];
  });
}
