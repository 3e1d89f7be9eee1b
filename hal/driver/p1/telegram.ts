import { obis, type DecodedTelegram, type DecodedValue } from '../../contract/index.ts';
import {
  completeObis,
  measuredValue,
  parseIdentification,
  parseReadout,
  sevenBitText,
  withoutParity,
  type DataSet,
} from '../iec62056/index.ts';
import { crc16Arc } from './crc16.ts';
import { parseTimestamp } from './timestamp.ts';

/** Why a telegram was refused; each is listed in docs/errors.md. */
export type P1RefusalCode =
  'p1.cut' | 'p1.too_long' | 'p1.parity' | 'p1.crc' | 'p1.crc_missing' | 'p1.malformed' | 'p1.encrypted';

/** A telegram of a P1 port, with what DSMR has beyond values. */
export interface P1Telegram extends DecodedTelegram {
  /** Null when `ok`. */
  readonly code: P1RefusalCode | null;
  /** The first line without its slash, such as `ISK5\2M550T-1012`; null when it was not received. */
  readonly identification: string | null;
  /** `50` for DSMR 5.0, `50217` for e-MUCS 1.7.1; null before DSMR 4 and where the country's port has none. */
  readonly version: string | null;
  /** Whether a CRC stood behind it; DSMR 2.2 and 3.0 have none. */
  readonly checked: boolean;
  /** When the meter made the telegram, ISO 8601 with its offset. */
  readonly sentAt: string | null;
  readonly subMeters: readonly P1SubMeter[];
}

/** A meter behind the electricity meter, on its M-Bus: its values are those with this channel, `0-<channel>:…`. */
export interface P1SubMeter {
  readonly channel: number;
  readonly serial: string | null;
  /** When it was read last: up to an hour before the telegram, and longer while it cannot be reached. */
  readonly readAt: string | null;
}

export function refusedP1Telegram(
  code: P1RefusalCode,
  why: string,
  identification: string | null = null,
): P1Telegram {
  const empty = { meter: { serial: null }, values: [], version: null, checked: false, sentAt: null };
  return { ok: false, code, why, ...empty, subMeters: [], identification };
}

/**
 * One telegram.
 * @param bytes from `/` up to and with `!`, as received
 * @param crc what followed the `!` in its line: four hexadecimal digits, or nothing before DSMR 4
 */
export function decodeP1Telegram(bytes: Uint8Array, crc: string): P1Telegram {
  const identification = identificationOf(bytes);
  if (crc !== '') {
    const problem = crcProblem(bytes, crc);
    if (problem !== null) return refusedP1Telegram('p1.crc', problem, identification);
    return decodeData(sevenBitText(bytes), identification, true);
  }
  // DSMR 2.2 and 3.0: 9600 baud with even parity, which is all the protection that they have.
  const characters = withoutParity(bytes);
  if (characters === null) {
    const why = 'a character has the wrong parity: the line damaged it';
    return refusedP1Telegram('p1.parity', why, identification);
  }
  return decodeData(sevenBitText(characters), identification, false);
}

function identificationOf(bytes: Uint8Array): string | null {
  const line = sevenBitText(bytes.subarray(0, 80)).split(/\r?\n/, 1)[0] ?? '';
  return parseIdentification(line) === null ? null : line.slice(1);
}

