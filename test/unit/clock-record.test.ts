import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClockStatus, ClockStepBody, EntryBodies, EntryKind } from '../../src/journal/index.ts';
import { keepClock, type TimeWorth } from '../../src/metering/index.ts';
import {
  observeClock,
  openClockRecord,
  reasonOf,
  recordedChange,
  SMALLEST_STEP_MS,
  type ClockLook,
} from '../../src/metering/clock-step.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const silentLog = (): void => {};
const look = (wallMs: number, monoMs: number, status: ClockStatus = 'S'): ClockLook => ({
  ...{ wallMs, monoMs, status },
});

describe('the record of the wall clock', () => {
  it('takes what it can be steered by in that time for no step, and less than a second for nothing', () => {
    const record = openClockRecord(look(1_000_000, 0));
    expect(observeClock(record, look(1_001_999, 1_000)).change).toBeUndefined();
    expect(observeClock(record, look(1_013_999, 13_000)).change).toBeUndefined();
    expect(observeClock(record, look(1_014_300, 13_000)).change).toEqual({ stepMs: 1_300, kind: 'drift' });
    expect(observeClock(record, look(1_015_300, 13_000)).change).toEqual({ stepMs: 2_300, kind: 'jump' });
    expect(observeClock(record, look(997_000, 1_000)).change).toEqual({ stepMs: -4_000, kind: 'jump' });
  });

  it('adds small differences up, and records them once they make a second', () => {
    let record = openClockRecord(look(0, 0));
    const changes: object[] = [];
    for (let second = 1; second <= 100; second++) {
      // chronyd at 8 %, which shows on a system whose monotonic clock is not steered as well.
      const at = look(second * 1_080, second * 1_000);
      const seen = observeClock(record, at);
      record = seen.record;
      if (seen.change === undefined) continue;
      changes.push({ second, ...seen.change });
      record = recordedChange(record, at, seen.change);
    }
    expect(changes).toHaveLength(7);
    expect(changes[0]).toEqual({ second: 13, stepMs: 1_040, kind: 'drift' });
  });

  it('is told of a status that changes, at most once a minute', () => {
    let record = openClockRecord(look(0, 0, 'U'));
    const changes: number[] = [];
    for (let second = 1; second <= 600; second++) {
      const at = look(second * 1_000, second * 1_000, second % 2 === 0 ? 'S' : 'U');
      const seen = observeClock(record, at);
      record = seen.record;
      if (seen.change === undefined) continue;
      changes.push(second);
      record = recordedChange(record, at, seen.change);
    }
    expect(changes.length).toBeLessThanOrEqual(10);
    expect(changes.slice(0, 2)).toEqual([2, 63]);
  });

  const MIDNIGHT = Date.UTC(2027, 0, 1);
  it.each([
    ['leap', -1_000, MIDNIGHT - 700, 0, 'insert'],
    ['leap', -1_002, MIDNIGHT + 300, 0, 'in-progress'],
    ['leap', 1_000, MIDNIGHT + 900, 0, 'delete'],
    ['leap', -1_000, MIDNIGHT + 900, 0, 'done'],
    ['set', -1_000, MIDNIGHT - 700, 0, 'none'],
    ['set', 1_000, MIDNIGHT - 700, 0, 'insert'],
    ['set', -1_000, MIDNIGHT - 40_000_000, 0, 'insert'],
    ['set', -2_000, MIDNIGHT, 0, 'insert'],
    ['suspend', 3_600_000, MIDNIGHT, 3_600_010, 'none'],
    ['set', 3_600_000, MIDNIGHT, 60_000, 'none'],
    ['set', 3_600_000, MIDNIGHT, 0, 'none'],
  ] as const)(
    'says %s of a jump by %i ms at %i, asleep for %i ms, leap second: %s',
    (reason, stepMs, wallMs, sleptMs, leap) => {
      expect(reasonOf({ stepMs, kind: 'jump' }, { wallMs, sleptMs, leap })).toBe(reason);
    },
  );

  it('has a reason of its own for what is no jump', () => {
    const around = { wallMs: MIDNIGHT, sleptMs: 0, leap: 'insert' } as const;
    expect(reasonOf({ stepMs: -1_000, kind: 'drift' }, around)).toBe('drift');
    expect(reasonOf({ stepMs: 0, kind: 'status' }, around)).toBe('status');
  });
});

type Kept = {
  kind: EntryKind;
  body: EntryBodies[EntryKind];
  wallTimeMs: number;
  sinceBootMs: number;
  clockStatus: ClockStatus;
};

