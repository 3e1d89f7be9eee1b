import type { StationIdentity } from '../../identity/index.ts';
import {
  JournalError,
  openJournalReader,
  signCheckpoint,
  verifyConsistency,
  type Journal,
  type SignedCheckpoint,
} from '../../journal/index.ts';

/** A log that is open for writing, and what its trees are signed with. */
export interface OwnLog {
  readonly directory: string;
  readonly journal: Journal;
  readonly identity: StationIdentity;
}

/**
 * The checkpoint of the first `size` entries; of all there are unless given. A smaller tree is calculated from the file, in which a
 * bit may have turned: it is signed only when the tree that the journal itself holds begins with it.
 * @throws JournalError `journal.out_of_range`, `journal.pruned` (the hashes of that very tree are gone), `journal.corrupt`; as
 * Journal.checkpoint
 */
export async function signedTree(
  { directory, journal, identity }: OwnLog,
  size?: number,
): Promise<SignedCheckpoint> {
  const whole = await journal.checkpoint();
  if (size === undefined || size === whole.size) return whole;
  const reader = openJournalReader(directory);
  try {
    const root = reader.rootAt(size);
    const proof = reader.consistencyProof(size, whole.size);
    if (!verifyConsistency({ size1: size, root1: root, size2: whole.size, root2: whole.root, proof }))
      throw new JournalError(
        'journal.corrupt',
        `the stored hashes do not lead from ${size} entries to the log`,
      );
    return { text: signCheckpoint({ origin: journal.origin, size, root }, identity), size, root };
  } finally {
    reader.close();
  }
}
