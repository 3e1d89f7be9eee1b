// Which readings give way, decided on a model of a log: entries with a kind, a meter and a size, and nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntry, MAX_ENTRY_BYTES } from '../../../src/journal/entry/cose-sign1.ts';
import { mergedRanges } from '../../../src/journal/store/sqlite-drop.ts';
import { SIGNER } from '../../support/journal/journal-fixture.ts';
import {
  afterPass,
  headroomBytes,
  KEEP_SPANS,
  nextPass,
  pieces,
  rangesToDrop,
  type RetentionPass,
  type RetentionProgress,
  type RetentionState,
} from '../../../src/journal/retention/retention-plan.ts';

const TILE = 256;
const MAX_BATCH = 16 * TILE;
const ENTRY_BYTES = 400;
const NOTHING_DONE: RetentionProgress = { emptied: 0, thinned: [0, 0, 0] };

interface Model {
  /** undefined: no reading, but a billing entry. */
  readonly meters: (string | undefined)[];
  readonly gone: Set<number>;
}

const state = (over: Partial<RetentionState>): RetentionState => ({
  size: 20_000,
  usedBytes: 20_000 * ENTRY_BYTES,
  limitBytes: 1,
  entryBytes: ENTRY_BYTES,
  anchoredSize: 0,
  exportedSize: 0,
  progress: NOTHING_DONE,
  ...over,
});

const usedBytes = ({ meters, gone }: Model): number => (meters.length - gone.size) * ENTRY_BYTES;
const readingsIn = ({ meters, gone }: Model, { stretch }: RetentionPass) =>
  meters
    .map((meter, index) => ({ meter, index }))
    .slice(stretch.from, stretch.to)
    .flatMap(({ meter, index }) => (meter === undefined || gone.has(index) ? [] : [{ index, meter }]));

/** Runs the plan to its end on a model. */
function run(model: Model, limits: Pick<RetentionState, 'limitBytes' | 'anchoredSize' | 'exportedSize'>) {
  const steps: { pass: RetentionPass; dropped: number[]; usedBefore: number }[] = [];
  let progress = NOTHING_DONE;
  for (let guard = 0; guard < 10_000; guard++) {
    const used = usedBytes(model);
    const pass = nextPass(state({ ...limits, size: model.meters.length, usedBytes: used, progress }));
    if (pass === undefined) return { steps, progress };
    const dropped = rangesToDrop(readingsIn(model, pass), pass).flatMap(({ from, to }) =>
      Array.from({ length: to - from }, (_, i) => from + i),
    );
    for (const index of dropped) model.gone.add(index);
    steps.push({ pass, dropped, usedBefore: used });
    progress = afterPass(progress, pass);
  }
  throw new Error('the plan does not come to an end');
}

const models = fc
  .record({
    size: fc.integer({ min: 0, max: 12_000 }),
    meters: fc.integer({ min: 1, max: 5 }),
    billingEvery: fc.integer({ min: 2, max: 400 }),
  })
  .map(({ size, meters, billingEvery }) => ({
    gone: new Set<number>(),
    meters: Array.from({ length: size }, (_, i) => (i % billingEvery === 0 ? undefined : `m${i % meters}`)),
  }));
const cases = fc.record({
  model: models,
  limit: fc.double({ min: 0, max: 1.2, noNaN: true }),
  anchored: fc.double({ min: 0, max: 1, noNaN: true }),
  exported: fc.double({ min: 0, max: 1, noNaN: true }),
});
const scaled = (
  size: number,
  { limit, anchored, exported }: Record<'limit' | 'anchored' | 'exported', number>,
) => ({
  limitBytes: Math.floor(limit * size * ENTRY_BYTES),
  anchoredSize: Math.floor(anchored * size),
  exportedSize: Math.floor(exported * size),
});

