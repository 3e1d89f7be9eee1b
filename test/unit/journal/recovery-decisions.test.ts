import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatHighWater,
  parseHighWater,
  type HighWaterMark,
} from '../../../src/journal/recovery/high-water.ts';
import { judgeCounter } from '../../../src/journal/recovery/monotonic-counter.ts';
import { firstLogOrigin, logNumber, logOrigin } from '../../../src/journal/recovery/origin-chain.ts';
import { planRecovery, type RecoveryFacts } from '../../../src/journal/recovery/recovery-plan.ts';
import { readReport, writeReport } from '../../../src/journal/recovery/recovery-report.ts';
import { TreeRebuild } from '../../../src/journal/recovery/tree-rebuild.ts';
import { subtreeRoot } from '../../../src/journal/tree/hash-tile.ts';
import { rootOf } from '../../../src/journal/tree/merkle-tree.ts';
import { temporaryDirectory } from '../../support/journal/journal-fixture.ts';

const WIDTH = 256;
const hash = (what: string): Uint8Array => new Uint8Array(createHash('sha256').update(what).digest());
const LEAVES = Array.from({ length: 3 * WIDTH + 40 }, (_, i) => hash(`leaf ${i}`));

function trueRoot(size: number): Uint8Array {
  const root = rootOf((level, index) => {
    const width = 2 ** level;
    return subtreeRoot(Buffer.concat(LEAVES.slice(index * width, (index + 1) * width)));
  }, size);
  return new Uint8Array(root);
}

describe('the names of a station and its later logs', () => {
  it('lead from one to the other and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), (number) => {
        expect(logNumber('delmonicos/abc', logOrigin('delmonicos/abc', number))).toBe(number);
        expect(firstLogOrigin(logOrigin('delmonicos/abc', number))).toBe('delmonicos/abc');
      }),
    );
  });

  it.each([
    'delmonicos/abd',
    'delmonicos/abc/',
    'delmonicos/abc/1',
    'delmonicos/abc/02',
    'delmonicos/abc/2/2',
    'delmonicos/abc2',
  ])('%s is none of them', (origin) => {
    expect(logNumber('delmonicos/abc', origin)).toBeUndefined();
  });
});

describe('the high-water mark', () => {
  const mark: HighWaterMark = {
    ...{ origin: 'delmonicos/abc', opening: 7, size: 300, root: trueRoot(300), running: true, seal: 9 },
    leaves: new Uint8Array(Buffer.concat(LEAVES.slice(256, 300))),
  };

  const marks = fc.record(
    {
      origin: fc.string({ unit: 'binary' }),
      opening: fc.maxSafeNat(),
      size: fc.maxSafeNat(),
      running: fc.boolean(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      leaves: fc.nat(4).chain((n) => fc.uint8Array({ minLength: 32 * n, maxLength: 32 * n })),
      seal: fc.maxSafeNat(),
    },
    { requiredKeys: ['origin', 'opening', 'size', 'running', 'root', 'leaves'] },
  );

  it('is read as it was written', () => {
    fc.assert(
      fc.property(marks, (any) => {
        expect(parseHighWater(formatHighWater(any))).toEqual(any);
      }),
      { examples: [[mark]] },
    );
  });

  it('is known for damaged when any of its bytes is another, or it is cut off', () => {
    const text = Buffer.from(formatHighWater(mark));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(text);
        changed[at] = changed[at]! ^ flip;
        expect(parseHighWater(changed.toString('latin1'))).toBeUndefined();
        expect(parseHighWater(text.subarray(0, at).toString())).toBeUndefined();
      }),
    );
  });
});

describe('the verdict on a counter', () => {
  it.each([
    [5, undefined, 'fits'],
    [5, 5, 'fits'],
    [5, 6, 'fits'],
    [5, 4, 'rolled back'],
    [5, 7, 'reset'],
  ] as const)('%s beside a mark of %s: %s', (shows, seal, verdict) => {
    expect(judgeCounter(shows, seal)).toBe(verdict);
  });
});

