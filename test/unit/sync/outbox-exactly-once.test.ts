// What whoever answers can and cannot do to an intent.
//
// The light client verifies finality, headers, state and block bodies, so what it says is the chain's word. A node behind
// `rpc` is believed. By lying about heights and nonces it can make the station wait, and sign anew in vain: never twice on
// chain, because an intent is signed anew only with a nonce that none of its attempts has used (of two extrinsics with one
// nonce the chain takes one), or after all blocks of the earlier attempts' eras were looked at. Forged evidence is refused.
// What is left to it: to say that an extrinsic is in none of those blocks although it is. Each such lie about a whole era
// can cost one more inclusion, and no more; the station cannot tell. It can also hold back everything for as long as it is
// asked: an honest answer later ends that.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Intent, isOpen } from '../../../src/sync/outbox/intent.ts';
import { restoreOutbox, stepOutbox } from '../../../src/sync/outbox/outbox-machine.ts';
import type { OutboxCommand, OutboxEvent } from '../../../src/sync/outbox/outbox-model.ts';
import { type Crash, ERA, type Lie, ModelStation } from './model-station.ts';

type Action = (station: ModelStation) => void;
type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Action> };
const always = (weight: number, act: Action): Weighted => ({ weight, arbitrary: fc.constant(act) });
const crashPoint = fc.constantFrom<Crash>('no', 'no', 'no', 'before-commit', 'after-commit');

const ORDINARY: readonly Weighted[] = [
  always(3, (s) => s.plan()),
  always(3, (s) => s.linkUp()),
  always(1, (s) => s.linkDown()),
  always(1, (s) => s.answerLate()),
  always(1, (s) => s.crash()),
  {
    weight: 12,
    arbitrary: fc.tuple(crashPoint, fc.constantFrom(0, 0, 0, 1)).map(
      ([crash, which]): Action =>
        (s) =>
          void s.run(crash, which),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.nat(255).map(
      (mask): Action =>
        (s) =>
          void s.chain.mine((i) => (mask >> (i % 8)) % 2 === 1),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 4 }).map(
      (n): Action =>
        (s) =>
          s.finalize(n),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 4 }).map(
      (n): Action =>
        (s) =>
          s.chain.reorganize(n),
    ),
  },
  always(1, (s) => s.someoneElse()),
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('included' as const, 'retracted' as const, 'hint' as const, 'again' as const)
      .map(
        (kind): Action =>
          (s) =>
            s.notify(kind),
      ),
  },
  always(2, (s) => s.publish()),
  always(0.5, (s) => void s.chain.specVersion++),
  always(0.5, (s) => void (s.chain.canPay = !s.chain.canPay)),
];
const UPHEAVALS: readonly Weighted[] = [always(0.4, (s) => s.rotate()), always(0.3, (s) => s.replaceLog())];
const MOVES: readonly Weighted[] = [always(0.3, (s) => s.moveToAnotherChain())];

function lies(...kinds: readonly Lie[]): Weighted {
  return {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...kinds), fc.integer({ min: 1, max: 40 }))
      .map(([lie, by]): Action => (s) => {
        s.lie = lie;
        s.lieBy = by;
      }),
  };
}

// `size: max`: by itself fast-check prefers runs that are too short to get anything into a block.
const scheduleOf = (...actions: readonly Weighted[]) =>
  fc.array(fc.oneof(...actions.map((one) => ({ ...one, weight: Math.round(one.weight * 10) }))), {
    maxLength: 150,
    size: 'max',
  });
const honest = scheduleOf(...ORDINARY);

function play(actions: readonly Action[], reach = Infinity): ModelStation {
  const station = new ModelStation(reach);
  for (const act of actions) act(station);
  station.settle();
  return station;
}

const isOwn = (station: ModelStation, { id }: Intent): boolean => id >= station.ownFrom;

