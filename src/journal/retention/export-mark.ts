import { readFileSync } from 'node:fs';
import path from 'node:path';
import { leafHash } from '../tree/merkle-tree.ts';
import { JournalError } from '../errors.ts';
import { replaceFile } from '../store/durable-file.ts';
import { openRows } from '../store/sqlite-rows.ts';

/**
 * How far the log was exported for good, as whoever exports says (`journal export --mark-exported`): one line of JSON,
 * `{"exported": <end index>, "log": <leaf hash of entry 0>}`. The hash ties the mark to this log: one that was begun anew in
 * the same directory has exported nothing.
 */
export const EXPORT_MARK_FILE = 'journal.exported';

/** Entries 0 to mark - 1 are kept elsewhere; 0 when nobody said so, or not of this log. @throws as openJournalReader */
export function readExportMark(directory: string): number {
  const rows = openRows(directory);
  try {
    const size = rows.size();
    const birth = rows.row(0);
    return birth === undefined ? 0 : markOf(directory, birth.cose, size);
  } finally {
    rows.close();
  }
}

/**
 * Says that entries fromIndex to endIndex - 1 are kept elsewhere. Durable when it returns, all or nothing. A mark never
 * goes back, and one that would leave entries out in front of it stays as it was.
 * @returns the mark as it is now
 * @throws JournalError `journal.out_of_range` when the log does not have that many entries, `journal.io`, and as
 * openJournalReader
 */
export function writeExportMark(directory: string, endIndex: number, fromIndex = 0): number {
  const rows = openRows(directory);
  try {
    const size = rows.size();
    const birth = rows.row(0);
    if (birth === undefined || !Number.isSafeInteger(endIndex) || endIndex > size) {
      throw new JournalError('journal.out_of_range', `the log has ${size} entries, not ${endIndex}`);
    }
    const before = markOf(directory, birth.cose, size);
    if (fromIndex > before || endIndex <= before) return before;
    // Whoever exports may be another user than the service that reads it.
    replaceFile(path.join(directory, EXPORT_MARK_FILE), line(endIndex, birth.cose), 0o644);
    return endIndex;
  } finally {
    rows.close();
  }
}

/** The mark as it concerns the log of that entry 0; what makes no sense marks nothing. */
export function markOf(directory: string, birth: Uint8Array, size: number): number {
  let text: string;
  try {
    text = readFileSync(path.join(directory, EXPORT_MARK_FILE), 'utf8');
  } catch {
    return 0;
  }
  const exported = Number(/^\{"exported":(\d{1,16}),/.exec(text)?.[1] ?? 0);
  return text === line(exported, birth) && exported <= size ? exported : 0;
}

function line(exported: number, birth: Uint8Array): string {
  return `${JSON.stringify({ exported, log: Buffer.from(leafHash(birth)).toString('hex') })}\n`;
}
