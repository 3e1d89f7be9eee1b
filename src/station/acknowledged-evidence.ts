import { StationError, type Log } from '../../hal/contract/index.ts';
import type { Journal } from '../journal/index.ts';
import type { EvidenceLog } from '../metering/index.ts';

export interface AcknowledgedEvidenceOptions {
  readonly journal: Pick<Journal, 'append' | 'size'>;
  readonly log: Log;
  /** Entries 0 to size - 1 are on disk; called whenever that moves. */
  readonly onCommitted: (size: number) => void;
  /** Whenever an entry found no room. */
  readonly onNoRoom?: () => void;
  /** Once when entries begin to be refused, until all are stored again. */
  readonly onDegraded: (error: StationError) => void;
  /** Called once: nothing more can be stored before the service is started anew. */
  readonly onLost: (error: StationError) => void;
}

/** The journal is shut, or its file damaged: a new start opens it again, or keeps it aside and begins another. */
const LOST: ReadonlySet<string> = new Set(['journal.closed', 'journal.corrupt']);
/** Of the one entry, not of the journal. */
const OF_THE_ENTRY = 'journal.entry_invalid';

/** The journal as metering writes to it, and whoever must know told of how that goes. */
export function acknowledgedEvidence(options: AcknowledgedEvidenceOptions): EvidenceLog {
  const { journal, log, onCommitted, onNoRoom, onDegraded, onLost } = options;
  let told = 0;
  /** On a full disk readings are refused while other entries go on: that these are stored says nothing of those. */
  const refusing = new Set<'readings' | 'others'>();
  let lost = false;
  const stored = (what: 'readings' | 'others'): void => {
    if (refusing.has(what) || what === 'readings') {
      if (refusing.size > 0) log('info', 'journal.stores_again', {});
      refusing.clear();
    }
    if (journal.size <= told) return;
    told = journal.size;
    onCommitted(told);
  };
  const refused = (what: 'readings' | 'others', error: unknown): void => {
    if (!(error instanceof StationError) || error.code === OF_THE_ENTRY || lost) return;
    lost = LOST.has(error.code);
    if (refusing.size === 0 || lost) onDegraded(error);
    refusing.add(what);
    if (error.code === 'journal.disk_full') onNoRoom?.();
    if (lost) onLost(error);
  };
  return {
    append: async (kind, body, durability) => {
      const what = kind === 'reading' ? 'readings' : 'others';
      let index: number;
      try {
        index = await journal.append(kind, body, durability);
      } catch (error) {
        refused(what, error);
        throw error;
      }
      stored(what);
      return index;
    },
  };
}
