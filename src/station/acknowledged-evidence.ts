import { StationError, type Log } from '../../hal/contract/index.ts';
import type { Journal } from '../journal/index.ts';
import type { EvidenceLog } from '../metering/index.ts';

export interface AcknowledgedEvidenceOptions {
  readonly journal: Pick<Journal, 'append' | 'size' | 'diskBytes'>;
  /** What the journal may take on disk before that is said, in bytes. */
  readonly maxSizeBytes: number;
  readonly log: Log;
  /** Entries 0 to size - 1 are on disk; called whenever that moves. */
  readonly onCommitted: (size: number) => void;
  /** Once when entries begin to be refused, and once when the journal has outgrown its size. */
  readonly onDegraded: (error: StationError) => void;
  /** Called once: nothing more can be stored before the service is started anew. */
  readonly onLost: (error: StationError) => void;
}

/** How many new entries pass between two looks at what the journal takes on disk. */
const SIZE_CHECK_ENTRIES = 1_000;
/** The journal is shut, or its file damaged: a new start opens it again, or keeps it aside and begins another. */
const LOST: ReadonlySet<string> = new Set(['journal.closed', 'journal.corrupt']);
/** Of the one entry, not of the journal. */
const OF_THE_ENTRY = 'journal.entry_invalid';

/** The journal as metering writes to it, and whoever must know told of how that goes. */
export function acknowledgedEvidence(options: AcknowledgedEvidenceOptions): EvidenceLog {
  const { journal, log, onCommitted, onDegraded, onLost } = options;
  let told = 0;
  let nextSizeCheck = 0;
  let refusing = false;
  let lost = false;
  const stored = (): void => {
    if (refusing) log('info', 'journal.stores_again', {});
    refusing = false;
    if (journal.size <= told) return;
    told = journal.size;
    onCommitted(told);
    if (told >= nextSizeCheck)
      nextSizeCheck = aboveSize(options, onDegraded) ? Infinity : told + SIZE_CHECK_ENTRIES;
  };
  const refused = (error: unknown): void => {
    if (!(error instanceof StationError) || error.code === OF_THE_ENTRY || lost) return;
    lost = LOST.has(error.code);
    if (!refusing || lost) onDegraded(error);
    refusing = true;
    if (lost) onLost(error);
  };
  return {
    append: async (kind, body, durability) => {
      let index: number;
      try {
        index = await journal.append(kind, body, durability);
      } catch (error) {
        refused(error);
        throw error;
      }
      stored();
      return index;
    },
  };
}

function aboveSize(
  { journal, maxSizeBytes, log }: AcknowledgedEvidenceOptions,
  onDegraded: (error: StationError) => void,
): boolean {
  try {
    if (journal.diskBytes() <= maxSizeBytes) return false;
  } catch (error) {
    log('warning', 'journal.size_unknown', { error });
    return false;
  }
  const message = `the journal takes more than ${maxSizeBytes} bytes; nothing is thrown away`;
  onDegraded(new StationError('journal.above_max_size', message, { remedy: 'operator' }));
  return true;
}
