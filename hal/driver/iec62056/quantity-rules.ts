import type { ObisCode } from '../../contract/index.ts';
import { inContractUnit } from './data-line.ts';

type Family = 'W' | 'var' | 'VA' | 'A' | 'V' | 'Hz' | '1';

const FAMILY_OF_UNIT: Readonly<Record<string, Family>> = {
  W: 'W',
  Wh: 'W',
  var: 'var',
  varh: 'var',
  VA: 'VA',
  VAh: 'VA',
  A: 'A',
  V: 'V',
  Hz: 'Hz',
};

/** Value group C of electricity, the sum and then the three phases in the same order (IEC 62056-61 §5.4, table 5). */
const FAMILIES: readonly Family[] = [
  ...(['W', 'W', 'var', 'var', 'var', 'var', 'var', 'var', 'VA', 'VA'] as const),
  ...(['A', 'V', '1', 'Hz', 'W', 'W', 'W', 'W', 'W', 'W'] as const),
];
const PHASES = 4;

/** Value group D of time integrals: the units that end with h belong to these and to no other. */
const TIME_INTEGRALS = new Set([8, 9, 10, 17, 18, 19, 20, 21, 22, 23, 24, 29, 30]);
/** Units beyond the contract's that a telegram without checksum may carry; any other name is a damaged one. */
const OTHER_UNITS = new Set(['m3', 'dm3', 'l', 'GJ', 'MJ', 'kJ', 's', 'min', 'h', 'd', '%', 'C', 'deg']);

/**
 * True when a value cannot have this unit: kWh under the code of a voltage, or under one that says "maximum". A code or
 * unit that was damaged on the way shows itself so in telegrams whose check is weak or missing.
 */
export function contradicts(code: ObisCode, unit: string): boolean {
  const [, c = 0, d = 0] = (/^1-\d+:(\d+)\.(\d+)\./.exec(code) ?? []).map(Number);
  const family = c >= 1 && c <= FAMILIES.length * PHASES ? FAMILIES[(c - 1) % FAMILIES.length] : undefined;
  const contractUnit = inContractUnit({ mantissa: 0n, exponent: 0 }, unit).unit;
  const familyOfUnit = FAMILY_OF_UNIT[contractUnit];
  if (family === undefined || familyOfUnit === undefined) return false;
  if (family !== familyOfUnit || d === 0) return true;
  return TIME_INTEGRALS.has(d) !== contractUnit.endsWith('h');
}

/** Whether a meter has a unit of that name, as far as this room knows. */
export function isKnownUnit(unit: string): boolean {
  const contractUnit = inContractUnit({ mantissa: 0n, exponent: 0 }, unit).unit;
  return contractUnit in FAMILY_OF_UNIT || OTHER_UNITS.has(unit);
}
