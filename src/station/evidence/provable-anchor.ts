import type { AnchorEvidence } from '../../chain/index.ts';
import { JournalError, type JournalReader } from '../../journal/index.ts';

/**
 * The final anchor to prove an entry against: the first one that covers it, so that a receipt made twice is the same; the newest
 * one when the hashes at the end of the first one's tree gave way, for that tree always stays provable. Null when none covers
 * it, or the anchors are of a log before this one.
 * @throws SyncError `sync.outbox_damaged`, `sync.outbox_newer`; JournalError as rootAt, except for `journal.pruned`
 */
export async function provableAnchor(
  journal: Pick<JournalReader, 'rootAt' | 'origin'>,
  directory: string,
  lastIndex: number,
): Promise<AnchorEvidence | null> {
  const { anchorCovering, readSyncStatus, SyncError } = await import('../../sync/index.ts');
  try {
    const first = anchorCovering(directory, lastIndex);
    // The outbox learns that another log was begun only when the service opens it.
    if (first !== undefined && !first.checkpoint.startsWith(`${journal.origin}\n`)) return null;
    if (first === undefined || isProvable(journal, first.size)) return first ?? null;
    const newest = readSyncStatus(directory).lastAnchor;
    return (newest === null ? undefined : anchorCovering(directory, newest.size - 1)) ?? first;
  } catch (error) {
    // A station that never had a link has no outbox, and its receipts no anchor.
    if (error instanceof SyncError && error.code === 'sync.outbox_missing') return null;
    throw error;
  }
}

function isProvable(journal: Pick<JournalReader, 'rootAt'>, size: number): boolean {
  try {
    journal.rootAt(size);
    return true;
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.pruned') return false;
    throw error;
  }
}
