import { decodeEntry, entryToJson, type StoredEntry } from '../../journal/index.ts';
import { lastLine, lastSign1, type RecordFinder } from './export-records.ts';

/** Entries from..to-1 that are not in the log any more; a signed entry behind them says why. */
export interface MissingEntries {
  readonly from: number;
  readonly to: number;
}

/** What one record of a file is about. */
export type RecordPlace =
  { readonly kind: 'entry'; readonly index: number } | { readonly kind: 'missing'; readonly from: number };

/**
 * One way to write entries down. The same entry always gives the same bytes: that is what lets an unfinished file be
 * continued as if it had never been interrupted.
 */
export interface ExportFormat {
  /** What a file begins with; may be empty. */
  readonly header: string;
  /** @throws JournalError `journal.entry_malformed` in a format that has to look into the entry */
  entry(stored: StoredEntry): Uint8Array | string;
  /** Undefined where the format has room for entries only. */
  missing(range: MissingEntries): string | undefined;
  /** Finds the first and the last whole record in a file. */
  readonly find: RecordFinder;
  /** Reads one of its own records back; undefined when it is none. */
  place(record: Buffer): RecordPlace | undefined;
}

/** RFC 8742: the signed messages as they are, one after the other. What is missing shows in the entries' own indices. */
export const CBOR_SEQUENCE: ExportFormat = {
  header: '',
  entry: ({ cose }) => cose,
  missing: () => undefined,
  find: lastSign1,
  place(record) {
    try {
      return { kind: 'entry', index: decodeEntry(record).entry.index };
    } catch {
      return undefined;
    }
  },
};

/** One JSON document a line: the entry in words, and the signed message as `cose` in base64. */
export const JSON_LINES: ExportFormat = {
  header: '',
  entry: ({ cose }) =>
    `${JSON.stringify({ ...entryToJson(decodeEntry(cose).entry), cose: Buffer.from(cose).toString('base64') })}\n`,
  missing: (missing) => `${JSON.stringify({ missing })}\n`,
  find: lastLine,
  place(record) {
    let line: unknown;
    try {
      line = JSON.parse(record.toString('utf8'));
    } catch {
      return undefined;
    }
    const { index, missing } = (line ?? {}) as { index?: unknown; missing?: { from?: unknown } };
    if (isIndex(index)) return { kind: 'entry', index };
    return isIndex(missing?.from) ? { kind: 'missing', from: missing.from } : undefined;
  },
};

export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