function crcProblem(bytes: Uint8Array, crc: string): string | null {
  if (!/^[0-9A-F]{4}$/.test(crc)) return `the CRC after its ! is not four digits but ${JSON.stringify(crc)}`;
  const expected = Number.parseInt(crc, 16);
  const computed = crc16Arc(bytes);
  if (computed === expected || crc16Arc(withReturns(bytes)) === expected) return null;
  return `its CRC is ${crc}, its contents make ${computed.toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * Meters end a line with CR LF, and the CRC covers both. Text files often lose every CR on their way; what is put back
 * here can only be what the meter sent if the CRC then agrees.
 */
function withReturns(bytes: Uint8Array): Uint8Array {
  if (bytes.includes(0x0d)) return bytes;
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === 0x0a ? [0x0d, byte] : [byte])));
}

function decodeData(text: string, identification: string | null, checked: boolean): P1Telegram {
  const body = text.slice(text.indexOf('\n') + 1).replace(/!$/, '');
  const readout = parseReadout(body, checked ? 'crc' : 'none');
  if (!readout.ok) return refusedP1Telegram('p1.malformed', readout.why, identification);
  const { sets } = readout;
  const newer = checked ? undefined : sets.find(isNewerThan30);
  if (newer !== undefined) {
    const why = `there is no CRC after its !, which a meter that sends ${newer.address} always sends`;
    return refusedP1Telegram('p1.crc_missing', why, identification);
  }
  const foreign = checked ? undefined : sets.find((set) => !isOfDsmr30(set));
  if (foreign !== undefined) {
    const why = `${JSON.stringify(foreign.address)} is not as DSMR 2.2 and 3.0 have it, and no CRC covers it`;
    return refusedP1Telegram('p1.malformed', why, identification);
  }
  return {
    ok: true,
    code: null,
    why: null,
    meter: { serial: serialOf(sets, '0') },
    values: valuesOf(sets),
    identification,
    version: groupOf(sets, /^(?:1-3:0\.2\.8|0-0:96\.1\.4)$/),
    checked,
    sentAt: parseTimestamp(groupOf(sets, /^0-0:1\.0\.0$/) ?? ''),
    subMeters: subMetersOf(sets),
  };
}

/** All that a telegram of DSMR 2.2 or 3.0 may hold (P1 3.0 §5.2), with the form of its numbers where it has a fixed one. */
const DSMR_30: readonly (readonly [address: RegExp, group: RegExp])[] = [
  [/^1-0:[12]\.8\.[0-4]$/, /^\d{5,6}\.\d{3}\*kWh$/],
  [/^1-0:[12]\.7\.0$/, /^\d{2,4}\.\d{2,3}\*kW$/],
  [/^0-0:17\.0\.0$/, /^\d+(?:\.\d+)?\*(?:kW|A)$/],
  [/^0-[1-9]:24\.3\.0$/, /^\d{12}$/],
  [/^0-0:(?:96\.14\.0|96\.3\.10)$|^0-[1-9]:24\.[14]\.0$/, /^\d{0,4}$/],
  [/^1-3:0\.2\.8$|^0-0:96\.(?:1\.[01]|13\.[01])$|^0-[1-9]:96\.1\.[01]$|^$/, /^/],
];
const MBUS_UNIT = /^(?:m3|dm3|GJ|MJ|kWh)$/;

function isOfDsmr30({ address, groups }: DataSet): boolean {
  const [first = '', , , , , unit] = groups;
  if (unit !== undefined && address !== '' && !MBUS_UNIT.test(unit)) return false;
  return DSMR_30.some(([code, group]) => code.test(address) && group.test(first));
}

/** What came with DSMR 4 or a country's port made after it, all of which end with a CRC; 2.2 and 3.0 have none of these. */
function isNewerThan30({ address, groups }: DataSet): boolean {
  if (address === '1-3:0.2.8') return Number(groups[0]) >= 40 || !/^\d+$/.test(groups[0] ?? '');
  return /^0-0:(?:1\.0\.0|96\.1\.4|42\.0\.0)$|^0-\d:24\.2\.\d$/.test(address);
}

function groupOf(sets: readonly DataSet[], address: RegExp): string | null {
  return sets.find((set) => address.test(set.address))?.groups[0] ?? null;
}

/** Equipment identifiers in the order of preference: DSMR and e-MUCS, others' serial number, COSEM logical device name. */
function serialOf(sets: readonly DataSet[], channel: string): string | null {
  const addresses = channel === '0' ? ['96.1.1', '96.1.0', '42.0.0'] : ['96.1.0', '96.1.1'];
  for (const address of addresses) {
    const text = sets.find((set) => set.address === `0-${channel}:${address}`)?.groups[0]?.trim() ?? '';
    if (text !== '') return readableIdentifier(text);
  }
  return null;
}

/** Octet strings are sent as hexadecimal of their ASCII; what is none (other makers, all zeros) stays as it was sent. */
function readableIdentifier(text: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(text)) return text;
  const decoded = Buffer.from(text, 'hex').toString('latin1');
  return /^[\x20-\x7e]+$/.test(decoded) && decoded.trim() !== '' ? decoded.trim() : text;
}

function subMetersOf(sets: readonly DataSet[]): P1SubMeter[] {
  const channels = new Set(
    sets.flatMap(({ address }) => /^0-([1-9]\d?):(?:24\.|96\.1\.)/.exec(address)?.[1] ?? []),
  );
  return [...channels].map((channel) => ({
    channel: Number(channel),
    serial: serialOf(sets, channel),
    readAt: parseTimestamp(
      sets.find(({ address }) => new RegExp(`^0-${channel}:24\\.2\\.\\d$`).test(address))?.groups[0] ?? '',
    ),
  }));
}

function valuesOf(sets: readonly DataSet[]): DecodedValue[] {
  return sets.flatMap(
    (set, i) => (isMbusReading30(set) ? valueOfMbus30(set, sets[i + 1]) : valueOf(set)) ?? [],
  );
}

/** Logs of power failures (99.97) and of past maxima (98.1): columns of the past, not a value. */
const LOG = /^\d+-\d+:9[89][.:]/;

function valueOf({ address, groups }: DataSet): DecodedValue | null {
  const code = LOG.test(address) ? null : completeObis(address);
  if (code === null) return null;
  // A time before the value says when it was read (sub-meters) or reached (maxima); one that cannot be means: never.
  const [first = '', second] = groups;
  if (second === undefined || !isTime(first)) return measuredValue(code, first);
  return parseTimestamp(first) === null ? null : measuredValue(code, second);
}

function isTime(text: string): boolean {
  return /^\d{12}[SW]$/.test(text);
}

/**
 * DSMR 2.2 and 3.0 send a sub-meter as a profile with one row (P1 3.0 §5.2): `0-1:24.3.0(time)(status)(period)(columns)
 * (0-1:24.2.1)(m3)` and then `(value)`, in the next line or in the same. Its column says what the value is.
 */
function isMbusReading30({ address, groups }: DataSet): boolean {
  return /^0-\d+:24\.3\.0$/.test(address) && groups.length >= 6;
}

function valueOfMbus30({ groups }: DataSet, next: DataSet | undefined): DecodedValue | null {
  const [, , , , column = '', unit = '', inLine] = groups;
  const group = inLine ?? (next?.address === '' ? next.groups[0] : undefined);
  if (group === undefined || !/^\d+-\d+:24\.2\.\d+$/.test(column)) return null;
  return measuredValue(obis(`${column}*255`), group, unit);
}
