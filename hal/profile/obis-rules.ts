import type { EnergyDirection, ObisCode, Unit } from '../contract/index.ts';

/** What an OBIS code of electricity demands of a point (IEC 62056-6-1, value group C and D). */
export interface ObisRule {
  readonly unit: Unit;
  /** `either`: the profile has to say it; `none`: the quantity has none. */
  readonly direction: EnergyDirection | 'either' | 'none';
}

/** Value group C of the sum and of each phase counts on by 20: L1 is C + 20, L2 is C + 40, L3 is C + 60. */
const PHASE_STEP = 20;
const INSTANTANEOUS = 7;
const TIME_INTEGRAL = 8;

const ENERGY: Readonly<Record<number, ObisRule>> = {
  1: { unit: 'Wh', direction: 'import' },
  2: { unit: 'Wh', direction: 'export' },
  3: { unit: 'varh', direction: 'import' },
  4: { unit: 'varh', direction: 'export' },
  9: { unit: 'VAh', direction: 'import' },
  10: { unit: 'VAh', direction: 'export' },
};

const MOMENTARY: Readonly<Record<number, ObisRule>> = {
  1: { unit: 'W', direction: 'import' },
  2: { unit: 'W', direction: 'export' },
  3: { unit: 'var', direction: 'import' },
  4: { unit: 'var', direction: 'export' },
  9: { unit: 'VA', direction: 'none' },
  10: { unit: 'VA', direction: 'none' },
  11: { unit: 'A', direction: 'none' },
  12: { unit: 'V', direction: 'none' },
  13: { unit: '1', direction: 'none' },
  14: { unit: 'Hz', direction: 'none' },
  16: { unit: 'W', direction: 'either' },
};

/** Groups outside of the pattern: current in the neutral, and reactive power as import less export. */
const SPECIAL: Readonly<Record<number, ObisRule>> = {
  91: { unit: 'A', direction: 'none' },
  131: { unit: 'var', direction: 'either' },
  151: { unit: 'var', direction: 'either' },
  171: { unit: 'var', direction: 'either' },
  191: { unit: 'var', direction: 'either' },
};

/** Undefined for codes that no profile has needed yet: they are not judged. */
export function obisRule(obis: ObisCode): ObisRule | undefined {
  const [medium, , quantity = 0, measured] = obis.split(/[-:.*]/).map(Number);
  if (medium !== 1) return undefined;
  const group = quantity <= 80 ? ((quantity - 1) % PHASE_STEP) + 1 : quantity;
  if (measured === TIME_INTEGRAL) return ENERGY[group];
  if (measured === INSTANTANEOUS) return SPECIAL[quantity] ?? MOMENTARY[group];
  return undefined;
}
