import type { DecodedValue, ObisCode } from '../../contract/index.ts';
import { contradicts, isKnownUnit } from './quantity-rules.ts';
import {
  completeObis,
  inContractUnit,
  isAddress,
  parseDataLine,
  parseValue,
  type DataSet,
  type WrittenValue,
} from './data-line.ts';

/** The data lines of one telegram, or why they cannot be those that the meter sent. */
export type Readout =
  { readonly ok: true; readonly sets: readonly DataSet[] } | { readonly ok: false; readonly why: string };

/**
 * What stood behind the text. `crc`: sixteen bits, and what is no data line is the meter's own affair. `xor`: the block
 * check character, which misses one damage in 128 (two equal digits that were lost, always): every line must be one, its
 * unit must fit its code, and no energy register may be shorter than its neighbours. `none`: the form is all the
 * protection there is: besides, addresses, numbers and names of units must be in order, and nothing may be there twice.
 */
export type Protection = 'crc' | 'xor' | 'none';

/** @param text everything between the identification (or STX) and the end, CR LF included */
export function parseReadout(text: string, protection: Protection): Readout {
  const sets: DataSet[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.replace(/\r+$/, '');
    if (trimmed === '' || trimmed === '!') continue;
    const parsed = parseDataLine(trimmed);
    if (parsed === null && protection === 'crc') continue;
    if (parsed === null) return { ok: false, why: `line ${i + 1} is no data line: ${shown(trimmed)}` };
    if (protection !== 'crc' && parsed.some((set) => !isInOrder(set, protection))) {
      return { ok: false, why: `line ${i + 1} is damaged: ${shown(trimmed)}` };
    }
    sets.push(...parsed);
  }
  const problem = protection === 'crc' ? null : problemOf(sets, protection);
  return problem === null ? { ok: true, sets } : { ok: false, why: problem };
}

/** What only shows when all lines are seen together. */
function problemOf(sets: readonly DataSet[], protection: 'xor' | 'none'): string | null {
  const short = digitsWereLost(sets, protection === 'xor' ? /^8$/ : /^[78]$/);
  if (short !== null) return `${short} has not as many digits as its neighbours: some were lost`;
  if (protection === 'xor') return null;
  if (sets.length === 0) return 'there is no data line between its first line and its end';
  const twice = readTwice(sets);
  return twice === null ? null : `${twice} is there twice: these are parts of two telegrams`;
}

/** Quotes at most this much of a line in a reason. */
const SHOWN_CHARACTERS = 40;

function shown(line: string): string {
  return JSON.stringify(line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line);
}

function isInOrder({ address, groups }: DataSet, protection: 'xor' | 'none'): boolean {
  const code = completeObis(address);
  const units = groups.flatMap((group) => parseValue(group)?.unit ?? []);
  if (code !== null && units.some((unit) => contradicts(code, unit))) return false;
  if (protection === 'xor') return true;
  if ((address !== '' && !isAddress(address)) || !units.every(isKnownUnit)) return false;
  return groups.every((group) => !group.includes('*') || parseValue(group) !== null);
}

/** The first current value that has two lines; past billing periods may share a code. */
function readTwice(sets: readonly DataSet[]): string | null {
  const codes = new Set<string>();
  for (const { address } of sets) {
    const code = completeObis(address);
    if (code?.endsWith('*255') !== true) continue;
    if (codes.has(code)) return address;
    codes.add(code);
  }
  return null;
}

/**
 * Meters write all energy registers with the same number of digits, filled up with zeros, and so all powers. Where one
 * differs, a character was lost or added on the way; nothing else may show it.
 * Meters that write no leading zeros are left alone.
 */
function digitsWereLost(sets: readonly DataSet[], kinds: RegExp): string | null {
  const byKind = new Map<string, { address: string; shape: WrittenValue['shape'] }[]>();
  for (const { address, groups } of sets) {
    const [, kind = ''] = /^1-\d+:\d+\.(\d+)\.\d+\*255$/.exec(completeObis(address) ?? '') ?? [];
    const written = groups.length === 1 && groups[0] !== undefined ? parseValue(groups[0]) : null;
    if (!kinds.test(kind) || written?.unit === null || written === null) continue;
    const key = `${kind} ${written.unit}`;
    byKind.set(key, [...(byKind.get(key) ?? []), { address, shape: written.shape }]);
  }
  for (const registers of byKind.values()) {
    const model = registers.find(({ shape }) => shape.padded)?.shape;
    if (model === undefined) continue;
    const odd = registers.find(
      ({ shape }) => shape.whole !== model.whole || shape.fraction !== model.fraction,
    );
    if (odd !== undefined) return odd.address;
  }
  return null;
}

/**
 * Codes whose value is a count or a ratio, so that it needs no unit: tariff in force (96.14), counts of power failures
 * (96.7), sags and swells (32, 52, 72 with D 32 or 36), power factors (13, 33, 53, 73).
 */
const PURE_NUMBER = /^\d+-\d+:(?:96\.(?:7|14)|[357]2\.3[26]|[1357]3\.7)\.\d+\*/;

/** The value of one group under its code, or null when it is text, or a number of something that the meter does not name. */
export function measuredValue(code: ObisCode, group: string, unitOf?: string): DecodedValue | null {
  const written = parseValue(group);
  if (written === null) return null;
  const unit = written.unit ?? unitOf ?? (PURE_NUMBER.test(code) ? '1' : null);
  if (unit === null) return null;
  return { obis: code, ...inContractUnit(written.value, unit), quality: 'G' };
}
