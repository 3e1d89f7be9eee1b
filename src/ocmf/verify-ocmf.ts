import { notChecked, fail, OCMF_CHECK_NAMES, pass, listed } from './check.ts';
import type { OcmfCheck, OcmfCheckName, OcmfFinding } from './check.ts';
import { OcmfError } from './errors.ts';
import { parsePublicKey, type PublicKey } from './public-key.ts';
import { readOcmf, type FoundRecord } from './read-ocmf.ts';
import {
  beginAndEnd,
  pagination,
  readingsCheck,
  sameMeter,
  sameSession,
  sessionsOf,
  type PlacedRecord,
  type Session,
} from './session-checks.ts';
import { summarize, type OcmfSessionSummary } from './session-summary.ts';
import { checkSignatures } from './signature-checks.ts';
import { errorFlags, meterState, timeStatus, userAssignment } from './status-checks.ts';

export interface VerifyOcmfOptions {
  /**
   * The meter's key as it is known from elsewhere: hex, base64, PEM or bytes, SubjectPublicKeyInfo or point. A list has one for
   * each record, in order, where the signer's key was changed between them.
   */
  readonly publicKey?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The meter's serial number as it is known from elsewhere; MS or GS of every record has to be it. */
  readonly meterSerial?: string;
}

export interface OcmfReport {
  /** Signed, in a version of the format that is known here, and no check failed. */
  readonly ok: boolean;
  /** Every record is signed by the key that was given; what it says may still be refused by another check. */
  readonly authentic: boolean;
  readonly checks: readonly OcmfCheck[];
  readonly sessions: readonly OcmfSessionSummary[];
}

/**
 * Checks records of any meter as they are found in the field (readOcmf says in which wrappings). Total: what is wrong with the
 * input is a failed check, never an exception, and so is a given key that is none.
 */
export function verifyOcmf(input: Uint8Array | string, options: VerifyOcmfOptions = {}): OcmfReport {
  const found = attempt(() => readOcmf(input));
  if (found instanceof OcmfError) return unreadable(found.message);
  const trusted = attempt(() => givenKeys(options.publicKey, found.length));
  const nameOf = (index: number): string => (found.length === 1 ? '' : `record ${index + 1}: `);
  const placed = found.map((one, index): PlacedRecord => ({ ...one, where: nameOf(index) }));
  const sessions = sessionsOf(placed);
  const findings: Readonly<Record<OcmfCheckName, OcmfFinding>> = {
    format: formatFinding(found),
    ...checkSignatures(found, trusted, nameOf),
    ...sessionFindings(sessions, options.meterSerial),
  };
  const checks = OCMF_CHECK_NAMES.map((name): OcmfCheck => ({ name, ...findings[name] }));
  const isSigned = findings.signature.result === 'pass';
  return {
    ok: isSigned && findings.format.result === 'pass' && checks.every(({ result }) => result !== 'fail'),
    authentic: isSigned && findings['public-key'].result === 'pass',
    checks,
    sessions: sessions.map(summarize),
  };
}

/** @throws OcmfError `ocmf.bad_key` */
function givenKeys(given: VerifyOcmfOptions['publicKey'], count: number): readonly PublicKey[] | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'string' || given instanceof Uint8Array) {
    const one = parsePublicKey(given);
    return Array.from({ length: count }, () => one);
  }
  if (given.length !== count) {
    throw new OcmfError('ocmf.bad_key', `${given.length} keys were given for ${count} records`);
  }
  return given.map(parsePublicKey);
}

function attempt<T>(work: () => T): T | OcmfError {
  try {
    return work();
  } catch (error) {
    if (error instanceof OcmfError) return error;
    throw error;
  }
}

/** "Major: changes that are no longer compatible"; minor ones only add. */
const KNOWN_VERSION = /^[01](\.\d{1,4}){0,2}$/;

function formatFinding(found: readonly FoundRecord[]): OcmfFinding {
  const departures = found.flatMap(({ record }) => record.departures);
  const count = found.length === 1 ? 'OCMF' : `${found.length} records of OCMF`;
  const versions = [...new Set(found.map(({ record }) => record.formatVersion ?? '?'))].join(', ');
  const noted = departures.length === 0 ? '' : `; departs from it: ${listed(departures)}`;
  if (found.some(({ record }) => !KNOWN_VERSION.test(record.formatVersion ?? '1.0'))) {
    return notChecked(`format version ${versions.slice(0, 40)} is none that is known here (0.x and 1.x)`);
  }
  return pass(`${count} ${versions.slice(0, 40)}${noted}`);
}

function sessionFindings(sessions: readonly Session[], meterSerial: string | undefined) {
  return {
    'same-meter': sameMeter(sessions, meterSerial),
    'same-session': sameSession(sessions),
    pagination: pagination(sessions),
    'begin-and-end': beginAndEnd(sessions),
    readings: readingsCheck(sessions),
    'time-status': timeStatus(sessions),
    'meter-state': meterState(sessions),
    'error-flags': errorFlags(sessions),
    'user-assignment': userAssignment(sessions),
  };
}

function unreadable(why: string): OcmfReport {
  const checks = OCMF_CHECK_NAMES.map((name): OcmfCheck => ({
    name,
    ...(name === 'format' ? fail(why) : notChecked('there is no record')),
  }));
  return { ok: false, authentic: false, checks, sessions: [] };
}