/** A journal in memory that stamps as the real one does, and the clocks and the time source that it is given. */
function kept() {
  const clock = new VirtualClock();
  const world = {
    offset: 1_800_000_000_000,
    asleepMs: 0,
    status: 'S' as ClockStatus,
    stepped: 0,
    refuse: false,
  };
  const entries: Kept[] = [];
  const time: TimeWorth = {
    status: () => world.status,
    report: () => ({ source: 'kernel', maxErrorMs: 12.2, leap: 'none' }),
    poll: async () => {},
    stepped: () => {
      world.stepped++;
      world.status = 'U';
    },
  };
  const keeper = keepClock({
    ...{ clock, time, log: silentLog },
    nowWallMs: () => clock.nowMonoMs() + world.offset,
    uptimeMs: () => clock.nowMonoMs() + world.asleepMs,
  });
  const append = async <K extends EntryKind>(kind: K, body: EntryBodies[K]): Promise<number> => {
    keeper.settle();
    if (world.refuse) throw new Error('refused');
    entries.push({ kind, body, ...keeper.stamp() });
    return entries.length - 1;
  };
  return { clock, world, entries, keeper, append };
}

const fault = { code: 'test', message: '' };
const steps = (entries: readonly Kept[]): ClockStepBody[] =>
  entries.filter(({ kind }) => kind === 'clock-step').map(({ body }) => body as ClockStepBody);

describe('a step of the wall clock', () => {
  it('is journaled within a second, once, with who vouches for the time', async () => {
    const { clock, world, entries, keeper, append } = kept();
    const watch = keeper.watch({ append });
    await clock.advance(3_000);
    world.offset += 3_600_000;
    await clock.advance(3_000);
    await watch.stop();
    expect(steps(entries)).toEqual([
      {
        ...{ stepMs: 3_600_000, before: 'S', after: 'U', reason: 'set' },
        ...{ source: 'kernel', maxErrorMs: 13 },
      },
    ]);
    expect(world.stepped).toBe(1);
  });

  it('stands before the entry that first carries the new time', async () => {
    const { world, entries, keeper, append } = kept();
    keeper.watch({ append });
    await append('fault', fault);
    world.offset -= 86_400_000;
    await append('fault', fault);
    expect(entries.map(({ kind }) => kind)).toEqual(['fault', 'clock-step', 'fault']);
    expect(entries[1]?.wallTimeMs).toBe(entries[2]?.wallTimeMs);
    expect(entries[2]?.clockStatus).toBe('U');
  });

  it('of a machine that slept is no doubt about the time', async () => {
    const { clock, world, entries, keeper, append } = kept();
    const watch = keeper.watch({ append });
    world.offset += 7_200_000;
    world.asleepMs += 7_200_000;
    await clock.advance(1_000);
    await watch.stop();
    expect(steps(entries)).toMatchObject([{ stepMs: 7_200_000, reason: 'suspend', before: 'S', after: 'S' }]);
    expect(world.stepped).toBe(0);
  });

  it('is offered again, whole, when the journal refused it', async () => {
    const { clock, world, entries, keeper, append } = kept();
    const watch = keeper.watch({ append });
    world.refuse = true;
    world.offset += 5_000;
    await clock.advance(2_000);
    world.offset += 5_000;
    world.refuse = false;
    await clock.advance(3_000);
    await watch.stop();
    expect(steps(entries)).toMatchObject([{ stepMs: 10_000, before: 'S', after: 'U', reason: 'set' }]);
  });

  it('leaves a record from which every time that was stamped follows, whatever the clock does', async () => {
    const move = fc.record({
      offset: fc.oneof(fc.constant(0), fc.integer({ min: -2_000, max: 2_000 }), fc.integer()),
      status: fc.constantFrom<ClockStatus>('U', 'I', 'S'),
      advanceMs: fc.integer({ min: 0, max: 5_000 }),
      refuse: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 12 }), async (moves) => {
        const { clock, world, entries, keeper, append } = kept();
        const watch = keeper.watch({ append });
        await append('fault', fault);
        for (const { offset, status, advanceMs, refuse } of moves) {
          world.offset += offset;
          world.status = status;
          world.refuse = refuse;
          await append('fault', fault).catch(() => undefined);
          await clock.advance(advanceMs);
        }
        world.refuse = false;
        await clock.advance(2_000);
        await append('fault', fault);
        await watch.stop();
        // By the steps alone, from the first entry on.
        let offset = entries[0]!.wallTimeMs - entries[0]!.sinceBootMs;
        let since = -1;
        for (const entry of entries) {
          if (entry.kind === 'clock-step') offset += (entry.body as ClockStepBody).stepMs;
          expect(Math.abs(entry.wallTimeMs - entry.sinceBootMs - offset)).toBeLessThanOrEqual(
            SMALLEST_STEP_MS,
          );
          expect(entry.sinceBootMs).toBeGreaterThanOrEqual(since);
          since = entry.sinceBootMs;
        }
      }),
      { numRuns: 60 },
    );
  });
});
