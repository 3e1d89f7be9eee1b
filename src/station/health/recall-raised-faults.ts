import type { Log } from '../../../hal/contract/index.ts';
import { decodeEntry, openJournalReader } from '../../journal/index.ts';
import { RECORDED_BY_HEALTH } from './faults-on-record.ts';

/** Fault entries that are looked at; more than a bad week leaves behind. */
const LOOK_BACK_FAULTS = 200;

/**
 * Codes of the faults of syncing, and of the health list, that the journal has as raised and not cleared, so that a restart neither raises them again nor
 * leaves them open for good. Entries are decoded, not verified: the worst that comes of it is one entry too many or too few.
 */
export function recallRaisedFaults(directory: string, log: Log): ReadonlySet<string> {
  const newest = new Map<string, string>();
  try {
    const reader = openJournalReader(directory);
    try {
      let left = LOOK_BACK_FAULTS;
      for (const { cose } of reader.newestOfKind('fault')) {
        if (left-- === 0) break;
        const { entry } = decodeEntry(cose);
        if (entry.kind !== 'fault' || !isFollowed(entry.body.code)) continue;
        if (!newest.has(entry.body.code)) newest.set(entry.body.code, entry.body.message);
      }
    } finally {
      reader.close();
    }
  } catch (error) {
    log('warning', 'journal.recall_failed', { error });
  }
  return new Set([...newest].filter(([, message]) => message === 'raised').map(([code]) => code));
}

/** Those with a subject of their own (`meter.silent`) are found out anew by whoever reads the meter. */
function isFollowed(code: string): boolean {
  return code.startsWith('sync.') || RECORDED_BY_HEALTH.some((one) => one === code);
}
