import { StationError, type Log } from '../../../hal/contract/index.ts';
import { JournalError, openJournalReader, readExportMark } from '../../journal/index.ts';
import type { Journal, RetentionLimits } from '../../journal/index.ts';

export interface BoundsOptions {
  readonly journal: Pick<Journal, 'keepWithin' | 'diskBytes'>;
  readonly stateDirectory: string;
  /** Readings are published: they are kept until they are. */
  readonly publishesReadings?: boolean;
  /** What the journal may take on disk, in bytes. */
  readonly maxSizeBytes: number;
  readonly log: Log;
  /** Once when the journal has outgrown its size and nothing more may go, until it is within it again. */
  readonly onDegraded: (error: StationError) => void;
}

/** What to call as the journal is written to; neither ever throws. */
export interface BoundsKeeper {
  /** With the number of entries on disk. */
  committed(size: number): void;
  /** An entry found no room. */
  refused(): void;
  /** It has outgrown its size and nothing more may go, as of the last look. */
  readonly isExhausted: () => boolean;
}

/** How many new entries pass between two looks: about half a megabyte, and of a small bound a small part. */
const LOOK_EVERY_ENTRIES = 1_000;
const BYTES_OF_BOUND_PER_ENTRY = 16_384;
/** While the disk is full there may be nothing to give way: then not every refusal is worth a look. */
const LOOK_EVERY_REFUSALS = 100;

/**
 * Keeps the journal within its size: looked at on commits, every thousand entries, and when one found no room; what must give
 * way goes in small steps, between which meters are read.
 */
export function keepInBounds(options: BoundsOptions): BoundsKeeper {
  const { journal, maxSizeBytes, log, onDegraded } = options;
  const every = Math.min(LOOK_EVERY_ENTRIES, Math.ceil(maxSizeBytes / BYTES_OF_BOUND_PER_ENTRY));
  let nextLook = 0;
  let refusals = 0;
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
  const lookNow = (size: number): void => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        // The service is being stopped; the next start goes on.
        if (error instanceof JournalError && error.code === 'journal.closed') return;
        log('warning', 'journal.retention_failed', { error });
      })
      .finally(() => {
        looking = false;
        nextLook = size + every;
      });
  };
  return {
    isExhausted: () => exhausted,
    committed: (size) => {
      refusals = 0;
      if (size >= nextLook) lookNow(size);
    },
    refused: () => {
      if (refusals++ % LOOK_EVERY_REFUSALS === 0) lookNow(nextLook);
    },
  };
}

async function limitsOf({
  stateDirectory,
  maxSizeBytes,
  publishesReadings,
}: BoundsOptions): Promise<RetentionLimits> {
  const { last, signedSizes, publishedSize } = await anchorsOf(stateDirectory);
  return {
    maxBytes: maxSizeBytes,
    exportedSize: readExportMark(stateDirectory),
    anchoredSize: anchoredSize(stateDirectory, last),
    provableSizes: signedSizes,
    ...(publishesReadings && { publishedSize }),
  };
}

interface Anchor {
  readonly size: number;
  /** Hexadecimal. */
  readonly root: string;
}

interface Anchors {
  /** The newest that is final. */
  readonly last: Anchor | undefined;
  /** Trees that are anchored, or signed to be: as many as the outbox's status shows. */
  readonly signedSizes: readonly number[];
  /** Entries in front of this are published, or gone. */
  readonly publishedSize: number;
}

/** None for a station that never had a link. */
async function anchorsOf(stateDirectory: string): Promise<Anchors> {
  const { readPublishedSize, readSyncStatus, SyncError } = await import('../../sync/index.ts');
  try {
    const { lastAnchor, intents } = readSyncStatus(stateDirectory);
    const last = lastAnchor ?? undefined;
    const signedSizes = [...(last ? [last] : []), ...intents].map(({ size }) => size);
    return { last, signedSizes, publishedSize: readPublishedSize(stateDirectory) };
  } catch (error) {
    if (error instanceof SyncError && error.code === 'sync.outbox_missing')
      return { last: undefined, signedSizes: [], publishedSize: 0 };
    throw error;
  }
}

/**
 * An anchor counts only if this log begins with its tree: the outbox may be older than a log that was begun anew. One whose
 * tree cannot be calculated any more does not count.
 */
function anchoredSize(stateDirectory: string, anchor: Anchor | undefined): number {
  if (anchor === undefined) return 0;
  const reader = openJournalReader(stateDirectory);
  try {
    if (anchor.size > reader.size) return 0;
    const root = Buffer.from(reader.rootAt(anchor.size)).toString('hex');
    return root === anchor.root.replace(/^0x/, '') ? anchor.size : 0;
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.pruned') return 0;
    throw error;
  } finally {
    reader.close();
  }
}
