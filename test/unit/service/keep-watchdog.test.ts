import { describe, expect, it } from 'vitest';
import { keepWatchdog, type Liveness } from '../../../src/service/index.ts';
import { READ_LIMIT_MS } from '../../../src/service/notify/watchdog.ts';
import { startMetering } from '../../../src/metering/index.ts';
import { silentLog, type EnergyMeter } from '../../../hal/contract/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function watched(watchdogMs: number | undefined) {
  const clock = new VirtualClock();
  const fedAt: number[] = [];
  const statuses: string[] = [];
  const logged: unknown[] = [];
  let facts: Liveness = { phase: 'changing', what: 'starting', lastProgressMonoMs: clock.nowMonoMs() };
  const watchdog = keepWatchdog({
    notify: {
      watchdogMs,
      alive: () => fedAt.push(clock.nowMonoMs()),
      status: (text) => statuses.push(text),
    },
    liveness: () => facts,
    status: () => 'well',
    clock,
    log: (level, event, fields) => {
      if (level === 'error') logged.push([event, fields]);
    },
  });
  const set = (next: Liveness): void => void (facts = next);
  return { clock, fedAt, statuses, logged, watchdog, set };
}

/** A meter whose reads end, but for those from the `from`th on, which hang as in an open() that never returns. */
function meterThatHangs(from: number): EnergyMeter {
  let reads = 0;
  return {
    id: 'evse1',
    profileId: 'test',
    identify: () => Promise.resolve({ serial: '1' }),
    readSample: () => {
      reads++;
      return reads < from ? Promise.reject(new Error('silent')) : new Promise(() => {});
    },
  } as unknown as EnergyMeter;
}

describe('keeping the watchdog', () => {
  it('feeds it four times a period while there is life, and not after the stop', async () => {
    const { clock, fedAt, watchdog } = watched(20_000);
    await clock.advance(20_000);
    expect(fedAt).toEqual([1_000, 6_000, 11_000, 16_000, 21_000]);
    watchdog.stop();
    await clock.advance(100_000);
    expect(fedAt).toHaveLength(5);
  });

  it('starves it when the reads of a real metering loop hang, says why at once, and a silent meter is no reason', async () => {
    const { clock, fedAt, statuses, logged, watchdog, set } = watched(20_000);
    const metering = startMetering({
      meters: [{ meter: meterThatHangs(1_000), everyMs: 1_000 }],
      evidence: { append: () => Promise.resolve(0) },
      clock,
      log: silentLog,
      onEvent: () => {},
    });
    const sinceMonoMs = clock.nowMonoMs();
    const follow = async (durationMs: number): Promise<void> => {
      for (let ms = 0; ms < durationMs; ms += 1_000) {
        const meters = metering.facts().map((facts) => ({ ...facts, sharedBy: 1 }));
        set({ phase: 'metering', sinceMonoMs, meters, oldestWaitingSinceMonoMs: null, groupCommitMs: 1_000 });
        await clock.advance(1_000);
      }
    };
    await follow(999_000);
    expect(logged).toEqual([]);
    const fed = fedAt.length;
    expect(fed).toBeGreaterThanOrEqual(199);
    await follow(READ_LIMIT_MS);
    const last = fedAt.at(-1) ?? 0;
    await follow(20_000);
    expect(fedAt.at(-1)).toBe(last);
    expect(statuses.at(-1)).toMatch(/^not alive: the read of meter evse1 hangs for 3\d\d s$/);
    expect(logged[0]).toEqual([
      'watchdog.starved',
      { meter: 'evse1', code: 'watchdog.read_hangs', forMs: expect.any(Number) as number },
    ]);
    watchdog.stop();
    void metering.stop();
  });

  it('says that something hangs also where nobody watches', async () => {
    const { clock, fedAt, logged, watchdog, set } = watched(undefined);
    set({ phase: 'changing', what: 'starting', lastProgressMonoMs: -1_000_000 });
    await clock.advance(10_000);
    expect(fedAt).toEqual([]);
    expect(logged).toContainEqual([
      'watchdog.starved',
      expect.objectContaining({ code: 'watchdog.no_progress' }),
    ]);
    watchdog.stop();
  });
});
