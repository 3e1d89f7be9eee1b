import type { Unit } from '../../contract/index.ts';

/** Units of the contract by their code (IEC 62056-6-2, table of the physical units). */
const CONTRACT_UNITS: Readonly<Record<number, Unit>> = {
  27: 'W',
  28: 'VA',
  29: 'var',
  30: 'Wh',
  31: 'VAh',
  32: 'varh',
  33: 'A',
  35: 'V',
  44: 'Hz',
  255: '1',
};

/** Others that meters of a grid connection do send. */
const OTHER_UNITS: Readonly<Record<number, string>> = {
  1: 'a',
  2: 'mo',
  3: 'wk',
  4: 'd',
  5: 'h',
  6: 'min',
  7: 's',
  8: '°',
  9: '°C',
  13: 'm³',
  14: 'm³',
  15: 'm³/h',
  16: 'm³/h',
  23: 'Pa',
  24: 'bar',
  25: 'J',
  45: '1/Wh',
  46: '1/varh',
  47: '1/VAh',
  48: 'V²h',
  49: 'A²h',
  52: 'K',
  56: '%',
  57: 'Ah',
};

/** A number without a unit, such as a status word, is `1`; a code that is in neither table is named as it is. */
export function unitOf(code: number | undefined): string {
  if (code === undefined) return '1';
  return CONTRACT_UNITS[code] ?? OTHER_UNITS[code] ?? `DLMS unit ${code}`;
}
