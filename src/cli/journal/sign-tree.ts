import type { StationIdentity } from '../../identity/index.ts';
import type { JournalReader } from '../../journal/index.ts';
import { note } from '../output.ts';
import { ownIdentity } from '../own-identity.ts';

export interface SignedTree {
  readonly size: number;
  readonly root: Uint8Array;
  /** C2SP tlog-checkpoint, the signed note. */
  readonly checkpoint: string;
}

export interface TreeWanted {
  /** Tree size; all that is committed unless given. */
  readonly size?: number | undefined;
  /** A leaf that the tree must hold. */
  readonly covering?: number | undefined;
  /** station.yaml, which may say that the high-water mark is somewhere else than in the state directory. */
  readonly config?: string | undefined;
}

/**
 * Signs a tree of a journal beside the service that writes it: only with the key of that log, only what is whole and on disk for good,
 * and only after the mark that stands outside of the log knows how far it has come.
 * Where the key is gone, the newest tree that it signed for the chain takes its place.
 * @throws JournalError `journal.wrong_key`, `journal.corrupt`, `journal.rolled_back`, `journal.io`, `journal.out_of_range`; IdentityError as ownIdentity; a
 * configuration's own errors
 */
export async function signTree(
  journal: JournalReader,
  directory: string,
  { size: wanted, covering = 0, config }: TreeWanted = {},
): Promise<SignedTree> {
  const journalRoom = await import('../../journal/index.ts');
  const { JournalError, parseCheckpoint, raiseHighWater, signCheckpoint, syncJournal } = journalRoom;
  const mark = journalRoom.highWaterFile(directory, await configuredMark(config));
  let identity: StationIdentity;
  try {
    identity = await ownIdentity(directory);
  } catch (error) {
    const signed = await signedBefore(journal, directory, { wanted, covering });
    if (signed === undefined) throw error;
    note(
      `the root seed cannot be used here: this is the tree of ${signed.size} entries that it signed before`,
    );
    return signed;
  }
  if (!Buffer.from(identity.publicKey).equals(journal.publicKey)) {
    throw new JournalError('journal.wrong_key', 'the root seed here is not the one that signs this log');
  }
  const { origin, keys } = journal;
  const known = (await checkpointsForChain(directory)).map(parseCheckpoint);
  const log = { directory, origin, keys, highWaterFile: mark, known };
  const { size, root } = journalRoom.treeToSign(log, wanted);
  syncJournal(directory);
  raiseHighWater(mark, { origin, size, root });
  return { size, root, checkpoint: signCheckpoint({ origin, size, root }, identity) };
}

async function configuredMark(config: string | undefined): Promise<string | undefined> {
  if (config === undefined) return undefined;
  const { loadStationConfig } = await import('../../config/index.ts');
  return loadStationConfig(config).journal.highWater;
}

/** The newest checkpoint in the outbox that is of this log, signed by its key and borne out by what is on disk. */
async function signedBefore(
  journal: JournalReader,
  directory: string,
  { wanted, covering }: { readonly wanted: number | undefined; readonly covering: number },
): Promise<SignedTree | undefined> {
  const { JournalError, parseCheckpoint, verifyCheckpoint } = await import('../../journal/index.ts');
  const { origin, keys } = journal;
  const isSigned = (checkpoint: string, size: number): boolean =>
    keys.keysForTree(size).some((publicKey) => {
      try {
        return verifyCheckpoint(checkpoint, { origin, publicKey }).size === size;
      } catch (error) {
        if (error instanceof JournalError) return false;
        throw error;
      }
    });
  const trees = (await checkpointsForChain(directory)).map((checkpoint) => ({
    checkpoint,
    ...parseCheckpoint(checkpoint),
  }));
  const found = trees
    .filter(
      ({ size }) => size > covering && size <= journal.size && (wanted === undefined || size === wanted),
    )
    .sort((a, b) => b.size - a.size)
    .find(
      ({ checkpoint, size, root }) =>
        isSigned(checkpoint, size) && Buffer.compare(journal.rootAt(size), root) === 0,
    );
  return found && { size: found.size, root: found.root, checkpoint: found.checkpoint };
}

async function checkpointsForChain(directory: string): Promise<string[]> {
  const { anchorCovering, readSyncStatus, SyncError } = await import('../../sync/index.ts');
  try {
    const { intents, lastAnchor } = readSyncStatus(directory);
    const last = lastAnchor === null ? undefined : anchorCovering(directory, lastAnchor.size - 1);
    return [
      ...intents.flatMap((intent) => (intent.kind === 'anchor' ? [intent.checkpoint] : [])),
      ...(last ? [last.checkpoint] : []),
    ];
  } catch (error) {
    if (error instanceof SyncError) return [];
    throw error;
  }
}
