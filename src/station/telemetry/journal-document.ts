import type { FlashFacts } from '../../health/index.ts';
import { openJournalReader, type Journal } from '../../journal/index.ts';
import type { JournalDocument } from '../../telemetry/index.ts';
import type { EvidenceFacts } from '../evidence/acknowledged-evidence.ts';

/** What retention and damage have taken of a log. */
export interface LostEntries {
  readonly completeFrom: number;
  readonly dropped: number;
}

export interface JournalFacts {
  readonly journal: Pick<Journal, 'size' | 'root' | 'diskBytes'>;
  readonly anchoredSize: number;
  readonly maxSizeBytes: number;
  readonly lost: LostEntries;
  readonly evidence: EvidenceFacts;
  readonly flash: FlashFacts | undefined;
}

export function journalDocument(facts: JournalFacts): JournalDocument {
  const { journal, anchoredSize, maxSizeBytes, lost, evidence, flash } = facts;
  const { lastCommitMonoMs, waiting, refusedBecause } = evidence;
  const worn = (flash?.devices ?? []).flatMap(({ lifeUsedPercent }) => lifeUsedPercent ?? []);
  return {
    size: journal.size,
    root: Buffer.from(journal.root).toString('hex'),
    bytes: journal.diskBytes(),
    backlog: Math.max(0, journal.size - anchoredSize),
    ...{ maxBytes: maxSizeBytes, ...lost, waiting, refusedBecause },
    lastCommitMs: lastCommitMonoMs === null ? null : Math.floor(lastCommitMonoMs),
    flash: {
      bytesPerDay: whole(flash?.bytesPerDay),
      lifeDays: whole(flash?.lifeDays),
      wornPercent: worn.length === 0 ? null : Math.max(...worn),
    },
  };
}

/** What is told at once: an anchor, and that entries begin or cease to be refused; not that the log grows. Pure. */
export function journalNews({
  anchoredSize,
  evidence,
}: Pick<JournalFacts, 'anchoredSize' | 'evidence'>): string {
  return JSON.stringify([anchoredSize, evidence.refusedBecause]);
}

const LOOK_EVERY_MS = 600_000;

/** Asks the log, at most every ten minutes, what of it is gone: it takes a connection of its own. */
export class LostEntriesWatch {
  readonly #directory: string;
  #found: LostEntries = { completeFrom: 0, dropped: 0 };
  #lookedMonoMs = -Infinity;

  constructor(stateDirectory: string) {
    this.#directory = stateDirectory;
  }

  /** As last found; `onError` is told why a look came to nothing. */
  read(nowMonoMs: number, onError: (error: unknown) => void): LostEntries {
    if (nowMonoMs - this.#lookedMonoMs < LOOK_EVERY_MS) return this.#found;
    this.#lookedMonoMs = nowMonoMs;
    try {
      this.#found = lostEntries(this.#directory);
    } catch (error) {
      onError(error);
    }
    return this.#found;
  }
}

/** @throws JournalError when the log cannot be read */
function lostEntries(directory: string): LostEntries {
  const reader = openJournalReader(directory);
  try {
    const { entries } = reader.stat().pruned;
    return { completeFrom: entries === 0 ? 0 : (reader.holes().at(-1)?.to ?? 0), dropped: entries };
  } finally {
    reader.close();
  }
}

function whole(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.min(Math.round(value), Number.MAX_SAFE_INTEGER);
}
