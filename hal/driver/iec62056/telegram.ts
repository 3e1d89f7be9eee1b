import type { DecodedTelegram, DecodedValue } from '../../contract/index.ts';
import { sevenBitText } from './byte-buffer.ts';
import { completeObis, parseValue, type DataSet } from './data-line.ts';
import { parseIdentification } from './identification.ts';
import { withoutParity } from './parity.ts';
import { measuredValue, parseReadout } from './readout.ts';

/** Why a telegram was refused; each is listed in docs/errors.md. */
export type Iec62056RefusalCode =
  'iec62056.cut' | 'iec62056.too_long' | 'iec62056.parity' | 'iec62056.block_check' | 'iec62056.malformed';

/** A telegram of IEC 62056-21, with what the standard has beyond values. */
export interface Iec62056Telegram extends DecodedTelegram {
  /** Null when `ok`. */
  readonly code: Iec62056RefusalCode | null;
  /** The first line without its slash, such as `LGZ4ZMF100AC.M26`; null when it was not received. */
  readonly identification: string | null;
  /** Whether a block check stood behind it; a telegram of mode D has none. */
  readonly checked: boolean;
  /** Contents of the fatal error register F.F; null when the meter sent none. */
  readonly errorRegister: string | null;
}

export function refusedTelegram(
  code: Iec62056RefusalCode,
  why: string,
  identification: string | null = null,
): Iec62056Telegram {
  const empty = { meter: { serial: null }, values: [], checked: false, errorRegister: null };
  return { ok: false, code, why, ...empty, identification };
}

/** `header` may be empty: the block check protects a block whose identification was lost just as well. */
export interface ReceivedBlock {
  readonly header: Uint8Array;
  readonly stx: number;
  /** After STX, up to and with ETX. */
  readonly data: Uint8Array;
  readonly blockCheck: number;
}

const WRONG_PARITY = 'a character has the wrong parity: the line damaged it';

/**
 * A data block of modes A to C, `STX … ETX BCC`. Refused when a parity bit, the block check character or the form of a
 * line is wrong. BCC: exclusive or of everything after STX up to and with ETX (IEC 62056-21 §6.3.3).
 */
export function decodeBlock({ header, stx, data, blockCheck }: ReceivedBlock): Iec62056Telegram {
  const identification = identificationOf(header);
  const bytes = Buffer.concat([header, Uint8Array.of(stx), data, Uint8Array.of(blockCheck)]);
  const characters = withoutParity(bytes);
  if (characters === null) return refusedTelegram('iec62056.parity', WRONG_PARITY, identification);
  const checked = characters.subarray(header.length + 1, -1);
  const computed = checked.reduce((check, character) => check ^ character, 0);
  const received = characters.at(-1) ?? 0;
  if (computed !== received) {
    const why = `the block check is ${hexByte(received)}, its contents make ${hexByte(computed)}`;
    return refusedTelegram('iec62056.block_check', why, identification);
  }
  const text = sevenBitText(checked.subarray(0, -1));
  // A character that was changed to ETX leaves a shorter block, which one time in 128 fits. The `!` shows where a readout
  // really ends; only the answers of the programming mode, of one data set, have none.
  if (!/(?:^|\n)![\r\n]*$/.test(text) && (header.length > 0 || text.includes('\n'))) {
    return refusedTelegram('iec62056.cut', 'its block ends without the ! of its end', identification);
  }
  return decodeData(text, true, identification);
}

/** A telegram of mode D, which has no block check: `/XXXZ… CR LF CR LF data ! CR LF`, from its slash to its end. */
export function decodePushed(header: Uint8Array, data: Uint8Array): Iec62056Telegram {
  const identification = identificationOf(header);
  const characters = withoutParity(Buffer.concat([header, data]));
  if (characters === null) return refusedTelegram('iec62056.parity', WRONG_PARITY, identification);
  return decodeData(sevenBitText(characters.subarray(header.length)), false, identification);
}

function identificationOf(header: Uint8Array): string | null {
  const line = sevenBitText(header).trimEnd();
  return parseIdentification(line) === null ? null : line.slice(1);
}

function decodeData(text: string, checked: boolean, identification: string | null): Iec62056Telegram {
  const readout = parseReadout(text, checked ? 'xor' : 'none');
  if (!readout.ok) return refusedTelegram('iec62056.malformed', readout.why, identification);
  const errorRegister = firstGroup(readout.sets, FATAL_ERROR);
  // OBIS calls F.F the fatal error register: what a meter measures while it says that it is broken is not counted.
  const quality = errorRegister === null || /^[0 ]*$/.test(errorRegister) ? 'G' : 'E';
  return {
    ok: true,
    code: null,
    why: null,
    meter: { serial: serialOf(readout.sets) },
    values: valuesOf(readout.sets).map((value) => ({ ...value, quality })),
    identification,
    checked,
    errorRegister,
  };
}

/** With the number on the meter's plate first: C.1.0, then the device's own id, then the address (IEC 62056-61 §5.6). */
const SERIALS = [
  /^(?:\d+-\d+:)?(?:C|96)\.1(?:\.0)?(?:\*255)?$/,
  /^(?:\d+-\d+:)?(?:C|96)\.1\.255(?:\*255)?$/,
  /^(?:\d+-\d+:)?0\.0(?:\.0)?(?:\*255)?$/,
];
const FATAL_ERROR = /^(?:\d+-\d+:)?(?:F\.?F(?:\.0)?|97\.97\.0)(?:\*255)?$/;

function serialOf(sets: readonly DataSet[]): string | null {
  for (const address of SERIALS) {
    const serial = firstGroup(sets, address)?.trim() ?? '';
    if (serial !== '') return serial;
  }
  return null;
}

function firstGroup(sets: readonly DataSet[], address: RegExp): string | null {
  return sets.find((set) => address.test(set.address))?.groups[0] ?? null;
}

/**
 * The first group is the value; what follows it (the time of a maximum) qualifies it. Past billing periods often have no
 * unit: `1.8.0(00051206*kWh)` and then `1.8.0*18(00049555)` are readings of one register, the unit is written once.
 */
function valuesOf(sets: readonly DataSet[]): DecodedValue[] {
  const units = new Map<string, string>();
  const values = sets.flatMap(({ address, groups: [group = ''] }) => {
    const code = completeObis(address);
    if (code === null || NOT_MEASURED.test(code)) return [];
    const register = code.replace(/\*\d+$/, '');
    const unit = parseValue(group)?.unit ?? null;
    if (unit !== null) units.set(register, unit);
    return measuredValue(code, group, units.get(register)) ?? [];
  });
  // Empty places for billing periods to come all have one code (`*00`); nothing says what they would mean.
  return values.filter(
    ({ obis }) => CURRENT.test(obis) || values.filter((other) => other.obis === obis).length === 1,
  );
}

const CURRENT = /\*255$/;
/** Load profiles (C = 99) and lists (98): their groups are columns, not one value. */
const NOT_MEASURED = /^\d+-\d+:9[89]\./;

function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
