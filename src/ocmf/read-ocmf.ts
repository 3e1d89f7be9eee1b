import { decodeBytes } from './byte-text.ts';
import { malformed, OcmfError } from './errors.ts';
import { HEADER, parseRecord, skipSpace } from './parse-record.ts';
import type { OcmfRecord } from './record.ts';
import { readTransparencyXml } from './transparency-xml.ts';

/** A record and what came with it, of which nothing is signed. */
export interface FoundRecord {
  readonly record: OcmfRecord;
  /** As it was written; undefined where none came with the record. */
  readonly publicKey: string | undefined;
  /** Of the XML around it. */
  readonly transactionId: string | undefined;
}

/** A session has some kilobytes; the largest file in the transparency software's test data has 240. */
export const MAX_OCMF_BYTES = 1_048_576;

/** Bounds the work of checking signatures, some milliseconds each. */
const MAX_RECORDS = 512;
/** Bounds the work on what the records say. */
const MAX_READINGS = 16_384;

/**
 * Finds the records in a file: one or more bare ones (also in hex or base64, as OCPP carries them), each perhaps with its
 * public key behind a third pipe, or the XML of the transparency software. Between records stands nothing but white space and
 * `Public key: …`, so that no record goes missing unnoticed.
 * @throws OcmfError `ocmf.too_large` or `ocmf.malformed`
 */
export function readOcmf(input: Uint8Array | string): readonly FoundRecord[] {
  const text = (typeof input === 'string' ? input : decode(input)).replace(/^\ufeff/, '');
  if (text.length > MAX_OCMF_BYTES) throw tooLarge();
  const budget = { records: MAX_RECORDS, readings: MAX_READINGS };
  const found = text.trimStart().startsWith('<')
    ? fromXml(text.trimStart(), budget)
    : fromText(plainText(text), budget);
  if (found.length === 0) throw malformed('there is no OCMF record in it');
  return found;
}

interface Budget {
  records: number;
  readings: number;
}

function spend(budget: Budget, { readings }: OcmfRecord): void {
  budget.records--;
  budget.readings -= readings.length;
  if (budget.records < 0) throw malformed(`there are more than ${MAX_RECORDS} records in it`);
  if (budget.readings < 0) throw malformed(`there are more than ${MAX_READINGS} readings in it`);
}

function decode(input: Uint8Array): string {
  if (input.length > MAX_OCMF_BYTES) throw tooLarge();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    throw malformed('it is no text in UTF-8');
  }
}

function tooLarge(): OcmfError {
  return new OcmfError('ocmf.too_large', `a file of records has at most ${MAX_OCMF_BYTES} bytes`);
}

function fromText(plain: string, budget: Budget): readonly FoundRecord[] {
  const found: FoundRecord[] = [];
  let at = skipSpace(plain, 0);
  while (plain.startsWith(HEADER, at)) {
    const { record, end } = parseRecord(plain, at);
    spend(budget, record);
    const key = KEY_SECTION.exec(plain.slice(end, end + 4_096))?.[1];
    found.push({ record, publicKey: key, transactionId: undefined });
    at = skipSpace(plain, key === undefined ? end : plain.indexOf(key, end) + key.length);
  }
  return withLabelledKey(found, plain.slice(at));
}

/** A fourth section, behind the signature. */
const KEY_SECTION = /^\s*\|\s*([0-9A-Za-z+/=_-]+)/;
/** What makers' support sends: records, a label, a key. */
const LABELLED_KEY = /^public\s{0,8}key\s{0,8}:([0-9A-Za-z+/=\s]{40,1000})$/i;

function withLabelledKey(found: readonly FoundRecord[], rest: string): readonly FoundRecord[] {
  const label = rest.trim();
  if (label === '') return found;
  const publicKey = LABELLED_KEY.exec(label)?.[1]?.trim();
  if (publicKey === undefined || found.length === 0) {
    throw malformed(`this is no OCMF record: ${JSON.stringify(label.slice(0, 40))}`);
  }
  return found.map((one) => ({ ...one, publicKey: one.publicKey ?? publicKey }));
}

/** Plain, or hex or base64 of it. */
function plainText(text: string, encoding?: string): string {
  if (encoding === undefined || encoding === 'plain') {
    if (text.trimStart().startsWith(HEADER) || encoding === 'plain') return text;
  }
  const bytes = decodeBytes(text);
  if (bytes === undefined) return text;
  const decoded = decode(bytes);
  return decoded.startsWith(HEADER) ? decoded : text;
}

function fromXml(text: string, budget: Budget): readonly FoundRecord[] {
  const { values, rest } = readTransparencyXml(text);
  const found = values.flatMap(({ data, format, encoding, publicKey, transactionId }) => {
    if (format !== undefined && format.toUpperCase() !== 'OCMF') {
      throw malformed(`its signed data is not OCMF but ${JSON.stringify(format.slice(0, 20))}`);
    }
    return fromText(plainText(data, encoding?.toLowerCase()), budget).map((one) => ({
      record: one.record,
      publicKey: publicKey ?? one.publicKey,
      transactionId,
    }));
  });
  return withLabelledKey(found, rest);
}
