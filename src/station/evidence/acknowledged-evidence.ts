import { StationError, type Log, type MonotonicClock } from '../../../hal/contract/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';

export interface AcknowledgedEvidenceOptions {
  readonly journal: Pick<Journal, 'append' | 'size'>;
  readonly clock: Pick<MonotonicClock, 'nowMonoMs'>;
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

/** How storing goes, on the monotonic clock. */
export interface EvidenceFacts {
  /** When an entry was last acknowledged as being on disk; null: none since the start. */
  readonly lastCommitMonoMs: number | null;
  /** Entries that were handed over and are neither on disk nor refused yet. */
  readonly waiting: number;
  /** When the oldest of them was handed over; null: none waits. */
  readonly oldestWaitingSinceMonoMs: number | null;
  /** Stable code of why entries are refused, while they are; null: what comes is stored. */
  readonly refusedBecause: string | null;
}

export interface AcknowledgedEvidence extends EvidenceLog {
  /** Cheap, and always answered. */
  facts(): EvidenceFacts;
}

/** The journal is shut, or its file damaged: a new start opens it again, or keeps it aside and begins another. */
const LOST: ReadonlySet<string> = new Set(['journal.closed', 'journal.corrupt']);
/** Of the one entry, not of the journal. */
const OF_THE_ENTRY = 'journal.entry_invalid';

/** The journal as metering writes to it, and whoever must know told of how that goes. */
export function acknowledgedEvidence(options: AcknowledgedEvidenceOptions): AcknowledgedEvidence {
  const { journal, clock, log, onCommitted, onNoRoom, onDegraded, onLost } = options;
  let told = 0;
  /** On a full disk readings are refused while other entries go on: that these are stored says nothing of those. */
  const refusing = new Set<'readings' | 'others'>();
  let lost = false;
  let refusedBecause: string | null = null;
  let lastCommitMonoMs: number | null = null;
  /** Oldest first; as many as the journal's group has at most. */
  const waiting = new Set<{ readonly sinceMonoMs: number }>();
  const stored = (what: 'readings' | 'others'): void => {
    lastCommitMonoMs = clock.nowMonoMs();
    if (refusing.has(what) || what === 'readings') {
      if (refusing.size > 0) log('info', 'journal.stores_again', {});
      refusing.clear();
      refusedBecause = null;
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
    refusedBecause = error.code;
    if (error.code === 'journal.disk_full') onNoRoom?.();
    if (lost) onLost(error);
  };
  return {
    append: async (kind, body, durability) => {
      const what = kind === 'reading' ? 'readings' : 'others';
      const ticket = { sinceMonoMs: clock.nowMonoMs() };
      waiting.add(ticket);
      let index: number;
      try {
        index = await journal.append(kind, body, durability);
      } catch (error) {
        refused(what, error);
        throw error;
      } finally {
        waiting.delete(ticket);
      }
      stored(what);
      return index;
    },
    facts: () => {
      const [oldest] = waiting;
      return {
        ...{ lastCommitMonoMs, waiting: waiting.size, refusedBecause },
        oldestWaitingSinceMonoMs: oldest?.sinceMonoMs ?? null,
      };
    },
  };
}
