import { compareDecimal } from '../../hal/contract/index.ts';
import { notChecked, Tally, type OcmfFinding } from './check.ts';
import type { FoundRecord } from './read-ocmf.ts';
import type { RecordReading } from './record.ts';
import { inWattHours, isBegin, isEnd, registersOf, type Register } from './register.ts';
import { READING_REASONS } from './vocabulary.ts';

/** A record with its place in the file, for findings. */
export interface PlacedRecord extends FoundRecord {
  /** `record 2: `, or nothing where there is only one. */
  readonly where: string;
}
export type Session = readonly PlacedRecord[];

/**
 * A file may hold many sessions, one after the other. One begins at a record whose first reading is a begin, and where fiscal
 * records (context F) follow those of transactions. The order is the file's: the wall clock orders nothing, and pagination is
 * what is to be checked.
 */
export function sessionsOf(records: readonly PlacedRecord[]): readonly Session[] {
  const sessions: PlacedRecord[][] = [];
  for (const placed of records) {
    const current = sessions.at(-1);
    const first = placed.record.readings[0];
    const continues =
      current !== undefined &&
      first?.reason !== 'B' &&
      current[0]?.record.pagination?.context === placed.record.pagination?.context;
    if (continues) current.push(placed);
    else sessions.push([placed]);
  }
  return sessions;
}

const isFiscal = (session: Session): boolean =>
  session.every(({ record }) => record.pagination?.context === 'F') ||
  session.every(({ record }) => record.readings.every(({ reason }) => reason === undefined));

/** "All data records must come from the same source (serial number)". @param serial the meter's, where it is known */
export function sameMeter(sessions: readonly Session[], serial: string | undefined): OcmfFinding {
  const tally = new Tally();
  for (const session of sessions) {
    const [first] = session;
    for (const { record, where } of session) {
      const serials = [record.meter.serial, record.gateway.serial].filter((text) => (text ?? '') !== '');
      if (serials.length === 0)
        tally.unknown(`${where}neither meter (MS) nor gateway (GS) has a serial number`);
      if (serial !== undefined && serials.length > 0 && !serials.includes(serial)) {
        tally.wrong(`${where}it is of ${serials.join(' and ')}, not of ${serial}`);
      }
      if (record.meter.serial !== first?.record.meter.serial) {
        tally.wrong(`${where}meter ${show(record.meter.serial)} after ${show(first?.record.meter.serial)}`);
      }
      if (record.gateway.serial !== first?.record.gateway.serial) {
        tally.wrong(
          `${where}gateway ${show(record.gateway.serial)} after ${show(first?.record.gateway.serial)}`,
        );
      }
    }
  }
  return tally.finding(sessions.every(({ length }) => length === 1) ? 'one record' : 'one meter and gateway');
}

/** Records of one session name one user, one charging point, and, in XML, one transaction. */
export function sameSession(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  const told: readonly (readonly [string, (placed: PlacedRecord) => string | undefined])[] = [
    ['user (ID)', ({ record }) => record.user.data],
    ['type of user (IT)', ({ record }) => record.user.type],
    ['charging point (CI)', ({ record }) => record.chargePoint.id],
    ['transactionId', ({ transactionId }) => transactionId],
  ];
  for (const session of sessions) {
    let comparable = session.length === 1;
    for (const [name, of] of told) {
      const values = session.map(of).map((text) => (text === '' ? undefined : text));
      const present = values.filter((text) => text !== undefined);
      if (present.length > 1) comparable = true;
      if (new Set(present).size > 1) tally.wrong(`another ${name}: ${present.map(show).join(', then ')}`);
    }
    if (!comparable) tally.unknown('the records say nothing about whose session it is');
  }
  return tally.finding(
    sessions.every(({ length }) => length === 1) ? 'one record' : 'one user and one transaction',
  );
}

/** "The cohesion between several individual data records is ensured by continuous pagination" (table 2). */
export function pagination(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  const pages: string[] = [];
  const seen = new Map<string, string>();
  for (const session of sessions) {
    let before: bigint | undefined;
    for (const { record, where } of session) {
      if (record.pagination === undefined) {
        tally.wrong(`${where}PG is missing or unreadable`);
        continue;
      }
      const { context, number } = record.pagination;
      const page = `${context}${number}`;
      pages.push(page);
      if (before !== undefined && number !== before + 1n) {
        tally.wrong(`${where}${page} after ${context}${before}: records are missing, added or out of order`);
      }
      before = number;
      const identity = JSON.stringify([record.meter.serial, record.gateway.serial, page]);
      if (seen.has(identity)) tally.wrong(`${where}${page} is there twice`);
      seen.set(identity, page);
    }
  }
  return tally.finding(pages.length > 6 ? `${pages[0]} to ${pages.at(-1)}` : pages.join(', '));
}

