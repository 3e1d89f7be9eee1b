import { OcmfError } from './errors.ts';
import { readOcmf } from './read-ocmf.ts';
import type { OcmfRecord } from './record.ts';
import { verifyOcmf, type OcmfReport } from './verify-ocmf.ts';

/** What the station knows of a meter that signs by itself. */
export interface RegisteredMeter {
  /** Its public key from the maker, as VerifyOcmfOptions has it. */
  readonly publicKey: string | Uint8Array;
  /** Its serial number; checked where it is given. */
  readonly serial?: string;
}

export interface MeterRecordVerdict {
  /** Signed by the registered key and of the registered meter: the meter did say this. */
  readonly authentic: boolean;
  /** Authentic, and no check found anything wrong with what it says: what it says can be billed. */
  readonly ok: boolean;
  readonly report: OcmfReport;
  /** The record; undefined where there is not exactly one that can be read. Not to be believed unless authentic. */
  readonly record: OcmfRecord | undefined;
}

/**
 * For one record that a meter signed by itself, before the station believes it. Total, as verifyOcmf: with a registered key that
 * is none nothing is believed. The record itself goes into the journal as it came, byte for byte, whatever this says.
 */
export function verifyMeterRecord(record: string | Uint8Array, meter: RegisteredMeter): MeterRecordVerdict {
  const report = verifyOcmf(record, {
    publicKey: meter.publicKey,
    ...(meter.serial === undefined ? {} : { meterSerial: meter.serial }),
  });
  const only = onlyRecord(record);
  const isOfMeter = report.checks.every(({ name, result }) => name !== 'same-meter' || result !== 'fail');
  const authentic = report.authentic && only !== undefined && isOfMeter;
  return { authentic, ok: authentic && report.ok, report, record: only };
}

function onlyRecord(input: string | Uint8Array): OcmfRecord | undefined {
  try {
    const found = readOcmf(input);
    return found.length === 1 ? found[0]?.record : undefined;
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    return undefined;
  }
}
