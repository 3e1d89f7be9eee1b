import { parseDecimal, type Decimal } from '../../hal/contract/index.ts';
import { malformed } from './errors.ts';
import { isNumber, readJsonObject, type Json, type JsonObject } from './json-text.ts';
import { parseOcmfTime } from './ocmf-time.ts';
import type { OcmfRecord, ReadingValue, RecordReading, RecordSignature } from './record.ts';

/** The text of "OCMF" and a pipe: the header section. */
export const HEADER = 'OCMF|';

/** A session of a day with four registers, read every quarter of an hour, has 384. */
const MAX_READINGS = 1_024;
/** A Decimal goes to 64; what is read here must bear to be converted between Wh and kWh. */
const MAX_EXPONENT = 32;

const utf8 = new TextEncoder();

/**
 * Reads the record whose header begins at `from`. The payload ends at the pipe behind its closing brace, so that a pipe
 * inside of a string, which the specification forbids and meters' names have, does no harm.
 * @returns the record and the index behind its signature section
 * @throws OcmfError `ocmf.malformed`
 */
export function parseRecord(text: string, from = 0): { record: OcmfRecord; end: number } {
  if (!text.startsWith(HEADER, from)) throw malformed('a record begins with OCMF|');
  const payloadFrom = from + HEADER.length;
  const payload = readJsonObject(text, payloadFrom);
  const pipe = skipSpace(text, payload.end);
  if (text[pipe] !== '|') throw malformed('there is no pipe behind the payload section');
  const signature = readJsonObject(text, pipe + 1);
  const payloadText = text.slice(payloadFrom, pipe);
  const departures = new Set<string>();
  const record = {
    text: text.slice(from, signature.end),
    payloadText,
    signedBytes: utf8.encode(payloadText),
    ...readPayload(payload.object, departures),
    signature: readSignature(signature.object, departures),
    departures: [...departures],
  };
  return { record, end: signature.end };
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? '')) at++;
  return at;
}

type Departures = Set<string>;
type Payload = Omit<OcmfRecord, 'text' | 'payloadText' | 'signedBytes' | 'signature' | 'departures'>;

function readPayload(payload: JsonObject, departures: Departures): Payload {
  const string = (key: string): string | undefined => stringOf(payload, key, departures);
  if (!payload.has('FV')) departures.add('FV is missing');
  if (!payload.has('MS')) departures.add('MS is missing');
  return {
    formatVersion: string('FV'),
    gateway: { identification: string('GI'), serial: string('GS'), version: string('GV') },
    pagination: paginationOf(string('PG')),
    meter: { vendor: string('MV'), model: string('MM'), serial: string('MS'), firmware: string('MF') },
    user: {
      assigned: booleanOf(payload, 'IS', departures),
      level: string('IL'),
      flags: flagsOf(payload, departures),
      type: string('IT'),
      data: string('ID'),
      tariff: string('TT'),
    },
    controllerFirmware: string('CF'),
    chargePoint: { type: string('CT'), id: string('CI') },
    readings: readingsOf(payload.get('RD'), departures),
  };
}

/** "A number without leading zeros". */
function paginationOf(text: string | undefined): OcmfRecord['pagination'] {
  const match = /^([TF])(0|[1-9]\d{0,19})$/.exec(text ?? '');
  if (match === null) return undefined;
  return { context: match[1] as 'T' | 'F', number: BigInt(match[2] ?? '0') };
}

function readingsOf(json: Json | undefined, departures: Departures): readonly RecordReading[] {
  if (!Array.isArray(json)) throw malformed('RD is no list of readings');
  if (json.length === 0) throw malformed('RD has no reading');
  if (json.length > MAX_READINGS) throw malformed(`RD has more than ${MAX_READINGS} readings`);
  const readings: RecordReading[] = [];
  let before: JsonObject = new Map();
  for (const one of json as readonly Json[]) {
    if (!(one instanceof Map)) throw malformed('a reading is no JSON object');
    const own = one as JsonObject;
    const whole = takeOver(before, own);
    readings.push(readReading(whole, departures));
    before = whole;
  }
  return readings;
}

/** What only tells of an error has none of these: "the fields RV, RI, RU and RT can be omitted". */
const VALUE_FIELDS = ['RV', 'RI', 'RU', 'RT', 'CL'];
/** Table 7 without CL: loss is counted from the begin on, and where a later reading leaves it out, nobody knows it. */
const TAKEN_OVER = ['TM', 'TX', 'RV', 'RI', 'RU', 'RT', 'EF', 'ST'];

