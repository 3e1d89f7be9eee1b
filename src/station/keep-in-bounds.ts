import { StationError, type Log } from '../../hal/contract/index.ts';
import { JournalError, openJournalReader, readExportMark } from '../journal/index.ts';
import type { Journal, RetentionLimits } from '../journal/index.ts';

export interface BoundsOptions {
  readonly journal: Pick<Journal, 'keepWithin' | 'diskBytes'>;
  readonly stateDirectory: string;
  /** What the journal may take on disk, in bytes. */
  readonly maxSizeBytes: number;
  readonly log: Log;
  /** Once when the journal has outgrown its size and nothing more may go, until it is within it again. */
  readonly onDegraded: (error: StationError) => void;
}

/** How many new entries pass between two looks: about half a megabyte. */
const LOOK_EVERY_ENTRIES = 1_000;

/**
 * Keeps the journal within its size: looked at on commits, every thousand entries; what must give way goes in small steps,
 * between which meters are read. Returns what to call with the number of entries on disk; that never throws.
 */
export function keepInBounds(options: BoundsOptions): (size: number) => void {
  const { journal, maxSizeBytes, log, onDegraded } = options;
  let nextLook = 0;
  let looking = false;
  let exhausted = false;
  const look = async (): Promise<void> => {
    // Its file never shrinks, so this is true again and again once it has come to its bound.
    if (journal.diskBytes() <= maxSizeBytes / 2) return;
    const { state, dropped, usedBytes } = await journal.keepWithin(await limitsOf(options));
    if (dropped > 0) log('info', 'journal.gave_way', { dropped, usedBytes });
    if (state === 'exhausted' && !exhausted) {
      const message = `the journal takes more than its ${maxSizeBytes} bytes, and nothing more may go`;
      onDegraded(
        new StationError('journal.above_max_size', message, {
          remedy: 'operator',
          hint: 'anchor the log (chain), or raise journal.maxSize',
        }),
      );
    }
    exhausted = state === 'exhausted';
  };
  return (size) => {
    if (looking || size < nextLook) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        // The service is being stopped; the next start goes on.
        if (error instanceof JournalError && error.code === 'journal.closed') return;
        log('warning', 'journal.retention_failed', { error });
      })
      .finally(() => {
        looking = false;
        nextLook = size + LOOK_EVERY_ENTRIES;
      });
  };
}

async function limitsOf({ stateDirectory, maxSizeBytes }: BoundsOptions): Promise<RetentionLimits> {
  const anchors = await finalAnchors(stateDirectory);
  return {
    maxBytes: maxSizeBytes,
    exportedSize: readExportMark(stateDirectory),
    anchoredSize: anchoredSize(stateDirectory, anchors[0]),
    provableSizes: anchors.map(({ size }) => size),
  };
}

interface Anchor {
  readonly size: number;
  /** Hexadecimal. */
  readonly root: string;
}

/** Newest first, as many as the outbox's status shows; none for a station that never had a link. */
async function finalAnchors(stateDirectory: string): Promise<Anchor[]> {
  const { readSyncStatus, SyncError } = await import('../sync/index.ts');
  try {
    const { lastAnchor, intents } = readSyncStatus(stateDirectory);
    const others = intents.filter(({ evidence }) => evidence !== null);
    return [...(lastAnchor === null ? [] : [lastAnchor]), ...others];
  } catch (error) {
    if (error instanceof SyncError && error.code === 'sync.outbox_missing') return [];
    throw error;
  }
}

/** An anchor counts only if this log begins with its tree: the outbox may be older than a log that was begun anew. */
function anchoredSize(stateDirectory: string, anchor: Anchor | undefined): number {
  if (anchor === undefined) return 0;
  const reader = openJournalReader(stateDirectory);
  try {
    if (anchor.size > reader.size) return 0;
    const root = Buffer.from(reader.rootAt(anchor.size)).toString('hex');
    return root === anchor.root.replace(/^0x/, '') ? anchor.size : 0;
  } finally {
    reader.close();
  }
}