/** Nothing is stuck, entries are never given up, and what is said to be final is where it is said to be. */
function expectSettled(station: ModelStation): void {
  const rows = station.rows();
  expect(rows.filter(isOpen)).toEqual([]);
  for (const row of rows) {
    const { kind, id, state } = row;
    if (kind === 'publish' && isOwn(station, row)) expect(state, `publish ${id}`).toBe('final');
    if (state === 'final' && row.earlier.length > 0) throw new Error('an end remembers no attempts');
  }
  expect(rows.filter(({ state }) => state === 'unplaced')).toEqual([]);
  expect(rows.filter((row) => row.kind === 'anchor' && isOwn(station, row)).at(-1)?.state ?? 'final').toBe(
    'final',
  );
}

describe('the outbox, whatever crashes, reorganizations, lost links, expired eras and used nonces come between', () => {
  it('includes every intent exactly once, or lets a newer one take its place before it was ever signed in vain', () => {
    fc.assert(
      fc.property(honest, (actions) => {
        const station = play(actions);
        const inclusions = station.inclusionsByIntent();
        expectSettled(station);
        for (const { id, state, evidence, attempt } of station.rows()) {
          expect(inclusions.get(id) ?? 0, `intent ${id} is ${state}`).toBe(state === 'final' ? 1 : 0);
          if (state !== 'final') continue;
          expect(station.chain.holding(attempt?.extrinsic ?? '0x')?.hash).toBe(evidence?.blockHash);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('does so also when keys are rotated and logs replaced; what is left of another log is never signed anew', () => {
    fc.assert(
      fc.property(scheduleOf(...ORDINARY, ...UPHEAVALS), (actions) => {
        const station = play(actions);
        const inclusions = station.inclusionsByIntent();
        expectSettled(station);
        for (const { id, state } of station.rows()) {
          expect(inclusions.get(id) ?? 0, `intent ${id} is ${state}`).toBe(state === 'final' ? 1 : 0);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('includes it on the chain that the station was moved to, whatever is on the one that it left', () => {
    fc.assert(
      fc.property(scheduleOf(...ORDINARY, ...MOVES), (actions) => {
        const station = play(actions);
        expectSettled(station);
        const here = station.chain.finalizedInclusions();
        for (const { state, attempt, evidence } of station.rows()) {
          if (state !== 'final' || attempt === null) continue;
          const isHere = station.chain.holding(attempt.extrinsic)?.hash === evidence?.blockHash;
          if (isHere) expect(here.get(attempt.extrinsic)).toBe(1);
        }
        // Once on each chain: what was in flight when the station moved may have got into a block of the one it left.
        for (const count of here.values()) expect(count).toBe(1);
      }),
      { numRuns: 200 },
    );
  });

  it('repeats nothing and gets stuck nowhere when the blocks of an attempt are out of reach', () => {
    fc.assert(
      fc.property(honest, fc.nat(6), (actions, reach) => {
        const station = play(actions, reach);
        const inclusions = station.inclusionsByIntent();
        for (const { id, state } of station.disk.values()) {
          expect(['final', 'superseded', 'unplaced']).toContain(state);
          const count = inclusions.get(id) ?? 0;
          if (state === 'final') expect(count).toBe(1);
          else if (state === 'superseded') expect(count).toBe(0);
          else expect(count).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a server that lies', () => {
  it('about heights and nonces, with old facts, forged evidence and silence, brings nothing on chain twice and nothing to a stop', () => {
    const lying = lies('old', 'ahead', 'higher-nonce', 'lower-nonce', 'forged', 'silent');
    fc.assert(
      fc.property(scheduleOf(...ORDINARY, lying), (actions) => {
        const station = play(actions);
        expectSettled(station);
        const inclusions = station.inclusionsByIntent();
        for (const { id, state } of station.rows()) {
          const count = inclusions.get(id) ?? 0;
          // A checkpoint that was given up on a lie and then superseded may have got in: once, and to no harm.
          if (state === 'final') expect(count, `intent ${id}`).toBe(1);
          else expect(count, `intent ${id} is ${state}`).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('about what is in blocks can cost an inclusion for each such lie, and no more', () => {
    const lying = lies('old', 'ahead', 'higher-nonce', 'lower-nonce', 'absent');
    fc.assert(
      fc.property(scheduleOf(...ORDINARY, lying), (actions) => {
        const station = play(actions);
        expectSettled(station);
        for (const [id, count] of station.inclusionsByIntent()) {
          expect(count).toBeLessThanOrEqual(1 + (station.liedAbsent.get(id) ?? 0));
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('a false absence', () => {
  const station = new ModelStation();
  const lookUnderLie = (blocks: number): void => {
    for (let block = 0; block < blocks; block++) station.chain.mine(() => true);
    station.finalize(blocks);
    station.run();
    station.lie = 'absent';
    while (station.run());
  };

  it('is of no account while the era lasts, and costs a second inclusion when it is told of all of it', () => {
    station.linkUp();
    station.plan();
    while (station.run());
    lookUnderLie(2);
    expect(station.liedAbsent.get(1)).toBe(1);
    expect(station.outbox.current).toMatchObject({ state: 'broadcast', attempt: { ordinal: 1 } });
    lookUnderLie(ERA);
    expect(station.outbox.current).toMatchObject({ attempt: { ordinal: 2, nonce: 1 } });
    station.settle();
    expect(station.inclusionsByIntent().get(1)).toBe(2);
  });
});

describe('an era that is falsely said to be over', () => {
  it('is followed by attempts with the same nonce; the first one is found when it gets into a block after all', () => {
    const station = new ModelStation();
    station.linkUp();
    station.plan();
    while (station.run());
    station.lie = 'ahead';
    station.lieBy = 3;
    station.finalize(0);
    while (station.run());
    // The second was born at a block that there is not, as the next honest answer tells: it is given up at once.
    expect(station.outbox.current).toMatchObject({
      attempt: { ordinal: 3, nonce: 0 },
      earlier: [
        { ordinal: 1, nonce: 0 },
        { ordinal: 2, nonce: 0 },
      ],
    });
    station.settle();
    expect(station.rows()).toMatchObject([{ state: 'final', attempt: { ordinal: 1 }, earlier: [] }]);
    expect(station.inclusionsByIntent().get(1)).toBe(1);
  });
});

describe('a server that has an intent signed again and again by telling ever greater heights', () => {
  function signedInVain(times: number): ModelStation {
    const station = new ModelStation();
    station.linkUp();
    station.plan();
    while (station.run());
    for (let height = 2; height <= 2 * times; height += 2) {
      station.lie = 'ahead';
      station.lieBy = height;
      station.finalize(0);
      station.run();
      // The lie goes on for as long as it is asked.
      while (station.outbox.link?.pending !== null && station.run());
    }
    return station;
  }

  it('does not make it forget the first attempt: it is in one block, once', () => {
    for (const times of [3, 8, 20, 31, 32, 33, 40, 70]) {
      const station = signedInVain(times);
      station.chain.mine(() => true);
      station.finalize(1);
      station.settle();
      const counts = [...station.inclusionsByIntent().values()];
      expect(
        counts.every((count) => count === 1),
        `${times} lies: ${counts.join()}`,
      ).toBe(true);
      expect(station.rows().filter(isOpen)).toEqual([]);
    }
  });
});

describe('entries that are published', () => {
  const inOrder = (station: ModelStation): string[] =>
    [...station.chain.finalizedInclusions().keys()].map(
      (bytes) => station.disk.get(station.signedBy.get(bytes)?.intentId ?? 0)?.kind ?? '?',
    );

  it('give way to an anchor that waits, and go before the next one', () => {
    const station = new ModelStation();
    station.publish();
    station.plan();
    station.linkUp();
    for (let block = 0; block < 20; block++) {
      while (station.run());
      station.plan();
      station.chain.mine(() => true);
      station.finalize(1);
    }
    expect(inOrder(station).slice(0, 3)).toEqual(['anchor', 'publish', 'anchor']);
  });

  it('are signed anew when their era has ended, and not planned twice', () => {
    const station = new ModelStation();
    station.linkUp();
    station.publish();
    station.publish();
    while (station.run());
    for (let block = 0; block < ERA + 1; block++) station.chain.mine(() => false);
    station.finalize(ERA + 1);
    while (station.run());
    expect(station.rows()).toMatchObject([{ kind: 'publish', state: 'broadcast', attempt: { ordinal: 2 } }]);
    station.settle();
    expect([...station.inclusionsByIntent()]).toEqual([[1, 1]]);
  });
});

function longLived(intent: Intent | null): Intent | null {
  if (intent?.attempt === null || intent === null) return intent;
  return { ...intent, attempt: { ...intent.attempt, deathNumber: 64 } };
}

describe('the outbox', () => {
  it('reaches every state that it names', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(honest, fc.nat(6), (actions, reach) => {
        const station = new ModelStation(reach);
        for (const act of actions) {
          act(station);
          for (const { state } of station.disk.values()) seen.add(state);
        }
      }),
      { numRuns: 500, seed: 20 },
    );
    expect([...seen].sort()).toEqual(
      ['broadcast', 'expired', 'final', 'inBlock', 'planned', 'signed', 'superseded', 'unplaced'].sort(),
    );
  });

  it('anchors thirty days without a network with one extrinsic', () => {
    const station = new ModelStation();
    for (let hour = 0; hour < 720; hour++) station.plan();
    station.settle();
    expect(station.inclusionsByIntent().size).toBe(1);
    const final = [...station.disk.values()].filter(({ state }) => state === 'final');
    expect(final.map(({ size }) => size)).toEqual([720]);
  });

  it('lets the newest of three checkpoints win after a crash between signing and storing (found by the property above)', () => {
    const station = new ModelStation();
    station.linkUp();
    station.plan();
    station.run();
    station.plan();
    station.run('before-commit');
    station.plan();
    station.settle();
    expect([...station.disk.values()].map(({ state }) => state)).toEqual([
      'superseded',
      'superseded',
      'final',
    ]);
  });

  it('hands the same bytes over again when eight finalized blocks went by without them', () => {
    const station = new ModelStation();
    const facts = (number: number): OutboxEvent => ({
      type: 'facts',
      finalized: { number, hash: `0x${'0b'.repeat(32)}` },
      nonce: 0,
    });
    station.linkUp();
    station.plan();
    while (station.run());
    expect(station.outbox.current?.state).toBe('broadcast');
    const commandsAt = (number: number): readonly OutboxCommand[] =>
      stepOutbox({ ...station.outbox, current: longLived(station.outbox.current) }, facts(number)).commands;
    expect(commandsAt(7)).toEqual([]);
    expect(commandsAt(8).map(({ type }) => type)).toEqual(['submit']);
  });

  it('believes nothing that is said about an earlier attempt', () => {
    const station = new ModelStation();
    station.linkUp();
    station.plan();
    while (station.run());
    for (let block = 0; block < ERA + 1; block++) station.chain.mine(() => false);
    station.finalize(ERA + 1);
    while (station.run());
    const second = station.outbox.current as Intent;
    expect(second.attempt?.ordinal).toBe(2);
    station.chain.mine(() => true);
    station.chain.finalize(1);
    station.handle({
      type: 'facts',
      finalized: station.chain.finalized,
      nonce: station.chain.nonceAt(station.account, station.chain.finalized),
    });
    station.handle({ type: 'absent', intentId: second.id, ordinal: 1 });
    expect(station.outbox.current?.state).toBe('broadcast');
    station.settle();
    expect([...station.inclusionsByIntent().values()]).toEqual([1]);
  });

  it('refuses rows that no run of it can have written', () => {
    const station = new ModelStation();
    station.plan();
    const row = [...station.disk.values()][0] as Intent;
    const rows: Intent[] = [1, 2].map((id) => ({ ...row, id, state: 'broadcast' }));
    expect(() => restoreOutbox(rows, 2)).toThrow(/outbox rows/);
  });
});
