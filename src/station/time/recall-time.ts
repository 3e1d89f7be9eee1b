import type { Log } from '../../../hal/contract/index.ts';
import { decodeEntry, openJournalReader } from '../../journal/index.ts';

/** Entries looked at: with a clock that was synchronised within the last hours, the first few are enough. */
const LOOK_BACK_ENTRIES = 2_000;
const CHUNK = 256;

/**
 * The newest synchronised time that the journal has: no true time is before it. Undefined when none of the last 2,000 entries
 * has one, so that a clock that was synchronised to a wrong time does not spoil the floor for ever. Decoded, not verified: it only
 * ever makes a time suspect.
 */
export function recallSynchronisedTime(directory: string, log: Log): number | undefined {
  try {
    const reader = openJournalReader(directory);
    try {
      const oldest = Math.max(0, reader.size - LOOK_BACK_ENTRIES);
      for (let to = reader.size; to > oldest; to -= CHUNK) {
        for (const { cose } of [...reader.entries(Math.max(oldest, to - CHUNK), to)].reverse()) {
          const { entry } = decodeEntry(cose);
          if (entry.clock === 'S') return entry.timeMs;
        }
      }
    } finally {
      reader.close();
    }
  } catch (error) {
    log('warning', 'journal.recall_failed', { error });
  }
  return undefined;
}