/** "The first record must be marked as the start of a charging process, the last as the end", register by register. */
export function beginAndEnd(sessions: readonly Session[]): OcmfFinding {
  const transactions = sessions.filter((session) => !isFiscal(session));
  if (transactions.length === 0) return notChecked('fiscal readings belong to no session');
  const tally = new Tally();
  for (const session of transactions) checkSpan(session, sessions.length === 1, tally);
  return tally.finding(transactions.length === 1 ? 'begins and ends' : `${transactions.length} sessions`);
}

function checkSpan(session: Session, isOnly: boolean, tally: Tally): void {
  const where = session[0]?.where ?? '';
  const readings = session.flatMap(({ record }) => record.readings);
  const unknown = readings.find(
    ({ reason }) => reason === undefined || !Object.hasOwn(READING_REASONS, reason),
  );
  if (unknown !== undefined) tally.wrong(`${where}TX ${show(unknown.reason)} is no letter of table 7`);
  const [begins, ends] = [readings.some(isBegin), readings.some(isEnd)];
  if (!begins && (session.length > 1 || !isOnly)) {
    tally.wrong(`${where}continues a session that begins in none of these records`);
  } else if (!begins) tally.unknown('the record is not the begin of a session, which is not here');
  if (!ends) tally.unknown(`${where}the end of the session is not here`);
  if (!begins || !ends) return;
  if (!isBegin(readings[0] as RecordReading)) tally.wrong(`${where}the first reading is not the begin`);
  if (!isEnd(readings.at(-1) as RecordReading)) tally.wrong(`${where}the last reading is not the end`);
  const complete = registersOf(session).filter((register) => checkRegister(register, where, tally));
  if (complete.length === 0) tally.wrong(`${where}no register has both a begin and an end`);
}

/** Meters add a register at the end only (a duration, KEBA's 1.9.0); none of them begins and does not end. */
function checkRegister({ obis, readings }: Register, where: string, tally: Tally): boolean {
  const begins = readings.filter(({ reading }) => isBegin(reading)).length;
  const ends = readings.filter(({ reading }) => isEnd(reading)).length;
  if (begins > 1) tally.wrong(`${where}${show(obis)} begins ${begins} times`);
  if (ends > 1) tally.wrong(`${where}${show(obis)} ends ${ends} times`);
  if (begins === 1 && ends === 0) tally.wrong(`${where}${show(obis)} begins and does not end`);
  const endAt = readings.findIndex(({ reading }) => isEnd(reading));
  const beginAt = readings.findIndex(({ reading }) => isBegin(reading));
  if (beginAt > 0 || (ends === 1 && endAt !== readings.length - 1)) {
    tally.wrong(`${where}${show(obis)} has readings outside of begin and end`);
  }
  return begins === 1 && ends === 1;
}

/** Values are there, in one unit, and never fall: a register of energy only counts up. */
export function readingsCheck(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  let count = 0;
  for (const session of sessions) {
    for (const { record, where } of session) {
      for (const { value, state, errorFlags, reason } of record.readings) {
        const tellsError = (state ?? 'G') !== 'G' || errorFlags !== '' || reason === 'X';
        if (value === undefined && !tellsError) tally.wrong(`${where}a reading has no value`);
        if (value !== undefined && value.unit === undefined) tally.wrong(`${where}a value has no unit`);
        if (value !== undefined) count++;
      }
    }
    for (const register of registersOf(session)) checkValues(register, session, tally);
  }
  return tally.finding(`${count} values, none falls`);
}

function checkValues({ obis, unit, readings }: Register, session: Session, tally: Tally): void {
  let before: (typeof readings)[number]['value'] | undefined;
  for (const { value, record } of readings) {
    const where = session[record]?.where ?? '';
    if (value.amount.mantissa < 0n) tally.wrong(`${where}${show(obis)} is below zero`);
    const [last, now] = [before && inWattHours(before), inWattHours(value)];
    if (before !== undefined && value.unit !== unit && (last === undefined || now === undefined)) {
      tally.wrong(`${where}${show(obis)} changes its unit from ${show(unit)} to ${show(value.unit)}`);
    } else if (before !== undefined && compareDecimal(now ?? value.amount, last ?? before.amount) < 0) {
      tally.wrong(`${where}${show(obis)} falls`);
    }
    before = value;
  }
}

/** What a stranger wrote, short and on one line. */
export function show(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
