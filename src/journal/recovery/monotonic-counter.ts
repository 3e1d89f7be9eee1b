/**
 * A number outside of the state directory that only ever rises, and that a copy of the directory that is put back cannot
 * take along. Slow: every call may take some hundred milliseconds.
 */
export interface MonotonicCounter {
  /** What it is, for people. */
  readonly name: string;
  /** Makes the counter when it is not there yet. @throws JournalError `journal.counter_failed` */
  read(): Promise<number>;
  /** Durable when it resolves. @returns what it shows now. @throws JournalError `journal.counter_failed` */
  increment(): Promise<number>;
}

export type CounterVerdict = 'fits' | 'rolled back' | 'reset';

/**
 * Holds the counter against the mark that was written last. The mark is written first and names the number to come, so it
 * may be one ahead. A counter that is further behind is another one: a new TPM, or one that was cleared.
 */
export function judgeCounter(shows: number, seal: number | undefined): CounterVerdict {
  if (seal === undefined || seal === shows || seal === shows + 1) return 'fits';
  return seal < shows ? 'rolled back' : 'reset';
}
