import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnchorEvidence, Hex } from '../../../src/chain/index.ts';
import { type Intent, isInFlight, isOpen } from '../../../src/sync/intent.ts';
import { restoreOutbox, stepOutbox } from '../../../src/sync/outbox-machine.ts';
import type { Outbox, OutboxCommand, OutboxEvent } from '../../../src/sync/outbox-model.ts';
import { ModelChain } from './model-chain.ts';

const ERA = 8;

/** Runs the machine against the model chain as the session does, one small step at a time, and loses what a crash loses. */
class Station {
  readonly chain = new ModelChain();
  readonly disk = new Map<number, Intent>();
  readonly bytesOf = new Map<Hex, number>();
  readonly reach: number;
  outbox: Outbox = restoreOutbox([], 0);
  #commands: OutboxCommand[] = [];
  #late: readonly OutboxEvent[] = [];
  #lastEvent: OutboxEvent | undefined;
  #size = 0;
  #signatures = 0;

  constructor(reach: number) {
    this.reach = reach;
  }

  handle(event: OutboxEvent, crash: 'before-commit' | 'after-commit' | 'no' = 'no'): void {
    this.#lastEvent = event;
    const step = stepOutbox(this.outbox, event);
    if (crash === 'before-commit') return this.crash();
    for (const intent of step.changed) this.disk.set(intent.id, JSON.parse(JSON.stringify(intent)) as Intent);
    if (crash === 'after-commit') return this.crash();
    this.outbox = step.outbox;
    this.#commands.push(...step.commands);
    this.#check();
  }

  crash(): void {
    this.#commands = [];
    this.#late = [];
    this.outbox = restoreOutbox([...this.disk.values()], Math.max(0, ...this.disk.keys()));
    this.#check();
  }

  plan(): void {
    this.#size++;
    this.handle({
      type: 'planned',
      checkpoint: `size ${this.#size}`,
      size: this.#size,
      root: '0x00',
      atMs: 0,
    });
  }

  linkUp(): void {
    if (this.outbox.link === null) this.handle({ type: 'link-up' });
  }

  /** What the gateway was still working on may take effect all the same, and its answer may come when nobody asks. */
  linkDown(): void {
    this.#late = this.#commands.map((command) => this.#effectOf(command));
    this.#commands = [];
    this.handle({ type: 'link-down' });
  }

  answerLate(): void {
    for (const event of this.#late) this.handle(event);
  }

  /** Carries out the oldest command, or does so and crashes before its result is known. */
  run(crash: 'before-commit' | 'after-commit' | 'no' = 'no'): boolean {
    const command = this.#commands.shift();
    if (command === undefined) return false;
    this.handle(this.#effectOf(command), crash);
    return true;
  }

  finalize(count: number): void {
    this.chain.finalize(count);
    if (this.outbox.link !== null && this.outbox.current !== null) this.#commands.push({ type: 'ask-facts' });
  }

  someoneElse(): void {
    const nonce = this.chain.bestNonce;
    this.chain.gossip({
      bytes: `0x${'ee'.repeat(4)}${nonce.toString(16).padStart(8, '0')}`,
      nonce,
      birthNumber: -1,
      deathNumber: 1e9,
    });
  }

  notify(kind: 'included' | 'retracted' | 'hint' | 'again'): void {
    const { current } = this.outbox;
    if (kind === 'again')
      return this.#lastEvent?.type === 'planned' || this.#lastEvent === undefined
        ? undefined
        : this.handle(this.#lastEvent);
    if (current === null || current.attempt === null) return;
    const about = { intentId: current.id, ordinal: current.attempt.ordinal };
    const block = this.chain.holding(current.attempt.extrinsic);
    if (kind === 'included')
      return block === undefined ? undefined : this.handle({ type: 'included', ...about, block });
    if (kind === 'hint') return this.handle({ type: 'hint', ...about, block: block?.hash ?? null });
    this.handle({ type: 'retracted', ...about });
  }

  #effectOf(command: OutboxCommand): OutboxEvent {
    switch (command.type) {
      case 'ask-facts':
        return { type: 'facts', finalized: this.chain.finalized, nonce: this.chain.finalizedNonce };
      case 'sign': {
        const { intent, nonce, birth } = command;
        const extrinsic: Hex = `0x${(++this.#signatures).toString(16).padStart(8, '0')}`;
        this.bytesOf.set(extrinsic, intent.id);
        const ordinal = (intent.attempt?.ordinal ?? 0) + 1;
        const attempt = { ordinal, nonce, birth, deathNumber: birth.number + ERA, extrinsic };
        return { type: 'signed', intentId: intent.id, attempt };
      }
      case 'submit': {
        const { intent, attempt } = command;
        expect(this.disk.get(intent.id)?.attempt, 'bytes leave only when they are on disk').toEqual(attempt);
        const { extrinsic: bytes, nonce, birth, deathNumber } = attempt;
        this.chain.gossip({ bytes, nonce, birthNumber: birth.number, deathNumber });
        return { type: 'submitted', intentId: intent.id, ordinal: attempt.ordinal };
      }
      case 'locate': {
        const { intent, attempt, finalized } = command;
        const about = { intentId: intent.id, ordinal: attempt.ordinal };
        const found = this.chain.locate(attempt.extrinsic, finalized.number, this.reach);
        if (found === 'absent') return { type: 'absent', ...about };
        if (found === 'out-of-reach') return { type: 'out-of-reach', ...about, why: 'too old' };
        const evidence = { blockNumber: found.number, blockHash: found.hash, extrinsic: attempt.extrinsic };
        return { type: 'located', ...about, evidence: evidence as AnchorEvidence };
      }
    }
  }

  #check(): void {
    expect([...this.disk.values()].filter(isInFlight).length, 'extrinsics in flight').toBeLessThanOrEqual(1);
    for (const count of this.inclusionsByIntent().values()) expect(count).toBeLessThanOrEqual(1);
  }

  inclusionsByIntent(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const [bytes, count] of this.chain.finalizedInclusions()) {
      const id = this.bytesOf.get(bytes);
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + count);
    }
    return counts;
  }

  /** From now on the world is kind: link up, every block takes what it may and becomes final. */
  settle(): void {
    this.linkUp();
    for (let round = 0; round < 60 && [...this.disk.values()].some(isOpen); round++) {
      while (this.run());
      this.chain.mine(() => true);
      this.finalize(2);
    }
  }
}

