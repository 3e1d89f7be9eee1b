import type { JournalReader } from '../journal/index.ts';
import { ownIdentity } from './own-identity.ts';

export interface SignedTree {
  readonly size: number;
  readonly root: Uint8Array;
  /** C2SP tlog-checkpoint, the signed note. */
  readonly checkpoint: string;
}

/**
 * Signs a tree of a journal beside the service that writes it: only with the key of that log, only what is on disk for good,
 * and only after the mark that stands outside of the log knows how far it has come.
 * @param wanted tree size; all that is committed unless given
 * @throws JournalError `journal.wrong_key`, `journal.io`, `journal.out_of_range`; IdentityError as ownIdentity
 */
export async function signTree(
  journal: JournalReader,
  directory: string,
  wanted?: number,
): Promise<SignedTree> {
  const { highWaterFile, JournalError, raiseHighWater, signCheckpoint, syncJournal } =
    await import('../journal/index.ts');
  const identity = await ownIdentity(directory);
  if (!Buffer.from(identity.publicKey).equals(journal.publicKey)) {
    throw new JournalError('journal.wrong_key', 'the root seed here is not the one that signs this log');
  }
  const { origin } = journal;
  const size = wanted ?? journal.size;
  const root = journal.rootAt(size);
  syncJournal(directory);
  raiseHighWater(highWaterFile(directory), { origin, size, root });
  return { size, root, checkpoint: signCheckpoint({ origin, size, root }, identity) };
}
