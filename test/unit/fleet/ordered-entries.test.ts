import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedEntries, type GoneRun } from '../../../src/fleet/backfill/ordered-entries.ts';
import { encodeEntry, JournalError, type JournalEntry } from '../../../src/journal/index.ts';
import { ORIGIN, SIGNER } from '../../support/journal/journal-fixture.ts';

const SIZE = 40;
/** Gone, in the middle of a message and between two. */
const GONE: readonly GoneRun[] = [
  { from: 6, to: 9, hashes: [] },
  { from: 20, to: 30, hashes: [] },
];
const isGone = (index: number) => GONE.some(({ from, to }) => index >= from && index < to);

const ENTRIES = Array.from({ length: SIZE }, (_, index) => encodeEntry(entryAt(index), SIGNER));
const THERE = ENTRIES.map((cose, index) => ({ index, cose })).filter(({ index }) => !isGone(index));

function entryAt(index: number): JournalEntry {
  return {
    ...{ station: ORIGIN, index, kind: 'fault', timeMs: 1_000 + index, clock: 'S', bootCount: 1 },
    ...{ sinceBootMs: index, body: { code: 'test', message: `${index}` } },
  };
}

interface Message {
  readonly index: number;
  readonly payload: Uint8Array;
}

/** Messages of three entries. */
const MESSAGES: readonly Message[] = Array.from({ length: Math.ceil(THERE.length / 3) }, (_, i) => {
  const entries = THERE.slice(3 * i, 3 * i + 3);
  return { index: entries[0]!.index, payload: Buffer.concat(entries.map(({ cose }) => cose)) };
});

const SIGNED = new Map(ENTRIES.map((cose, index) => [key(cose), entryAt(index)]));

function key(cose: Uint8Array): string {
  return Buffer.from(cose).toString('latin1');
}

/** What is not one of the entries byte for byte was not signed. */
const ordered = (next = 0) =>
  new OrderedEntries(next, SIZE, (cose) => {
    const entry = SIGNED.get(key(cose));
    if (entry === undefined) throw new JournalError('journal.entry_bad_signature', 'not signed');
    return entry;
  });

function taken(from: OrderedEntries): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let item = from.take(); item !== undefined; item = from.take())
    if ('cose' in item) entries.push(item.cose);
  return entries;
}

describe('entries that come in any order', () => {
  const fates = fc.array(
    fc.record({
      what: fc.constantFrom(...MESSAGES.keys(), 'gone' as const),
      look: fc.boolean(),
      turned: fc.option(fc.nat(), { freq: 5 }),
    }),
    { maxLength: 80 },
  );

  it('are the beginning of the log as far as it came, and its first gap is what is missing', () => {
    fc.assert(
      fc.property(fates, (messages) => {
        const order = ordered();
        const got: Uint8Array[] = [];
        const arrived = new Set<number>();
        let isToldOfGone = false;
        for (const { what, look, turned } of messages) {
          if (what === 'gone') {
            order.gone(GONE);
            isToldOfGone = true;
          } else {
            const { index, payload } = MESSAGES[what]!;
            const damaged = turned !== null;
            const bytes = Buffer.from(payload);
            if (damaged) bytes[turned % bytes.length]! ^= 0x10;
            order.chunk(index, bytes);
            if (!damaged && index >= order.next) arrived.add(what);
          }
          if (look) got.push(...taken(order));
        }
        got.push(...taken(order));
        const expected: Uint8Array[] = [];
        let next = 0;
        for (const { index, cose } of THERE) {
          if (index > next && !isToldOfGone) break;
          if (!arrived.has(Math.floor(expected.length / 3))) break;
          expected.push(cose);
          next = index + 1;
        }
        // A run that is gone is passed when it is known, whether or not what lies behind it came.
        const run = isToldOfGone ? GONE.find(({ from }) => from === next) : undefined;
        expect(order.next).toBe(run?.to ?? next);
        expect(Buffer.concat(got).equals(Buffer.concat(expected))).toBe(true);
        // What is asked for again from there completes it.
        const again = ordered(order.next);
        again.gone(GONE);
        for (const { index, payload } of rest(order.next)) again.chunk(index, payload);
        got.push(...taken(again));
        expect(again.isComplete).toBe(true);
        expect(Buffer.concat(got).equals(Buffer.concat(THERE.map(({ cose }) => cose)))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  /** Entry by entry, from the last to the first. */
  const rest = (next: number): Message[] =>
    THERE.filter(({ index }) => index >= next)
      .map(({ index, cose }) => ({ index, payload: cose }))
      .reverse();

  it('hold no more than a bound, whatever is sent', () => {
    const order = ordered();
    for (let i = 0; i < 10_000; i++) order.chunk(1 + (i % (SIZE - 1)), Buffer.from(`${i}`));
    const [first] = MESSAGES;
    order.chunk(first!.index, first!.payload);
    expect(taken(order)).toHaveLength(3);
    expect(order.rejected).toBe(4);
  });

  it('in pieces are one entry when all of them are there, and none when they do not fit', () => {
    const order = ordered();
    const [cose] = ENTRIES;
    const piece = (offset: number, bytes: Uint8Array, size = cose!.length) =>
      order.piece({ index: 0, offset, size, bytes: Buffer.from(bytes).toString('base64') });
    piece(0, cose!.subarray(0, 50), 10_000_000);
    piece(50, cose!.subarray(50), 60);
    expect(taken(order)).toEqual([]);
    piece(50, cose!.subarray(50));
    piece(50, cose!.subarray(50));
    expect(taken(order)).toEqual([]);
    piece(0, cose!.subarray(0, 50));
    expect(Buffer.concat(taken(order))).toEqual(Buffer.from(cose!));
  });
});
