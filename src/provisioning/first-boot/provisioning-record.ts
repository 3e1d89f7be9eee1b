import { CLOCK_STATUSES, formatVerifierKey, type ClockStatus } from '../../journal/index.ts';
import {
  isSignedBy,
  readEnvelope,
  sealEnvelope,
  type EnvelopeKey,
  type EnvelopePayload,
} from '../../identity/index.ts';
import { ProvisioningError } from '../errors.ts';

export const RECORD_CONTENT_TYPE = 'application/vnd.delmonicos.provisioning+cbor';
export const MAX_RECORD_BYTES = 16_384;

/** What a station says of itself at its first boot (docs/formats.cddl, provisioning-record). */
export interface ProvisioningRecord {
  /** 32 bytes, ed25519: signs this record, and the log. */
  readonly publicKey: Uint8Array;
  /** C2SP verifier key of the log that it will write. */
  readonly verifierKey: string;
  /** 32 bytes, ed25519. */
  readonly chainAccount: Uint8Array;
  readonly ss58: string;
  /** 65-byte uncompressed point of P-256. */
  readonly ocmfKey: Uint8Array;
  /** `credential`, `file`, `tpm`, `pkcs11`. */
  readonly seedKind: string;
  readonly software: string;
  /** Milliseconds since 1970 UTC, and what that is worth. */
  readonly timeMs: number;
  readonly clockStatus: ClockStatus;
  /** 16 bytes: the boot of the kernel in which it was made. */
  readonly bootId: Uint8Array;
  /** As configured, where it was. */
  readonly stationName?: string;
  /** Of the board, as its firmware tells it. */
  readonly hardwareSerial?: string;
  /** SHA-256 of the configuration file. */
  readonly configDigest?: Uint8Array;
  /** SHA-256 of `bundle.json`, which has that of every file of the software. */
  readonly bundleDigest?: Uint8Array;
}

type Fields = { readonly [Name in keyof Required<ProvisioningRecord>]: readonly [key: number, Kind] };
type Kind = 'text' | 'count' | number; // a number: so many bytes

const FIELDS: Fields = {
  publicKey: [1, 32],
  verifierKey: [2, 'text'],
  chainAccount: [3, 32],
  ss58: [4, 'text'],
  ocmfKey: [5, 65],
  seedKind: [6, 'text'],
  software: [7, 'text'],
  timeMs: [8, 'count'],
  clockStatus: [9, 'text'],
  bootId: [10, 16],
  stationName: [11, 'text'],
  hardwareSerial: [12, 'text'],
  configDigest: [13, 32],
  bundleDigest: [14, 32],
};
const OPTIONAL: ReadonlySet<string> = new Set([
  'stationName',
  'hardwareSerial',
  'configDigest',
  'bundleDigest',
]);
const MAX_TEXT = 512;

export function signRecord(record: ProvisioningRecord, key: EnvelopeKey): Uint8Array {
  const payload = new Map<number, string | number | Uint8Array>();
  for (const [name, [key]] of Object.entries(FIELDS)) {
    const value = record[name as keyof ProvisioningRecord];
    if (value !== undefined) payload.set(key, value);
  }
  const bytes = sealEnvelope(RECORD_CONTENT_TYPE, payload, key);
  verifyRecord(bytes); // what nobody would read is not written
  return bytes;
}

/**
 * Reads a record and verifies it with the key that it names itself: it says that the holder of that key said so, once. That the
 * key is this station's, its log or its label says.
 * @throws ProvisioningError `provisioning.record_malformed`, `provisioning.record_bad_signature`
 */
export function verifyRecord(bytes: Uint8Array): ProvisioningRecord {
  const { record, envelope } = read(bytes);
  if (isSignedBy(envelope, record.publicKey)) return record;
  throw new ProvisioningError(
    'provisioning.record_bad_signature',
    'the record is not signed by the key in it',
  );
}

function read(bytes: Uint8Array) {
  try {
    if (bytes.length > MAX_RECORD_BYTES) throw new TypeError(`it has more than ${MAX_RECORD_BYTES} bytes`);
    const envelope = readEnvelope(bytes);
    if (envelope.contentType !== RECORD_CONTENT_TYPE) throw new TypeError('it is signed as something else');
    return { envelope, record: recordOf(envelope.payload) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProvisioningError('provisioning.record_malformed', `no provisioning record: ${why}`, { cause });
  }
}

function recordOf(payload: EnvelopePayload): ProvisioningRecord {
  const known = new Set(Object.values(FIELDS).map(([key]) => key));
  for (const key of payload.keys()) if (!known.has(key)) throw new TypeError(`it has the unknown key ${key}`);
  const found: Record<string, unknown> = {};
  for (const [name, [key, kind]] of Object.entries(FIELDS)) {
    const value = payload.get(key);
    if (value === undefined && OPTIONAL.has(name)) continue;
    if (!fits(value, kind)) throw new TypeError(`its ${name} is missing or wrong`);
    found[name] = value;
  }
  const record = found as unknown as ProvisioningRecord;
  if (!CLOCK_STATUSES.includes(record.clockStatus)) throw new TypeError('its clock status is none');
  const keyName = record.verifierKey.split('+')[0] ?? '';
  if (formatVerifierKey({ keyName, publicKey: record.publicKey }) !== record.verifierKey)
    throw new TypeError('its verifier key is not of its public key');
  return record;
}

function fits(value: unknown, kind: Kind): boolean {
  if (kind === 'text') return typeof value === 'string' && value.length <= MAX_TEXT;
  if (kind === 'count') return Number.isSafeInteger(value) && (value as number) >= 0;
  return value instanceof Uint8Array && value.length === kind;
}