describe('the tree of a damaged log', () => {
  const damage = fc.record({
    size: fc.integer({ min: 1, max: LEAVES.length }),
    lost: fc.uniqueArray(fc.nat(LEAVES.length - 1), { maxLength: 30 }),
    lostTiles: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
    badTiles: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
    lostParents: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
    badParents: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
    checked: fc.option(fc.integer({ min: 1, max: LEAVES.length }), { nil: undefined }),
    noted: fc.boolean(),
  });

  type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;
  function rebuild(of: Damage) {
    const checks =
      of.checked === undefined || of.checked > of.size
        ? []
        : [{ size: of.checked, root: trueRoot(of.checked) }];
    const tree = new TreeRebuild(checks);
    const flipped = (bytes: Uint8Array): Uint8Array =>
      Uint8Array.from(bytes, (byte, i) => (i === 5 ? byte ^ 4 : byte));
    for (let tile = 0; tile * WIDTH <= of.size; tile++) {
      const leaves = LEAVES.slice(tile * WIDTH, Math.min((tile + 1) * WIDTH, of.size));
      const full = leaves.length === WIDTH;
      const rows = Array.from({ length: WIDTH }, (_, place) =>
        of.lost.includes(tile * WIDTH + place) ? undefined : leaves[place],
      );
      const whole = full ? new Uint8Array(Buffer.concat(leaves)) : undefined;
      const stored =
        whole &&
        (of.lostTiles.includes(tile) ? undefined : of.badTiles.includes(tile) ? flipped(whole) : whole);
      const above = whole && subtreeRoot(whole);
      const parent =
        above &&
        (of.lostParents.includes(tile) ? undefined : of.badParents.includes(tile) ? flipped(above) : above);
      const inMark = of.noted && of.checked !== undefined && Math.floor(of.checked / WIDTH) === tile;
      const noted = inMark ? new Uint8Array(Buffer.concat(leaves.slice(0, of.checked! % WIDTH))) : undefined;
      if (tree.add({ rows, stored, parent, noted }) === undefined) break;
    }
    return tree.result();
  }

  it('is never another one than it was, and nothing in front of its end is lost without being named', () => {
    fc.assert(
      fc.property(damage, (of) => {
        const { size, root, lost, contradicted } = rebuild(of);
        expect(size).toBeLessThanOrEqual(of.size);
        if (contradicted.length > 0 || root === undefined) return;
        expect(Buffer.from(root).equals(trueRoot(size))).toBe(true);
        const named = (index: number): boolean => lost.some(({ from, to }) => from <= index && index < to);
        for (const index of of.lost) if (index < size) expect(named(index)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is whole whatever rows are lost, as long as two stored copies agree', () => {
    const base = {
      lostTiles: [],
      badTiles: [],
      lostParents: [],
      badParents: [],
      checked: undefined,
      noted: false,
    };
    const found = rebuild({ ...base, size: 3 * WIDTH, lost: [0, 1, 300, 767] });
    expect(found).toMatchObject({ size: 3 * WIDTH, contradicted: [] });
    expect(found.lost).toEqual([
      { from: 0, to: 2 },
      { from: 300, to: 301 },
      { from: 767, to: 768 },
    ]);
  });

  it('ends in front of what rests on one stored copy alone, unless a tree known elsewhere confirms it', () => {
    const base = { lostTiles: [1], badTiles: [], lostParents: [], badParents: [], lost: [300], noted: false };
    expect(rebuild({ ...base, size: 3 * WIDTH, checked: undefined }).size).toBeLessThanOrEqual(300);
    const confirmed = rebuild({ ...base, size: 3 * WIDTH, checked: 3 * WIDTH });
    expect(confirmed).toMatchObject({ size: 3 * WIDTH, lost: [{ from: 256, to: 512 }] });
  });

  it('goes through lost entries of the unfinished tile when their hashes were noted', () => {
    const base = {
      lostTiles: [],
      badTiles: [],
      lostParents: [],
      badParents: [],
      lost: [530],
      size: 560,
      checked: 560,
    };
    expect(rebuild({ ...base, noted: false })).toMatchObject({ size: 530, contradicted: [{ size: 560 }] });
    expect(rebuild({ ...base, noted: true })).toMatchObject({
      size: 560,
      contradicted: [],
      lost: [{ from: 530, to: 531 }],
    });
  });
});

describe('what becomes of a damaged log', () => {
  const origin = 'delmonicos/abc';
  const tree = { size: 300, root: trueRoot(300), lost: [], contradicted: [] };
  const facts: RecoveryFacts = {
    ...{
      stationOrigin: origin,
      keptAs: 'journal.db.damaged-1',
      origin,
      entries: 300,
      end: 300,
      birth: true,
      tree,
    },
    ...{
      cause: { code: 'journal.corrupt', message: 'why' },
      holes: [],
      known: [],
      setAside: 1,
      rolledBack: false,
    },
  };
  const known = (name: string, size: number) => [{ origin: name, size, root: trueRoot(size) }];

  it.each<[string, Partial<RecoveryFacts>, string, string]>([
    ['nothing is known against it', {}, 'continue', origin],
    ['what is signed is shorter', { known: known(origin, 200) }, 'continue', origin],
    [
      'a longer tree was signed',
      { tree: { ...tree, contradicted: [{ size: 310, root: trueRoot(310) }] } },
      'begin',
      `${origin}/2`,
    ],
    ['a later entry is there behind a lost one', { end: 305 }, 'begin', `${origin}/2`],
    ['its first entry is lost', { birth: false }, 'begin', `${origin}/2`],
    ['an old copy was put back', { rolledBack: true }, 'begin', `${origin}/2`],
    ['another log followed it already', { known: known(`${origin}/4`, 3) }, 'begin', `${origin}/5`],
    [
      'nothing can be read, after two others',
      { origin: undefined, tree: undefined, setAside: 3 },
      'begin',
      `${origin}/4`,
    ],
    [
      'nothing was tried, of a log that says it is the third',
      { origin: undefined, tree: undefined, named: `${origin}/3`, untried: 'there is no room' },
      'begin',
      `${origin}/4`,
    ],
  ])('%s', (_what, changes, action, name) => {
    const plan = planRecovery({ ...facts, ...changes });
    expect(plan).toMatchObject({ action, origin: name });
    expect(plan.faults.length).toBeGreaterThan(0);
  });

  it('is read back from disk however many holes there are', () => {
    const { directory, remove } = temporaryDirectory();
    const holes = Array.from({ length: 50_000 }, (_, i) => ({ from: 200 * i, to: 200 * i + 1 }));
    const { faults } = planRecovery({ ...facts, holes });
    writeReport(directory, { origin, size: 300, faults });
    expect(readReport(directory)?.faults.flatMap((fault) => fault.holes ?? [])).toEqual(holes);
    remove();
  });

  it('says that nothing was tried, where nothing was', () => {
    const { faults } = planRecovery({ ...facts, origin: undefined, tree: undefined, untried: 'no room' });
    expect(faults).toMatchObject([{ message: expect.stringContaining('no room') as string }]);
  });

  it('is said in as many entries as the holes take', () => {
    const holes = Array.from({ length: 4_500 }, (_, i) => ({ from: 2 * i, to: 2 * i + 1 }));
    const { faults } = planRecovery({ ...facts, holes });
    expect(faults.map((fault) => fault.holes?.length)).toEqual([2_000, 2_000, 500]);
    expect(faults.flatMap((fault) => fault.holes ?? [])).toEqual(holes);
  });
});
