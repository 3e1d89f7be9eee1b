// Opens a journal as the service does: what is damaged or an old copy is recovered first, and appending goes on.
import {
  decodeEntry,
  JournalError,
  openJournal,
  openJournalReader,
  recoverJournal,
  type FaultBody,
  type Journal,
  type JournalEntry,
  type JournalOptions,
} from '../../../src/journal/index.ts';
import { journalOptions } from './journal-fixture.ts';

const RECOVERABLE = ['journal.corrupt', 'journal.rolled_back', 'journal.lost'];

export interface RecoveredJournal {
  readonly journal: Journal;
  /** Codes of what the openings failed with before one succeeded. */
  readonly noticed: readonly string[];
}

export async function openRecovered(
  directory: string,
  options: Partial<JournalOptions> = {},
): Promise<RecoveredJournal> {
  const noticed: string[] = [];
  const all = journalOptions(directory, options);
  for (;;) {
    try {
      const journal = await openJournal(all);
      try {
        await journal.recordBoot('test 1.0');
        return { journal, noticed };
      } catch (error) {
        await journal.close().catch(() => undefined);
        throw error;
      }
    } catch (error) {
      if (!(error instanceof JournalError) || !RECOVERABLE.includes(error.code) || noticed.length === 3)
        throw error;
      const { origin, signer, log, anchored, highWater } = all;
      await recoverJournal({
        ...{ directory, origin, signer, log, cause: error, anchored },
        ...{ highWaterFile: highWater?.file, minimal: noticed.length > 0 },
      });
      noticed.push(error.code);
    }
  }
}

export function entriesOf(directory: string): JournalEntry[] {
  const reader = openJournalReader(directory);
  try {
    return [...reader.entries()].map(({ cose }) => decodeEntry(cose).entry);
  } finally {
    reader.close();
  }
}

export function faultsOf(directory: string): FaultBody[] {
  return entriesOf(directory).flatMap((entry) => (entry.kind === 'fault' ? [entry.body] : []));
}

/** Checkpoints that left the station: no two of one log may disagree about a size. */
export class SignedTrees {
  readonly #roots = new Map<string, string>();

  note({ text }: { readonly text: string }): void {
    const [origin = '', size = '', root = ''] = text.split('\n');
    const before = this.#roots.get(`${origin} ${size}`);
    if (before !== undefined && before !== root)
      throw new Error(`two trees of ${size} entries were signed for ${origin}`);
    this.#roots.set(`${origin} ${size}`, root);
  }
}
