import { decimal, type Decimal, type MeasuredValue } from '../../hal/contract/index.ts';

// What no meter at a station shows, for quantities of which the profile says nothing: wide limits, that catch garbage (a
// shifted register, a wrong byte order), never a strong day.

/** Totals of energy, import or export, active, reactive or apparent, whatever the tariff (IEC 62056-61: D = 8). */
export const ANY_TOTAL = /^1-\d+:\d+\.8\.\d+\*255$/;

/** Ten megawatts: above the grid connection of the largest charging site, far below what a shifted register shows. */
export const DEFAULT_MAX_RATE: Decimal = decimal(10_000_000);

/** One kWh: the coarsest register that meters for billing have. */
export const DEFAULT_STEP: Decimal = decimal(1, 3);

interface Range {
  readonly min: Decimal;
  readonly max: Decimal;
}

const POWER_FACTOR = /^1-\d+:(13|33|53|73)\.7\.0\*255$/;
const MOMENTARY = /^1-\d+:\d+\.7\.\d+\*255$/;

const between = (min: number, max: number): Range => ({ min: decimal(min), max: decimal(max) });
const FACTOR = between(-1, 1);
const POWER = between(-10_000_000, 10_000_000);
const CURRENT = between(-100_000, 100_000);
const VOLTAGE = between(0, 50_000);
const FREQUENCY = between(0, 500);

/** The range of a momentary quantity (D = 7) at any station; undefined where there is none. */
export function usualRange({ obis, unit }: Pick<MeasuredValue, 'obis' | 'unit'>): Range | undefined {
  if (!MOMENTARY.test(obis)) return undefined;
  switch (unit) {
    case 'W':
    case 'var':
    case 'VA':
      return POWER;
    case 'A':
      return CURRENT;
    case 'V':
      return VOLTAGE;
    case 'Hz':
      return FREQUENCY;
    case '1':
      return POWER_FACTOR.test(obis) ? FACTOR : undefined;
    case 'Wh':
    case 'varh':
    case 'VAh':
      return undefined;
  }
}
