import type { StationConfig } from '../../config/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import {
  decodeEntry,
  JournalError,
  openJournalReader,
  type EntryKind,
  type Journal,
} from '../../journal/index.ts';
import type { EntrySource, Sync, SyncOptions, SyncStatus } from '../../sync/index.ts';
import type { StationOptions } from '../station-options.ts';

export interface AnchoringParts {
  readonly options: Pick<
    StationOptions,
    'stateDirectory' | 'gatewayEntry' | 'clock' | 'wallClock' | 'random' | 'log'
  >;
  readonly config: StationConfig;
  readonly identity: StationIdentity;
  readonly journal: Pick<Journal, 'size' | 'checkpoint'>;
  /** What becomes of the faults of syncing; without it nothing is put on record. */
  readonly faults?: Pick<SyncOptions, 'onFault' | 'raisedFaults'>;
}

/**
 * Opens the outbox of a configured chain; undefined when none is configured. Nothing runs before `start` or `syncNow`.
 * @throws SyncError `sync.locked`, `sync.outbox_damaged`, `sync.outbox_newer`
 */
export async function openAnchoring(
  { options, config, identity, journal, faults }: AnchoringParts,
  onStatus: (status: SyncStatus) => void,
): Promise<Sync | undefined> {
  const { chain } = config;
  if (chain === undefined) return undefined;
  const { openSync } = await import('../../sync/index.ts');
  return openSync({
    stateDirectory: options.stateDirectory,
    source: {
      size: () => journal.size,
      holds: (size, root) => holds(options.stateDirectory, size, root),
      checkpoint: () => journal.checkpoint(),
      timeOf: (index) => timeOf(options.stateDirectory, index),
      openEntries: () => openEntries(options.stateDirectory),
    },
    account: identity.chainAccount,
    chain,
    gatewayEntry: options.gatewayEntry,
    clock: options.clock,
    wallClock: options.wallClock,
    random: options.random,
    log: options.log,
    onStatus,
    ...faults,
  });
}

/** Whether the journal on disk begins with the tree of that size and root. */
function holds(stateDirectory: string, size: number, root: Uint8Array): boolean {
  const reader = openJournalReader(stateDirectory);
  try {
    return size <= reader.size && Buffer.from(reader.rootAt(size)).equals(root);
  } finally {
    reader.close();
  }
}

/** When an entry was made, if its clock was synchronised then and it is still there. */
function timeOf(stateDirectory: string, index: number): number | null {
  const reader = openJournalReader(stateDirectory);
  try {
    const { entry } = decodeEntry(reader.entry(index).cose);
    return entry.clock === 'S' ? entry.timeMs : null;
  } catch (error) {
    if (error instanceof JournalError) return null;
    throw error;
  } finally {
    reader.close();
  }
}

/** Entries as they were signed, for those that are published. */
function openEntries(stateDirectory: string): EntrySource {
  const reader = openJournalReader(stateDirectory);
  const [boot] = reader.newestOfKind('boot');
  return {
    bootIndex: boot?.index ?? 0,
    entries: (kinds, from, to) => reader.entriesOfKinds(kinds as readonly EntryKind[], from, to),
    goneBetween: (from, to) =>
      reader
        .holes(from, to)
        .reduce((sum, hole) => sum + Math.min(hole.to, to) - Math.max(hole.from, from), 0),
    close: () => reader.close(),
  };
}