type Action = (station: Station) => void;
const crashPoint = fc.constantFrom('no', 'no', 'no', 'before-commit', 'after-commit');
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Action>((s) => s.plan()) },
  { weight: 3, arbitrary: fc.constant<Action>((s) => s.linkUp()) },
  { weight: 1, arbitrary: fc.constant<Action>((s) => s.linkDown()) },
  { weight: 1, arbitrary: fc.constant<Action>((s) => s.answerLate()) },
  { weight: 1, arbitrary: fc.constant<Action>((s) => s.crash()) },
  {
    weight: 12,
    arbitrary: crashPoint.map(
      (crash): Action =>
        (s) =>
          void s.run(crash),
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
  { weight: 1, arbitrary: fc.constant<Action>((s) => s.someoneElse()) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('included', 'retracted', 'hint', 'again').map(
      (kind): Action =>
        (s) =>
          s.notify(kind),
    ),
  },
);

// `size: max`: by itself fast-check prefers runs that are too short to get anything into a block.
const schedule = fc.array(action, { maxLength: 150, size: 'max' });

function play(actions: readonly Action[], reach: number): Station {
  const station = new Station(reach);
  for (const act of actions) act(station);
  station.settle();
  return station;
}

describe('the outbox, whatever crashes, reorganizations, lost links, expired eras and used nonces come between', () => {
  it('includes every intent exactly once, or lets a newer one take its place before it was ever signed in vain', () => {
    fc.assert(
      fc.property(schedule, (actions) => {
        const station = play(actions, Infinity);
        const inclusions = station.inclusionsByIntent();
        const rows = [...station.disk.values()];
        expect(rows.filter(isOpen)).toEqual([]);
        for (const { id, state, evidence, attempt } of rows) {
          expect(inclusions.get(id) ?? 0, `intent ${id} is ${state}`).toBe(state === 'final' ? 1 : 0);
          if (state !== 'final') continue;
          expect(station.chain.holding(attempt?.extrinsic ?? '0x')?.hash).toBe(evidence?.blockHash);
        }
        expect(rows.filter(({ state }) => state === 'unplaced')).toEqual([]);
        expect(rows.at(-1)?.state ?? 'final').toBe('final');
      }),
      { numRuns: 1_500 },
    );
  });

  it('repeats nothing and gets stuck nowhere when the blocks of an attempt are out of reach', () => {
    fc.assert(
      fc.property(schedule, fc.nat(6), (actions, reach) => {
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
      { numRuns: 500 },
    );
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
      fc.property(schedule, fc.nat(6), (actions, reach) => {
        const station = new Station(reach);
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
    const station = new Station(Infinity);
    for (let hour = 0; hour < 720; hour++) station.plan();
    station.settle();
    expect(station.inclusionsByIntent().size).toBe(1);
    const final = [...station.disk.values()].filter(({ state }) => state === 'final');
    expect(final.map(({ size }) => size)).toEqual([720]);
  });

  it('lets the newest of three checkpoints win after a crash between signing and storing (found by the property above)', () => {
    const station = new Station(Infinity);
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
    const station = new Station(Infinity);
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
    const station = new Station(Infinity);
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
      nonce: station.chain.finalizedNonce,
    });
    station.handle({ type: 'absent', intentId: second.id, ordinal: 1 });
    expect(station.outbox.current?.state).toBe('broadcast');
    station.settle();
    expect([...station.inclusionsByIntent().values()]).toEqual([1]);
  });

  it('refuses rows that no run of it can have written', () => {
    const station = new Station(Infinity);
    station.plan();
    const row = [...station.disk.values()][0] as Intent;
    const rows: Intent[] = [1, 2].map((id) => ({ ...row, id, state: 'broadcast' }));
    expect(() => restoreOutbox(rows, 2)).toThrow(/outbox rows/);
  });
});
