import { describe, expect, it } from 'vitest';
import { DocumentSchedule } from '../../../src/station/telemetry/document-schedule.ts';
import { RecentRate } from '../../../src/station/telemetry/recent-rate.ts';
import type { RetainedDocument } from '../../../src/station/telemetry/retained-document.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { JOURNAL } from '../../support/telemetry/telemetry-examples.ts';

/** A journal document whose news and figures the test sets. */
function place(figuresEveryMs: () => number = () => 60_000) {
  const clock = new VirtualClock();
  const begin = clock.nowMonoMs();
  const now = { news: 'a' as string | undefined, size: 0, fails: false };
  const published: [number, number][] = [];
  const errors: unknown[] = [];
  const document: RetainedDocument<'journal'> = {
    topic: 'journal',
    news: () => now.news,
    make: () => {
      if (now.fails) throw new Error('no facts');
      return { ...JOURNAL, size: now.size };
    },
  };
  const schedule = new DocumentSchedule({
    documents: [document],
    publish: (_topic, made) =>
      void published.push([clock.nowMonoMs() - begin, 'size' in made ? made.size : -1]),
    pace: { figuresEveryMs },
    clock,
    onError: (_topic, error) => errors.push(error),
  });
  return { clock, now, published, errors, schedule };
}

describe('retained documents', () => {
  it('are published at once, and then as often as their figures may be renewed', async () => {
    const { clock, now, published, schedule } = place();
    now.size = 1;
    await clock.advance(119_000);
    now.size = 2;
    await clock.advance(2_000);
    expect(published).toEqual([
      [0, 0],
      [60_000, 1],
      [120_000, 2],
    ]);
    await schedule.stop();
  });

  it('are published when there is news, without waiting for anything', async () => {
    const { clock, now, published, schedule } = place();
    await clock.advance(7_000);
    now.news = 'b';
    now.size = 1;
    schedule.look('health');
    schedule.look('journal');
    expect(published).toEqual([
      [0, 0],
      [7_000, 1],
    ]);
    await schedule.stop();
  });

  it('tell of what comes and goes once in five seconds, and of how it is in the end', async () => {
    const { clock, now, published, schedule } = place();
    await clock.advance(20_000);
    for (let second = 20; second < 60; second++) {
      now.news = second % 2 === 0 ? 'b' : 'a';
      now.size = second;
      schedule.look();
      await clock.advance(1_000);
    }
    now.news = 'c';
    await clock.advance(10_000);
    const times = published.map(([atMs]) => atMs);
    for (const [index, atMs] of times.slice(1).entries())
      expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(4_000);
    expect(published.length).toBeLessThanOrEqual(12);
    expect(published.at(-1)?.[1]).toBe(59);
    await schedule.stop();
  });

  it('follow a pace that changes meanwhile, and wait for news alone when it is endless', async () => {
    let everyMs = Infinity;
    const { clock, published, schedule } = place(() => everyMs);
    await clock.advance(3_600_000);
    expect(published).toHaveLength(1);
    everyMs = 5_000;
    await clock.advance(10_000);
    expect(published).toHaveLength(3);
    await schedule.stop();
  });

  it('that cannot be made are told of, and tried again', async () => {
    const { clock, now, published, errors, schedule } = place();
    now.fails = true;
    now.news = 'b';
    await clock.advance(12_000);
    expect(errors).toHaveLength(1);
    now.fails = false;
    now.size = 5;
    await clock.advance(5_000);
    expect(published.at(-1)).toEqual([15_000, 5]);
    await schedule.stop();
  });

  it('are not published before there is anything to say, and a last time when it ends', async () => {
    const { clock, now, published, schedule } = place();
    await clock.advance(1_000);
    now.size = 9;
    await schedule.stop(['journal']);
    expect(published).toEqual([
      [0, 0],
      [1_000, 9],
    ]);
    const silent = place();
    silent.now.news = undefined;
    await silent.clock.advance(10_000);
    await silent.schedule.stop();
  });
});

describe('a rate', () => {
  it('is that of the time since it was asked before, ten seconds at least, and none within the first', () => {
    const rate = new RecentRate(500, 0);
    expect(rate.perMs(900, 999)).toBeUndefined();
    expect(rate.perMs(1_500, 2_000)).toBe(0.5);
    expect(rate.perMs(1_500, 10_000)).toBe(0.1);
    expect(rate.perMs(11_500, 20_000)).toBe(1);
    expect(rate.perMs(0, 40_000)).toBe(0);
  });
});
