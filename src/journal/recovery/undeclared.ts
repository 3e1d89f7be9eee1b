import type { EntryRange } from '../entry/entry-types.ts';
import { mergedRanges } from '../store/sqlite-drop.ts';

/**
 * What of the lost entries no declaration names. A log that was thinned has a hole in every tile and as many declarations: both
 * are gone through once. Pure.
 * @param lost ascending and apart
 */
export function undeclared(lost: readonly EntryRange[], declared: readonly EntryRange[]): EntryRange[] {
  const known = mergedRanges(declared);
  const left: EntryRange[] = [];
  let first = 0;
  for (const { from, to } of lost) {
    while ((known[first]?.to ?? Infinity) <= from) first++;
    let next = from;
    for (let at = first; next < to; at++) {
      const hole = known[at];
      const end = Math.min(to, hole?.from ?? to);
      if (next < end) left.push({ from: next, to: end });
      next = Math.max(next, hole?.to ?? to);
    }
  }
  return left;
}
