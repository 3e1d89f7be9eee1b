import { decodeEntry, JournalError, type KeyHistory } from '../../journal/index.ts';
import type { VerifyNext } from './ordered-entries.ts';

/** Verifies entries of a log, each with the key of its place. The function throws JournalError. */
export function verifyNext(keys: KeyHistory, origin: string): VerifyNext {
  const verify = keys.verifier();
  return (cose, atLeast) => {
    // Nearly always it is the very next one. Where some are gone, it may be behind a change of keys.
    const index = keys.keys.some(({ firstIndex }) => firstIndex > atLeast)
      ? decodeEntry(cose).entry.index
      : atLeast;
    const entry = verify(index, cose);
    if (entry.station === origin) return entry;
    throw new JournalError('journal.wrong_origin', `entry ${entry.index} is of the log ${entry.station}`);
  };
}
