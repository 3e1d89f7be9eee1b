// The OCMF records of a session: the same ones as in the signed entries, signed with the key that the log names, and saying
// what the entries say.
import { compareDecimal, ENERGY_IMPORT, shiftDecimal, type Decimal } from '../../hal/contract/index.ts';
import { rotationIn, type JournalEntry } from '../journal/index.ts';
import {
  OcmfError,
  readOcmf,
  verifyOcmf,
  type OcmfCheckName,
  type OcmfRecord,
  type RecordReading,
} from '../ocmf/index.ts';
import { isSessionEntry, type SessionEntry } from './believed-entries.ts';
import { fail, notChecked, pass, type Finding } from './check.ts';
import type { Receipt } from './receipt-format.ts';

/** The record that a session's entry carries: the station's own, otherwise the one that the meter signed by itself. */
export function ocmfOf({ body: { ocmf, meterRecord } }: SessionEntry): string | undefined {
  if (ocmf !== undefined) return ocmf;
  return meterRecord?.format === 'OCMF' && meterRecord.encoding === 'text' ? meterRecord.data : undefined;
}

/** Needs both ends: a receipt of a session that still runs has one. */
const OF_BOTH_ENDS: readonly OcmfCheckName[] = ['begin-and-end'];

export function checkOcmf(entries: readonly JournalEntry[], records: Receipt['ocmf']): Finding {
  const carriers = entries.filter(isSessionEntry).filter((entry) => ocmfOf(entry) !== undefined);
  const given = records ?? [];
  if (given.length !== carriers.length || carriers.some((entry, i) => ocmfOf(entry) !== given[i])) {
    return fail('the OCMF records beside the entries are not the ones in the entries');
  }
  const [first] = carriers;
  if (first === undefined) return notChecked('the receipt holds no OCMF record');
  if (given.some((record) => readOne(record) === undefined))
    return fail('there is something else than one OCMF record');
  const byMeter = carriers.find(({ body }) => body.ocmf === undefined);
  // The key may have been changed within the session: each record is of the one that the log names at its place.
  const named = carriers.map(({ index }) => ocmfKeyAt(entries, index)).filter((key) => key !== undefined);
  const ownKeys = byMeter === undefined && named.length === carriers.length ? named : undefined;
  const report = verifyOcmf(given.join('\n'), ownKeys === undefined ? {} : { publicKey: ownKeys });
  const failed = report.checks.filter(
    ({ name, result }) => result === 'fail' && (carriers.length > 1 || !OF_BOTH_ENDS.includes(name)),
  );
  if (failed.length > 0) return fail(failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '));
  if (byMeter !== undefined) {
    const said =
      byMeter.body.meterRecord?.result === 'verified' ? 'found it signed with' : 'did not verify it with';
    return notChecked(
      `the record is the meter's own; the station ${said} the meter's registered key, which is not in here`,
    );
  }
  if (ownKeys === undefined)
    return notChecked("entry 0, which names the station's OCMF key, is not in the receipt");
  if (!report.authentic) return notChecked('the records are signed in a way that could not be checked');
  const other = carriers.find((entry) => !saysTheSame(entry));
  if (other !== undefined) return fail(`the record of entry ${other.index} shows another meter or register`);
  return pass(
    `${carriers.length} records, signed with the OCMF key that the log names, show the entries' meter and register`,
  );
}

/** The key that the log's birth or its last rotation before `index` names. */
function ocmfKeyAt(entries: readonly JournalEntry[], index: number): Uint8Array | undefined {
  return entries
    .filter((entry) => entry.index < index)
    .map((entry) => (entry.kind === 'boot' ? entry.body.birth?.ocmfKey : rotationIn(entry)?.ocmfKey))
    .findLast((key) => key !== undefined);
}

function saysTheSame(entry: SessionEntry): boolean {
  const { meterSerial, values } = entry.body.reading;
  // As it was read, good or not: a record shows a bad value too, and marks it.
  const register = values.find(({ obis, unit }) => obis === ENERGY_IMPORT && unit === 'Wh')?.value;
  const record = readOne(ocmfOf(entry) ?? '');
  if (record === undefined) return false;
  const { meter, readings } = record;
  const isBegin = entry.kind === 'session-begin';
  const reading = isBegin ? readings.find(({ reason }) => reason === 'B') : readings.at(-1);
  const said = reading === undefined ? undefined : inWattHours(reading);
  const same =
    register === undefined ? said === undefined : said !== undefined && compareDecimal(said, register) === 0;
  return same && meter.serial === meterSerial;
}

/** The one record that a text is; a forger's text may be none, or several. */
function readOne(text: string): OcmfRecord | undefined {
  const found = orWhy(() => readOcmf(text));
  return 'why' in found || found.length !== 1 ? undefined : found[0]?.record;
}

function orWhy<T extends object>(read: () => T): T | { readonly why: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof OcmfError) return { why: error.message };
    throw error;
  }
}

function inWattHours({ value }: RecordReading): Decimal | undefined {
  if (value?.unit === 'kWh') return shiftDecimal(value.amount, 3);
  return value?.unit === 'Wh' ? value.amount : undefined;
}
