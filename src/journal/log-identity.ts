import { JournalError } from './errors.ts';
import { openJournalReader } from './journal-reader.ts';

/** Who a log is, as it says itself. */
export interface LogIdentity {
  /** Its name, which it keeps for life: a rotation of keys does not change it. */
  readonly origin: string;
  /** The key that it expects to be signed with next: the last of its history. */
  readonly signsNext: Uint8Array;
}

/**
 * Who the log in a directory is. Undefined when there is none, or none of which that can be read: then it is no help to choose
 * between two keys.
 */
export function readLogIdentity(directory: string): LogIdentity | undefined {
  try {
    const reader = openJournalReader(directory);
    try {
      return { origin: reader.origin, signsNext: reader.publicKey };
    } finally {
      reader.close();
    }
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}
