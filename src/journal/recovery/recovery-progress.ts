/**
 * How far a recovery has come. The steps come in this order, and may be left out: the file searched for rotations of keys,
 * entries copied as SQLite gives them, entries searched for in the raw bytes, hashes calculated anew.
 */
export interface RecoveryProgress {
  readonly step: 'keys' | 'entries' | 'bytes' | 'tree';
  /** Entries, but bytes of the file in `keys` and `bytes`. */
  readonly done: number;
  readonly total: number;
}

/** Called often, in the middle of the work: it must be quick, and it may come while nothing else gets its turn. */
export type OnRecoveryProgress = (progress: RecoveryProgress) => void;
