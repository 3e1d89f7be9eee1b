import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EntryRange } from '../../../src/journal/index.ts';
import { undeclared } from '../../../src/journal/recovery/undeclared.ts';
import { mergedRanges } from '../../../src/journal/store/sqlite-drop.ts';

const ranges = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 12 }))
    .map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 12 },
);
const entriesOf = (all: readonly EntryRange[]) =>
  new Set(all.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)));

it('leaves of the lost entries exactly those that no declaration names', () => {
  fc.assert(
    fc.property(ranges, ranges, (lost, declared) => {
      const named = entriesOf(declared);
      const left = undeclared(mergedRanges(lost), declared);
      expect([...entriesOf(left)]).toEqual([...entriesOf(mergedRanges(lost))].filter((i) => !named.has(i)));
    }),
    { numRuns: 500 },
  );
});

it('holds nobody up over a log of ten million entries that was thinned', () => {
  const holes = Array.from({ length: 40_000 }, (_, tile) => ({ from: tile * 256 + 2, to: tile * 256 + 254 }));
  const begun = performance.now();
  expect(undeclared([...holes, { from: 10_240_002, to: 10_240_003 }], holes)).toHaveLength(1);
  // Minutes where every hole is held against every other one; a watchdog waits for seconds.
  expect(performance.now() - begun).toBeLessThan(5_000);
});
