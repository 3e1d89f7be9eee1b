import type { JournalEntry } from '../journal/index.ts';
import { isSessionEntry } from './believed-entries.ts';
import { fail, notChecked, type Finding } from './check.ts';
import type { Receipt } from './receipt-format.ts';

/**
 * The OCMF records beside the entries are, character for character, those that the session's entries hold, and each is
 * signed with the OCMF key that the log itself names (entry 0, or a later rotation).
 */
export function checkOcmf(entries: readonly JournalEntry[], records: Receipt['ocmf']): Finding {
  const signed = entries
    .filter(isSessionEntry)
    .flatMap(({ body: { ocmf } }) => (ocmf === undefined ? [] : [ocmf]));
  const given = records ?? [];
  if (given.length !== signed.length || given.some((record, i) => record !== signed[i])) {
    return fail('the OCMF records beside the entries are not the ones in the entries');
  }
  if (signed.length === 0) return notChecked('the receipt holds no OCMF record');
  return notChecked('the OCMF key of the station is not in the receipt');
}