describe('what gives way when the log is at its bound', () => {
  it('is never a billing entry, never the end of the log, nothing twice, and no more than was needed and one step', () => {
    fc.assert(
      fc.property(cases, ({ model, ...shares }) => {
        const size = model.meters.length;
        const limits = scaled(size, shares);
        const { steps } = run(model, limits);
        const all = steps.flatMap(({ dropped }) => dropped);
        expect(new Set(all).size).toBe(all.length);
        const end = Math.floor(size / TILE) * TILE - TILE;
        expect(all.filter((index) => model.meters[index] === undefined || index >= end)).toEqual([]);
        const unneeded = steps.filter(({ usedBefore }) => usedBefore <= limits.limitBytes);
        expect(unneeded).toEqual([]);
        const odd = steps.filter(({ pass: { stretch, keepSpan } }) => {
          const length = stretch.to - stretch.from;
          return length > Math.max(MAX_BATCH, keepSpan ?? 0) || stretch.from % TILE > 0 || length % TILE > 0;
        });
        expect(odd).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('ends within the limit, or when only what must stay is left', () => {
    fc.assert(
      fc.property(cases, ({ model, ...shares }) => {
        const size = model.meters.length;
        const limits = scaled(size, shares);
        run(model, limits);
        if (usedBytes(model) <= limits.limitBytes) return;
        const end = Math.max(0, Math.floor(size / TILE) * TILE - TILE);
        const anchored = Math.min(end, Math.floor(limits.anchoredSize / TILE) * TILE);
        const left = model.meters.flatMap((meter, index) =>
          meter === undefined || model.gone.has(index) ? [] : [{ index, meter }],
        );
        expect(left.filter(({ index }) => index < anchored)).toEqual([]);
        // Of each meter two readings at most in every span that is wholly behind the anchor and in front of the end.
        for (const span of KEEP_SPANS) {
          const inSpan = new Map<string, number>();
          for (const { index, meter } of left) {
            const number = Math.floor(index / span);
            if ((number + 1) * span > end) continue;
            inSpan.set(`${number} ${meter}`, (inSpan.get(`${number} ${meter}`) ?? 0) + 1);
          }
          expect(Math.max(0, ...inSpan.values())).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('comes in order: anchored and exported, then anchored, then thinning; each from the oldest on', () => {
    fc.assert(
      fc.property(cases, ({ model, ...shares }) => {
        const size = model.meters.length;
        const { steps } = run(model, scaled(size, shares));
        const order = ['retention.anchored-exported', 'retention.anchored', 'retention.thinned'];
        const ranks = steps.map(({ pass }) => order.indexOf(pass.reason));
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
        for (const keepSpan of [undefined, ...KEEP_SPANS]) {
          const starts = steps.flatMap(({ pass }) => (pass.keepSpan === keepSpan ? [pass.stretch.from] : []));
          expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the first and the last reading of each meter in every span, so that totals survive a thinning', () => {
    fc.assert(
      fc.property(models, fc.constantFrom(...KEEP_SPANS.slice(0, 2)), (model, keepSpan) => {
        const pass = { reason: 'retention.thinned', stretch: { from: 0, to: 8_192 }, keepSpan } as const;
        const readings = readingsIn(model, pass);
        const dropped = new Set(
          rangesToDrop(readings, pass).flatMap(({ from, to }) =>
            Array.from({ length: to - from }, (_, i) => from + i),
          ),
        );
        for (let start = 0; start < 8_192; start += keepSpan) {
          const span = readings.filter(({ index }) => index >= start && index < start + keepSpan);
          for (const meter of new Set(span.map((reading) => reading.meter))) {
            const own = span.filter((reading) => reading.meter === meter).map(({ index }) => index);
            const kept = own.filter((index) => !dropped.has(index));
            expect(kept).toEqual([...new Set([own[0], own.at(-1)])]);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('leaves the newest half as it is while something older can become coarser', () => {
    const limitBytes = 4_000_000; // half of it: 5,000 readings; one tile a step
    const first = nextPass(state({ size: 100_000, limitBytes, usedBytes: limitBytes + 1 }));
    expect(first).toMatchObject({
      reason: 'retention.thinned',
      keepSpan: 256,
      stretch: { from: 0, to: 256 },
    });
    const old = Math.floor((100_000 - 256 - 5_000) / TILE) * TILE;
    const thinned = nextPass(
      state({
        size: 100_000,
        limitBytes,
        usedBytes: limitBytes + 1,
        progress: { emptied: 0, thinned: [old, 0, 0] },
      }),
    );
    expect(thinned).toMatchObject({ keepSpan: 4_096, stretch: { from: 0, to: 4_096 } });
    const coarse = { emptied: 0, thinned: [old, 94_208, 65_536] };
    expect(
      nextPass(state({ size: 100_000, limitBytes, usedBytes: limitBytes + 1, progress: coarse })),
    ).toMatchObject({
      keepSpan: 256,
      stretch: { from: old },
    });
  });

  it('is nothing while there is room, and nothing in a log without two full tiles', () => {
    expect(nextPass(state({ usedBytes: 1, limitBytes: 1 }))).toBeUndefined();
    expect(nextPass(state({ size: 511, anchoredSize: 511 }))).toBeUndefined();
    expect(nextPass(state({ size: 512, anchoredSize: 512 }))).toMatchObject({
      stretch: { from: 0, to: 256 },
    });
  });

  it('leaves room for the write-ahead log, a quarter of the bound and at most 16 MiB', () => {
    expect(headroomBytes(1024 ** 2)).toBe(256 * 1024);
    expect(headroomBytes(512 * 1024 ** 2)).toBe(16 * 1024 ** 2);
  });
});

describe('a pass that is more than one entry can name', () => {
  const TILES = 16;
  const FIRST_TILE = 2 ** 32 - 64 * TILE;

  it('is cut between tiles into pieces that cover it in order, name the same readings, and are few enough each', () => {
    const gone = fc.array(fc.nat({ max: TILES * TILE - 1 }), { maxLength: 2_000 });
    fc.assert(
      fc.property(gone, fc.integer({ min: 128, max: 1_000 }), (indices, most) => {
        const readings = [...new Set(indices)].sort((a, b) => a - b).map((index) => ({ index }));
        const stretch = { from: 0, to: TILES * TILE };
        const ranges = rangesToDrop(readings, { reason: 'retention.thinned', stretch });
        const cut = pieces(ranges, stretch, most);
        expect(cut.map((piece) => piece.stretch.from)).toEqual([
          0,
          ...cut.slice(0, -1).map((piece) => piece.stretch.to),
        ]);
        expect(cut.at(-1)?.stretch.to).toBe(stretch.to);
        for (const piece of cut) {
          expect(piece.ranges.length).toBeLessThanOrEqual(most);
          for (const { from, to } of piece.ranges) {
            expect(piece.stretch.from <= from && from < to && to <= piece.stretch.to).toBe(true);
          }
        }
        expect(mergedRanges(cut.flatMap((piece) => piece.ranges))).toEqual(ranges);
      }),
    );
  });

  it('fits an entry each, also where every other reading of a late log goes', () => {
    const stretch = { from: FIRST_TILE, to: FIRST_TILE + 63 * TILE };
    const ranges = Array.from({ length: (63 * TILE) / 2 }, (_, i) => ({
      from: FIRST_TILE + 2 * i,
      to: FIRST_TILE + 2 * i + 1,
    }));
    const cut = pieces(ranges, stretch);
    expect(cut.length).toBeGreaterThan(1);
    for (const piece of cut) {
      const dropped = [{ kind: 'reading' as const, entries: piece.ranges.length }];
      const root = new Uint8Array(32).fill(0xff);
      const body = { reason: 'retention.thinned' as const, ...piece, keepSpan: KEEP_SPANS[2], dropped, root };
      const entry = {
        kind: 'gap' as const,
        station: 'DE*ACM*E0001',
        index: 2 ** 32,
        bootCount: 2 ** 32 - 1,
        sinceBootMs: 2 ** 47,
        timeMs: 2 ** 47,
        clock: 'S' as const,
        body,
      };
      expect(encodeEntry(entry, SIGNER).length).toBeLessThan(MAX_ENTRY_BYTES);
    }
  });

  it('is gone through again where only a first piece of it was recorded', () => {
    const [, , widest] = KEEP_SPANS;
    const progress = { emptied: 0, thinned: [widest, widest, widest / 2] };
    const pass = nextPass(state({ size: 3 * widest, usedBytes: 2, progress }));
    const again = nextPass(
      state({
        size: 2 * widest,
        usedBytes: 2,
        progress: { emptied: 0, thinned: [2 * widest, 2 * widest, widest / 2] },
      }),
    );
    expect([pass?.stretch.from, pass?.keepSpan]).toEqual([widest, KEEP_SPANS[0]]);
    expect([again?.stretch.from, again?.keepSpan]).toEqual([0, widest]);
  });
});
