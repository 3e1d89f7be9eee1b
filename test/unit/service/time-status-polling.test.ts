import { describe, expect, it } from 'vitest';
import type { TimeReading } from '../../../src/service/index.ts';
import { openTimeStatus, SOFTWARE_FLOOR_MS } from '../../../src/service/time-status/time-status.ts';

/** A system whose clocks and sources are scripted. */
function scripted(source: 'auto' | 'kernel' | 'chrony' | 'timesyncd' = 'auto') {
  const system = {
    monoMs: 0,
    wallMs: Date.UTC(2027, 0, 1),
    asked: [] as string[],
    said: {} as Partial<Record<TimeReading['source'], TimeReading>>,
    events: [] as string[],
  };
  const ask = (name: TimeReading['source']) => async () => {
    system.asked.push(name);
    return system.said[name];
  };
  const time = openTimeStatus({
    ...{ source, maxErrorMs: 1_000 },
    nowMonoMs: () => system.monoMs,
    nowWallMs: () => system.wallMs,
    log: (level, event, fields) => system.events.push(`${level} ${event} ${String(fields?.['status'])}`),
    ask: { chrony: ask('chrony'), kernel: ask('kernel'), timesyncd: ask('timesyncd') },
    readRtcMs: async () => undefined,
  });
  /** Polls every second, as the watch does. */
  const run = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      await time.poll();
      system.monoMs += 1_000;
      system.wallMs += 1_000;
    }
  };
  return { system, time, run };
}

const reading = (source: TimeReading['source'], synchronised = true): TimeReading => ({
  ...{ source, synchronised, maxErrorMs: synchronised ? 20 : null, leap: 'none', detail: '' },
});

describe('asking what the wall clock is worth', () => {
  it('starts no process more often than once a minute while it is synchronised', async () => {
    const { system, time, run } = scripted();
    system.said = { kernel: reading('kernel') };
    await run(600);
    expect(system.asked.filter((name) => name === 'kernel')).toHaveLength(10);
    expect(time.status()).toBe('S');
  });

  it('asks nobody else where chronyd answers, and only the one that is configured', async () => {
    const auto = scripted();
    auto.system.said = { chrony: reading('chrony'), kernel: reading('kernel', false) };
    await auto.run(61);
    expect(auto.system.asked).toEqual(['chrony', 'chrony']);
    expect(auto.time.report()).toMatchObject({ status: 'S', source: 'chrony' });
    const one = scripted('timesyncd');
    one.system.said = { chrony: reading('chrony'), timesyncd: reading('timesyncd', false) };
    await one.run(1);
    expect(one.system.asked).toEqual(['timesyncd']);
    expect(one.time.status()).toBe('U');
  });

  it('asks more and more rarely where nobody answers, and says so once', async () => {
    const { system, time, run } = scripted();
    await run(3_600);
    expect(time.status()).toBe('U');
    expect(system.asked.filter((name) => name === 'kernel').length).toBeLessThan(66);
    expect(system.events).toEqual(['warning clock.status U']);
  });

  it('believes no answer that was given before the clock was set, and asks again at once', async () => {
    const { system, time, run } = scripted('kernel');
    system.said = { kernel: reading('kernel') };
    await run(1);
    expect(time.status()).toBe('S');
    time.stepped();
    expect(time.status()).toBe('U');
    system.said = { kernel: reading('kernel', false) };
    await run(1);
    expect(system.asked).toHaveLength(2);
    // Set by hand: that it was synchronised before helps no more.
    expect(time.status()).toBe('U');
    system.said = { kernel: reading('kernel') };
    await run(6);
    expect(time.status()).toBe('S');
  });

  it('does not believe the answer to a question that was asked before the clock was set', async () => {
    const { system, time } = scripted('kernel');
    system.said = { kernel: reading('kernel') };
    const asked = time.poll();
    time.stepped();
    await asked;
    expect(time.status()).toBe('U');
    await time.poll();
    expect(time.status()).toBe('S');
  });

  it('is U again once the source has been silent for five minutes', async () => {
    const { system, time, run } = scripted('kernel');
    system.said = { kernel: reading('kernel') };
    await run(1);
    system.said = {};
    await run(299);
    expect(time.status()).toBe('S');
    await run(3);
    expect(time.status()).toBe('U');
  });

  it('is I while it runs on its own after it was synchronised', async () => {
    const { system, time, run } = scripted('kernel');
    system.said = { kernel: reading('kernel') };
    await run(1);
    system.said = { kernel: reading('kernel', false) };
    await run(61);
    expect(time.status()).toBe('I');
  });

  it('is U before the software was made, and before what the journal knows', async () => {
    const { system, time, run } = scripted('kernel');
    system.said = { kernel: reading('kernel') };
    await run(1);
    system.wallMs = SOFTWARE_FLOOR_MS - 1;
    expect(time.status()).toBe('U');
    system.wallMs = SOFTWARE_FLOOR_MS;
    expect(time.status()).toBe('S');
    time.raiseFloor(SOFTWARE_FLOOR_MS + 1);
    expect(time.status()).toBe('U');
  });

  it('has a floor that is no time to come', () => {
    expect(SOFTWARE_FLOOR_MS).toBeLessThan(Date.now());
  });
});
