import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COMMIT_GRACE_MS,
  inWords,
  judgeLiveness,
  PROGRESS_LIMIT_MS,
  READ_LIMIT_MS,
  SLOT_GRACE_MS,
  type Liveness,
  type LoopFacts,
} from '../../../src/service/notify/watchdog.ts';

const NOW = 10_000_000;

function meter(facts: Partial<LoopFacts> = {}): LoopFacts {
  return {
    ...{ meterId: 'evse1', everyMs: 1_000, sharedBy: 1 },
    ...{ lastAttemptBeganMonoMs: NOW - 500, lastAttemptEndedMonoMs: NOW - 400 },
    ...facts,
  };
}

function metering(facts: Partial<Extract<Liveness, { phase: 'metering' }>> = {}): Liveness {
  return {
    ...{ phase: 'metering', sinceMonoMs: 0, meters: [meter()] },
    ...{ oldestWaitingSinceMonoMs: NOW - 300, groupCommitMs: 10_000 },
    ...facts,
  };
}

const codes = (facts: Liveness): string[] => judgeLiveness(facts, NOW).reasons.map(({ code }) => code);

describe('the watchdog is fed', () => {
  it.each<[string, Liveness]>([
    ['while slots are attempted and entries reach the disk', metering()],
    [
      'before the first slot of a meter that is read once a day',
      metering({
        sinceMonoMs: NOW - 80_000_000,
        meters: [meter({ everyMs: 86_400_000, lastAttemptBeganMonoMs: null, lastAttemptEndedMonoMs: null })],
      }),
    ],
    [
      'between two slots of a meter that is read once an hour',
      metering({
        meters: [
          meter({
            everyMs: 3_600_000,
            lastAttemptBeganMonoMs: NOW - 3_500_000,
            lastAttemptEndedMonoMs: NOW - 3_499_000,
          }),
        ],
      }),
    ],
    [
      'while one read takes minutes on a line of silent meters',
      metering({
        meters: [meter({ lastAttemptBeganMonoMs: NOW - 200_000, lastAttemptEndedMonoMs: NOW - 201_000 })],
      }),
    ],
    [
      'while the last of a hundred silent meters waits for its turn on the line',
      metering({
        meters: [
          meter({
            sharedBy: 100,
            lastAttemptBeganMonoMs: NOW - 2_000_000,
            lastAttemptEndedMonoMs: NOW - 2_001_000,
          }),
        ],
      }),
    ],
    [
      'while entries wait for a group of an hour',
      metering({ oldestWaitingSinceMonoMs: NOW - 3_600_000, groupCommitMs: 3_600_000 }),
    ],
    [
      'when nothing waits, because all is refused or nothing was read',
      metering({ oldestWaitingSinceMonoMs: null }),
    ],
    ['without any meter', metering({ meters: [] })],
    [
      'while a recovery makes progress',
      { phase: 'changing', what: 'recovering', lastProgressMonoMs: NOW - 60_000 },
    ],
  ])('%s', (_what, facts) => {
    expect(judgeLiveness(facts, NOW)).toEqual({ feed: true, reasons: [] });
  });
});

describe('the watchdog starves', () => {
  it('when the loop of any meter does not come to its slot', () => {
    const ended = NOW - 1_000 - SLOT_GRACE_MS - 1;
    const late = meter({
      meterId: 'grid',
      lastAttemptBeganMonoMs: ended - 10,
      lastAttemptEndedMonoMs: ended,
    });
    expect(judgeLiveness(metering({ meters: [meter(), late] }), NOW)).toEqual({
      feed: false,
      reasons: [{ code: 'watchdog.slot_missed', meterId: 'grid', lateMs: SLOT_GRACE_MS + 1 }],
    });
  });

  it('when a meter was never attempted since reading began', () => {
    const never = meter({ lastAttemptBeganMonoMs: null, lastAttemptEndedMonoMs: null });
    expect(codes(metering({ sinceMonoMs: NOW - 60_000, meters: [never] }))).toEqual(['watchdog.slot_missed']);
  });

  it('when a read hangs: the first one, and any later one', () => {
    const began = NOW - READ_LIMIT_MS - 1;
    for (const ended of [null, began - 900]) {
      const hangs = meter({ lastAttemptBeganMonoMs: began, lastAttemptEndedMonoMs: ended });
      expect(codes(metering({ meters: [hangs] }))).toEqual(['watchdog.read_hangs']);
    }
  });

  it('when readings wait and no commit happens', () => {
    const oldestWaitingSinceMonoMs = NOW - 10_000 - COMMIT_GRACE_MS - 1;
    expect(codes(metering({ oldestWaitingSinceMonoMs }))).toEqual(['watchdog.commit_late']);
  });

  it('when a start or a stop makes no progress', () => {
    const lastProgressMonoMs = NOW - PROGRESS_LIMIT_MS - 1;
    expect(codes({ phase: 'changing', what: 'starting', lastProgressMonoMs })).toEqual([
      'watchdog.no_progress',
    ]);
  });

  it('says every reason, and the first in words', () => {
    const began = NOW - READ_LIMIT_MS - 1_000;
    const hangs = meter({ lastAttemptBeganMonoMs: began, lastAttemptEndedMonoMs: null });
    const facts = metering({ meters: [hangs, { ...hangs, meterId: 'grid' }], oldestWaitingSinceMonoMs: 0 });
    const { reasons } = judgeLiveness(facts, NOW);
    expect(reasons.map(({ code }) => code)).toEqual([
      'watchdog.read_hangs',
      'watchdog.read_hangs',
      'watchdog.commit_late',
    ]);
    expect(inWords(reasons)).toBe('the read of meter evse1 hangs for 301 s (and 2 more)');
    expect(inWords([])).toBe('');
  });
});

describe('whatever the facts are', () => {
  const time = fc.integer({ min: 0, max: NOW });
  const loop = fc.record({
    meterId: fc.constantFrom('a', 'b'),
    everyMs: fc.integer({ min: 100, max: 86_400_000 }),
    sharedBy: fc.integer({ min: 1, max: 247 }),
    lastAttemptBeganMonoMs: fc.option(time),
    lastAttemptEndedMonoMs: fc.option(time),
  });
  const facts = fc.record({
    ...{
      phase: fc.constant('metering' as const),
      sinceMonoMs: time,
      meters: fc.array(loop, { maxLength: 4 }),
    },
    ...{ oldestWaitingSinceMonoMs: fc.option(time), groupCommitMs: fc.integer({ min: 0, max: 3_600_000 }) },
  });

  it('it starves exactly when there is a reason, and then goes on starving until something happens', () => {
    fc.assert(
      fc.property(facts, fc.integer({ min: 0, max: 1_000_000 }), (given, laterMs) => {
        const now = judgeLiveness(given, NOW);
        expect(now.feed).toBe(now.reasons.length === 0);
        if (!now.feed) expect(judgeLiveness(given, NOW + laterMs).feed).toBe(false);
      }),
    );
  });

  it('one loop that hangs is enough, however well the others do', () => {
    fc.assert(
      fc.property(facts, fc.nat({ max: 4 }), (given, at) => {
        const hangs = meter({
          lastAttemptBeganMonoMs: NOW - READ_LIMIT_MS - 1,
          lastAttemptEndedMonoMs: null,
        });
        const meters = [...given.meters.slice(0, at), hangs, ...given.meters.slice(at)];
        expect(judgeLiveness({ ...given, meters }, NOW).feed).toBe(false);
      }),
    );
  });
});
