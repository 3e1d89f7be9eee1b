// Energy from the meter's import register, exact: what is subtracted are the signed digits.
import {
  compareDecimal,
  ENERGY_IMPORT,
  formatDecimal,
  subtractDecimal,
  type Decimal,
  type MeterSample,
} from '../../hal/contract/index.ts';
import type { JournalEntry } from '../journal/index.ts';
import { sampleOf } from './believed-entries.ts';

/** Energy imported between two readings of one meter in a receipt. */
export interface EnergyBetween {
  readonly meterSerial: string;
  readonly fromIndex: number;
  readonly toIndex: number;
  /** Exact, in Wh. */
  readonly wh: string;
}

/** The total of active energy import (1-0:1.8.0), in Wh; undefined unless the meter said it, once, and said it is good. */
export function importOf(sample: MeterSample): Decimal | undefined {
  const [energy, another] = sample.values.filter(({ obis }) => obis === ENERGY_IMPORT);
  if (another !== undefined || energy?.quality !== 'G') return undefined;
  return energy.unit === 'Wh' ? energy.value : undefined;
}

interface Register {
  readonly meterSerial: string;
  readonly fromIndex: number;
  readonly first: Decimal;
  toIndex: number;
  last: Decimal;
  wentBackAt: number | undefined;
}

/** What the import registers of the entries did: one for each meter that has a good reading, in order of appearance. */
function registersOf(entries: readonly JournalEntry[]): Register[] {
  const registers = new Map<string, Register>();
  for (const entry of entries) {
    const sample = sampleOf(entry);
    const value = sample === undefined ? undefined : importOf(sample);
    if (sample === undefined || value === undefined) continue;
    const { index } = entry;
    const { meterSerial, profileId } = sample;
    const meter = JSON.stringify([profileId, meterSerial]);
    const register = registers.get(meter);
    if (register === undefined) {
      const begin = { meterSerial, fromIndex: index, first: value };
      registers.set(meter, { ...begin, toIndex: index, last: value, wentBackAt: undefined });
    } else {
      if (compareDecimal(value, register.last) < 0) register.wentBackAt ??= index;
      register.toIndex = index;
      register.last = value;
    }
  }
  return [...registers.values()];
}

/**
 * For each meter with two good readings or more, the energy from the first to the last. A meter whose register went
 * back from one of them to the next gives none: that is for people to look at, not for subtraction.
 */
export function energyBetween(entries: readonly JournalEntry[]): EnergyBetween[] {
  return registersOf(entries).flatMap(({ meterSerial, fromIndex, toIndex, first, last, wentBackAt }) => {
    if (fromIndex === toIndex || wentBackAt !== undefined) return [];
    return [{ meterSerial, fromIndex, toIndex, wh: formatDecimal(subtractDecimal(last, first)) }];
  });
}

/** The first entry whose register stands lower than the one before it, with its meter. */
export function firstFall(
  entries: readonly JournalEntry[],
): { readonly index: number; readonly meterSerial: string } | undefined {
  const fallen = registersOf(entries).find(({ wentBackAt }) => wentBackAt !== undefined);
  return fallen?.wentBackAt === undefined
    ? undefined
    : { index: fallen.wentBackAt, meterSerial: fallen.meterSerial };
}
