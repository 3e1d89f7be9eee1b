import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type JournalErrorCode =
  // what was given to us
  | 'journal.entry_invalid'
  | 'journal.entry_malformed'
  | 'journal.entry_foreign_key'
  | 'journal.entry_bad_signature'
  | 'journal.note_malformed'
  | 'journal.note_unsigned'
  | 'journal.note_bad_signature'
  | 'journal.checkpoint_malformed'
  | 'journal.checkpoint_wrong_origin'
  | 'journal.proof_malformed'
  | 'journal.out_of_range'
  | 'journal.pruned'
  // the log on disk
  | 'journal.missing'
  | 'journal.locked'
  | 'journal.corrupt'
  | 'journal.rolled_back'
  | 'journal.lost'
  | 'journal.counter_failed'
  | 'journal.newer_format'
  | 'journal.wrong_origin'
  | 'journal.wrong_key'
  | 'journal.disk_full'
  | 'journal.commit_failed'
  | 'journal.commit_unknown'
  | 'journal.io'
  | 'journal.closed';

export class JournalError extends StationError {
  declare readonly code: JournalErrorCode;
  constructor(code: JournalErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
