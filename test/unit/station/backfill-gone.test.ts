import { describe, expect, it } from 'vitest';
import type { EntryRange, JournalReader } from '../../../src/journal/index.ts';
import { goneAt, runsBefore } from '../../../src/station/backfill/read-chunk.ts';

/** An old log that was thinned: of every four entries one is there. */
const RUNS = 10_000;
const RANGE = { from: 0, to: 4 * RUNS };

function thinnedLog(): { reader: JournalReader; hashed: () => number } {
  let hashed = 0;
  const all = Array.from({ length: RUNS }, (_, i): EntryRange => ({ from: 4 * i + 1, to: 4 * i + 4 }));
  const reader = {
    holes: (from: number, to: number) => all.filter((hole) => hole.to > from && hole.from < to),
    subtreeHashes: () => {
      hashed++;
      return [new Uint8Array(32)];
    },
  };
  return { reader: reader as unknown as JournalReader, hashed: () => hashed };
}

describe('what is gone in front of a transfer that is gone on with', () => {
  it('is read a few runs at a time, so that metering goes on in between, and told whole', () => {
    const { reader, hashed } = thinnedLog();
    const runs = runsBefore(reader, RANGE, RANGE.to - 4);
    expect(hashed()).toBe(0);
    const told: EntryRange[] = [];
    for (let at = 0; at < runs.length;) {
      const before = hashed();
      const gone = goneAt(reader, runs, { at, range: RANGE });
      expect(hashed() - before).toBeLessThanOrEqual(64);
      told.push(...gone.map(({ from, to }) => ({ from, to })));
      at += gone.length;
    }
    expect(told).toEqual(runs);
    expect(told).toHaveLength(RUNS - 1);
  });
});
