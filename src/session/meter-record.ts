import { StationError, type SignedMeterRecord } from '../../hal/contract/index.ts';
import type { MeterRecord } from '../journal/index.ts';
import { verifyMeterRecord, type RegisteredMeter } from '../ocmf/index.ts';

/** More than this is no record of one moment; an entry has room for 64 KiB. */
const MAX_RECORD_CHARACTERS = 32_768;

/**
 * What a meter that signs by itself said, untouched, and whether it may be believed: signed by the key that is registered for
 * it, of the meter that was read, and with nothing wrong in it.
 */
export function checkMeterRecord(
  { format, encoding, data }: SignedMeterRecord,
  registered: RegisteredMeter | undefined,
  meterSerial: string,
): MeterRecord {
  const kept = { format, encoding, data };
  if (data.length > MAX_RECORD_CHARACTERS) {
    const why = `the record has ${data.length} characters; its begin is kept`;
    return { ...kept, data: data.slice(0, MAX_RECORD_CHARACTERS), result: 'refused', why };
  }
  if (registered === undefined)
    return { ...kept, result: 'no-key', why: 'no key is registered for the meter' };
  if (format !== 'OCMF') return { ...kept, result: 'refused', why: `${format} cannot be verified here` };
  try {
    const bytes = encoding === 'text' ? data : new Uint8Array(Buffer.from(data, encoding));
    const { authentic, report } = verifyMeterRecord(bytes, { serial: meterSerial, ...registered });
    if (authentic) return { ...kept, result: 'verified' };
    const failed = report.checks.filter(({ result }) => result === 'fail');
    const why = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
    return { ...kept, result: 'refused', why: why === '' ? 'it cannot be verified' : why };
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return { ...kept, result: 'refused', why: `[${error.code}] ${error.message}` };
  }
}
