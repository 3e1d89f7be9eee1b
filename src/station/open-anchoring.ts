import type { StationConfig } from '../config/index.ts';
import type { StationIdentity } from '../identity/index.ts';
import { openJournalReader, type Journal } from '../journal/index.ts';
import type { Sync, SyncOptions, SyncStatus } from '../sync/index.ts';
import type { StationOptions } from './station.ts';

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
  const { openSync } = await import('../sync/index.ts');
  return openSync({
    stateDirectory: options.stateDirectory,
    source: {
      size: () => journal.size,
      holds: (size, root) => holds(options.stateDirectory, size, root),
      checkpoint: () => journal.checkpoint(),
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
