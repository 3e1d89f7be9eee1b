import { shiftDecimal, type Decimal } from '../../hal/contract/index.ts';
import type { FoundRecord } from './read-ocmf.ts';
import type { RecordReading, ReadingValue } from './record.ts';
import { END_REASONS, ENERGY_UNITS } from './vocabulary.ts';

const OBIS = /^(\w{1,4})-(\w{1,4}):(\w{1,4})\.(\w{1,4})\.(\w{1,4})(?:[*.](\w{1,4}))?$/;

interface ObisGroups {
  readonly quantity: string;
  readonly processing: string;
  readonly canonical: string;
}

/**
 * Meters write one register in many ways: `1-0:1.8.0`, `01-00:01.08.00.FF`, `1-0:1.8.0*255`. Groups are compared without
 * leading zeros and in upper case; a last group of FF or 255 says "current" and is the same as none (IEC 62056-6-1).
 */
function obisGroups(text: string | undefined): ObisGroups {
  const match = OBIS.exec(text ?? '');
  if (match === null) return { quantity: '', processing: '', canonical: text ?? '' };
  const [a, b, c = '', d = '', e, f = ''] = match
    .slice(1)
    .map((group: string | undefined) => (group ?? '').toUpperCase().replace(/^0+(?=.)/, ''));
  const storage = f === '' || f === 'FF' || f === '255' ? '' : `*${f}`;
  return { quantity: c, processing: d, canonical: `${a}-${b}:${c}.${d}.${e}${storage}` };
}

/**
 * Which way energy flows, as seen from the vehicle: C = 1 and 2 of IEC 62056-6-1, B0 to B3 and C0 to C3 of OCMF 1.4 table 25, 98
 * (transaction import in the example of the transparency software); all of them counters (D = 8, "time integral").
 */
export function energyDirection(obis: string | undefined): 'import' | 'export' | undefined {
  const { quantity, processing } = obisGroups(obis);
  if (processing !== '8') return undefined;
  if (/^(1|98|B[0-3])$/.test(quantity)) return 'import';
  return /^(2|C[0-3])$/.test(quantity) ? 'export' : undefined;
}

/** A reading of a register, in the order of the records. */
export interface RegisterReading {
  readonly reading: RecordReading;
  readonly value: ReadingValue;
  /** Index of its record among those of the session. */
  readonly record: number;
}

export interface Register {
  /** As its first reading has it. */
  readonly obis: string | undefined;
  readonly unit: string | undefined;
  readonly readings: readonly RegisterReading[];
}

/** The readings of a session by register, in the order of their first appearance. */
export function registersOf(session: readonly FoundRecord[]): readonly Register[] {
  const registers = new Map<string, RegisterReading[]>();
  for (const [index, { record }] of session.entries()) {
    for (const reading of record.readings) {
      if (reading.value === undefined) continue;
      const key = obisGroups(reading.value.obis).canonical;
      const known = registers.get(key);
      const one = { reading, value: reading.value, record: index };
      if (known === undefined) registers.set(key, [one]);
      else known.push(one);
    }
  }
  return [...registers.values()].map((readings) => ({
    obis: readings[0]?.value.obis,
    unit: readings[0]?.value.unit,
    readings,
  }));
}

export const isBegin = ({ reason }: RecordReading): boolean => reason === 'B';
export const isEnd = ({ reason }: RecordReading): boolean => END_REASONS.has(reason ?? '');

/** In Wh; undefined where the unit is none of energy. */
export function inWattHours({ amount, unit }: ReadingValue): Decimal | undefined {
  if (unit === undefined || !Object.hasOwn(ENERGY_UNITS, unit)) return undefined;
  return shiftDecimal(amount, ENERGY_UNITS[unit] ?? 0);
}
