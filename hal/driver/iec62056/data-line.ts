import {
  isObisCode,
  parseDecimal,
  shiftDecimal,
  UNITS,
  type Decimal,
  type ObisCode,
} from '../../contract/index.ts';

/** One data set, `address(value*unit)(value*unit)…` (IEC 62056-21 §6.5); the address is empty where a line goes on. */
export interface DataSet {
  readonly address: string;
  readonly groups: readonly string[];
}

/** `2.3*kWh` as it was written: the digits, exact, and the unit's own name, null where the meter gives none. */
export interface WrittenValue {
  readonly value: Decimal;
  readonly unit: string | null;
  /** Digits before and after the point, and whether the number is filled up with zeros: see `digitsWereLost`. */
  readonly shape: { readonly whole: number; readonly fraction: number; readonly padded: boolean };
}

const SET = /[ ]*([\x20-\x27\x2a-\x7e]*?)[ ]*((?:\([\x20-\x27\x2a-\x7e]*\)[ ]*)+)/y;
const GROUP = /\(([^()]*)\)/g;
/** No meter has more digits than this; the bound keeps every later computation small. */
const VALUE =
  /^ *([+-]?)(\d{1,20})(?:\.(\d{0,20}))?(?: *\* *([^* ][^*]{0,15})| +([kMG]?(?:Wh|varh|VAh|W|var|VA|V|A|Hz)))? *$/;

/** The data sets of one line without its CR LF; null when it is none: some character was lost or changed. */
export function parseDataLine(line: string): DataSet[] | null {
  const sets: DataSet[] = [];
  SET.lastIndex = 0;
  while (SET.lastIndex < line.length) {
    const match = SET.exec(line);
    if (match === null) return null;
    const [, address = '', groups = ''] = match;
    sets.push({ address, groups: [...groups.matchAll(GROUP)].map(([, group = '']) => group) });
  }
  return sets.length > 0 ? sets : null;
}

export function isDataLine(line: string): boolean {
  const first = parseDataLine(line)?.[0];
  return first !== undefined && isAddress(first.address);
}

const FULL_ADDRESS = /^\d{1,3}-\d{1,3}:[0-9A-Z]{1,3}(?:[.:][0-9A-Z]{1,3}){1,2}(?:[*&]\d{1,3})?$/i;
const SHORT_ADDRESS = /^[0-9A-Z]{1,3}(?:\.[0-9A-Z]{1,3}){0,3}(?:[*&]\d{1,3})?$/i;

/** True for what meters write before a parenthesis: full and short OBIS codes, makers' own such as `FF` or `P.01`. */
export function isAddress(address: string): boolean {
  return FULL_ADDRESS.test(address) || SHORT_ADDRESS.test(address);
}

const CODE =
  /^(?:(\d{1,3})-(\d{1,3}):)?([0-9]{1,3}|[CFLP])\.([0-9]{1,3})(?:\.([0-9]{1,3}))?(?:[*&.]([0-9]{1,3}))?$/;
/** Value group C where a letter stands for a number (IEC 62056-61 §5.4): service, error, list, profile. */
const LETTERS: Readonly<Record<string, string>> = { C: '96', F: '97', L: '98', P: '99' };
/** From this value of C on a code names the device, not a quantity of electricity: its medium is 0 (abstract). */
const FIRST_ABSTRACT = 94;

/**
 * The full code of an address: `1.8.0` is `1-0:1.8.0*255`, `1.8.1*03` is `1-0:1.8.1*3` (the third billing period ago),
 * `32.7` is `1-0:32.7.0*255`, `C.7.0` is `0-0:96.7.0*255`. Null for an address that is none.
 */
export function completeObis(address: string): ObisCode | null {
  const match = CODE.exec(address);
  if (match === null) return null;
  const [, a, b = '0', writtenC = '', d = '0', e = '0', f = '255'] = match;
  const c = LETTERS[writtenC] ?? writtenC;
  const medium = a ?? (Number(c) >= FIRST_ABSTRACT ? '0' : '1');
  const [groupA, groupB, groupC, groupD, groupE, groupF] = [medium, b, c, d, e, f].map(Number);
  const code = `${groupA}-${groupB}:${groupC}.${groupD}.${groupE}*${groupF}`;
  return isObisCode(code) ? code : null;
}

/** Null for text, an empty group, or a number with something in it that is none. */
export function parseValue(group: string): WrittenValue | null {
  const match = VALUE.exec(group);
  if (match === null) return null;
  // Iskra's MT171 puts a space where the standard has the asterisk.
  const [, sign = '', whole = '', fraction = '', afterAsterisk, afterSpace] = match;
  return {
    value: parseDecimal(`${sign}${whole}.${fraction}`),
    unit: (afterAsterisk ?? afterSpace)?.trim() ?? null,
    shape: { whole: whole.length, fraction: fraction.length, padded: /^0\d/.test(whole) },
  };
}

const PREFIX: Readonly<Record<string, number>> = { '': 0, k: 3, K: 3, M: 6, G: 9, m: -3 };
const BASE = new Map(UNITS.filter((unit) => unit !== '1').map((unit) => [unit.toLowerCase(), unit]));

/** Brought to the contract's unit by shifting the point; other units (m3, GJ, s, min) keep their name. */
export function inContractUnit(value: Decimal, unit: string): { value: Decimal; unit: string } {
  // Makers disagree about capitals (kvarh, kVArh, KWH); only between mega and milli do capitals decide.
  const [, prefix = '', base = ''] = /^([kKMGm]?)(wh|w|varh|var|vah|va|v|a|hz)$/i.exec(unit) ?? [];
  const known = BASE.get(base.toLowerCase());
  const power = PREFIX[prefix];
  if (known === undefined || power === undefined) return { value, unit };
  return { value: shiftDecimal(value, power), unit: known };
}
