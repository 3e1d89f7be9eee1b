// How fast a log grows, by the clock that is never set. Pure.
import type { EntryKind } from '../entry/entry-types.ts';

/** An entry of a log, as far as its pace is concerned. */
export interface PacedEntry {
  readonly index: number;
  readonly kind: EntryKind;
}

export interface LogPace {
  readonly entries: number;
  readonly overMs: number;
}

/**
 * Entries and the time they took, by the time since boot: the wall clock may have been set in between. What lies between two
 * runs of the service counts neither as entries nor as time, so this is the pace while it runs. Entries that gave way count;
 * they were written too.
 * @param entries in the order of the log
 * @param sinceBootMsOf asked only of the first and the last entry of each run: decoding an entry is dear
 */
export function logPace<Entry extends PacedEntry>(
  entries: Iterable<Entry>,
  sinceBootMsOf: (entry: Entry) => number,
): LogPace {
  let [count, overMs] = [0, 0];
  const add = (first: Entry, last: Entry): void => {
    const elapsedMs = sinceBootMsOf(last) - sinceBootMsOf(first);
    // The `boot` entry in between was lost in damage: these are two runs, and not to be told apart.
    if (elapsedMs < 0) return;
    count += last.index - first.index;
    overMs += elapsedMs;
  };
  let [first, last]: (Entry | undefined)[] = [];
  for (const entry of entries) {
    if (first === undefined || entry.kind === 'boot') {
      if (first !== undefined && last !== undefined) add(first, last);
      first = entry;
    }
    last = entry;
  }
  if (first !== undefined && last !== undefined) add(first, last);
  return { entries: count, overMs };
}