/** "Fields that have an identical value to the previous reading are omitted" ("Readings"); makers' own fields are not read. */
function takeOver(before: JsonObject, own: JsonObject): JsonObject {
  const hasValue = VALUE_FIELDS.some((key) => own.has(key));
  const tellsError = stateOf(own) !== undefined && stateOf(own) !== 'G';
  const flagsError = typeof own.get('EF') === 'string' && own.get('EF') !== '';
  const isEvent = !hasValue && (tellsError || flagsError);
  const whole = new Map<string, Json>();
  for (const key of TAKEN_OVER) {
    const value = own.get(key) ?? (isEvent && VALUE_FIELDS.includes(key) ? undefined : before.get(key));
    if (value !== undefined) whole.set(key, value);
  }
  const loss = own.get('CL');
  if (loss !== undefined) whole.set('CL', loss);
  return whole;
}

const stateOf = (reading: JsonObject): Json | undefined => reading.get('ST');

function readReading(reading: JsonObject, departures: Departures): RecordReading {
  const timeText = stringOf(reading, 'TM', departures);
  const read = timeText === undefined ? undefined : parseOcmfTime(timeText);
  if (read?.departs === true) departures.add('TM is not written as specified');
  return {
    time: read?.time,
    timeText,
    reason: stringOf(reading, 'TX', departures),
    value: valueOf(reading, departures),
    errorFlags: stringOf(reading, 'EF', departures) ?? '',
    state: stringOf(reading, 'ST', departures),
  };
}

function valueOf(reading: JsonObject, departures: Departures): ReadingValue | undefined {
  const amount = decimalOf(reading, 'RV', departures);
  if (amount === undefined) return undefined;
  return {
    amount,
    obis: stringOf(reading, 'RI', departures),
    unit: stringOf(reading, 'RU', departures),
    current: stringOf(reading, 'RT', departures),
    cumulatedLoss: decimalOf(reading, 'CL', departures),
  };
}

/** Some meters write the number as a string, padded with spaces or zeros (DZG, Isabellenhütte). */
function decimalOf(reading: JsonObject, key: string, departures: Departures): Decimal | undefined {
  const json = reading.get(key);
  if (json === undefined || json === null) return undefined;
  const text = isNumber(json) ? json.number : json;
  if (typeof text !== 'string') throw malformed(`${key} is no number`);
  if (!isNumber(json)) departures.add(`${key} is a string`);
  if (text.length > 64) throw malformed(`${key} is longer than any meter's register`);
  let value: Decimal;
  try {
    value = parseDecimal(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw malformed(`${key} is no number: ${JSON.stringify(text)}`);
  }
  if (Math.abs(value.exponent) > MAX_EXPONENT) throw malformed(`${key} is no reading of any meter`);
  return value;
}

/** A number where a string should be is read as it is written: a maker's `"FV": 1.0` means 1.0. */
function stringOf(from: JsonObject, key: string, departures: Departures): string | undefined {
  const json = from.get(key);
  if (typeof json === 'string') return json;
  if (json === undefined) return undefined;
  departures.add(`${key} is no string`);
  if (json === null) return undefined;
  if (isNumber(json)) return json.number;
  throw malformed(`${key} is neither a string nor a number`);
}

function booleanOf(from: JsonObject, key: string, departures: Departures): boolean | undefined {
  const json = from.get(key);
  if (typeof json === 'boolean') return json;
  if (json === undefined) return undefined;
  departures.add(`${key} is neither true nor false`);
  return undefined;
}

function flagsOf(payload: JsonObject, departures: Departures): readonly string[] {
  const json = payload.get('IF');
  if (json === undefined) return [];
  if (Array.isArray(json) && json.every((flag) => typeof flag === 'string')) return json;
  departures.add('IF is no list of strings');
  return [];
}

const DER = 'application/x-der';

function readSignature(section: JsonObject, departures: Departures): RecordSignature {
  const string = (key: string): string | undefined => stringOf(section, key, departures);
  const data = string('SD');
  if (data === undefined) throw malformed('SD, the signature itself, is missing');
  if (!['hex', 'base64'].includes((string('SE') ?? 'hex').toLowerCase()))
    departures.add('SE is not in table 8');
  if ((string('SM') ?? DER) !== DER) departures.add('SM is not in table 8');
  return { algorithm: string('SA'), encoding: string('SE'), mimeType: string('SM'), data };
}
