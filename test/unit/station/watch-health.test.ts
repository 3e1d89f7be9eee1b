import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { parseStationConfig } from '../../../src/config/index.ts';
import { FAULTS, nameOf, type HealthItem } from '../../../src/health/index.ts';
import { watchLoopDelay } from '../../../src/service/index.ts';
import { faultsOnRecord, RECORD_REST_MS } from '../../../src/station/health/faults-on-record.ts';
import { healthDocument } from '../../../src/station/health/health-document.ts';
import { TroubleNotes } from '../../../src/station/health/station-troubles.ts';
import { HealthWatch, type HealthParts } from '../../../src/station/health/watch-health.ts';
import { DEFAULT_LIMITS } from '../../../src/telemetry/index.ts';
import { temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const CONFIG = parseStationConfig(`station: { name: T-1 }
lines: [{ id: lan, tcp: "127.0.0.1:502" }]
meters: [{ id: evse1, line: lan, unitId: 1, profile: abb-b23, every: 1s }]
journal: { maxSize: 1MiB, reserve: 64KiB }
control: { socket: /run/c.sock }
`);

type Recorded = { readonly code: string; readonly message: string };

function watched(raised: readonly string[] = []) {
  const { directory, remove } = temporaryDirectory();
  onTestFinished(remove);
  const clock = new VirtualClock(1_000_000);
  const recorded: Recorded[] = [];
  const told: (readonly HealthItem[])[] = [];
  const logged: string[] = [];
  const state = {
    refusedBecause: null as string | null,
    status: 'S' as 'S' | 'U',
    line: 'open' as 'open' | 'waiting',
    exhausted: false,
    failing: false,
    broken: false,
    viewBroken: false,
  };
  const evidence = {
    append: async (_kind: string, body: unknown) => {
      if (state.failing) throw new Error('no room');
      return recorded.push(body as Recorded);
    },
  };
  const troubles = new TroubleNotes();
  const parts: HealthParts = {
    ...{ config: CONFIG, stateDirectory: directory, version: '1.0.0', account: '5Da', clock, troubles },
    log: (_level, event, fields) => logged.push(`${event} ${String(fields?.['code'])}`),
    journal: { size: 3 },
    facts: () => ({
      meters: [
        {
          ...{
            meterId: 'evse1',
            everyMs: 1_000,
            sharedBy: 1,
            state: 'answering',
            errorCode: null,
            errorMessage: null,
            implausibleNow: 0,
            implausibleWhy: null,
          },
          lastAttemptBeganMonoMs: clock.nowMonoMs() - 20,
          ...{ lastAttemptEndedMonoMs: clock.nowMonoMs(), lastSampleMonoMs: clock.nowMonoMs() },
        },
      ],
      evidence: {
        ...{ lastCommitMonoMs: clock.nowMonoMs(), waiting: 0, oldestWaitingSinceMonoMs: null },
        refusedBecause: state.refusedBecause,
      },
    }),
    configurationFacts: () => {
      if (state.broken) throw new Error('a mistake of ours');
      return {
        ...{ source: 'file', sequence: null, signedBy: null, onTrial: false, rolledBack: null },
        ...{ problems: [], notTaken: troubles.notTaken },
      };
    },
    lines: [
      {
        id: 'lan',
        statistics: () => ({ state: state.line, requests: 1, errors: {} }),
      },
    ],
    timeReport: () => ({
      ...{
        status: state.status,
        why: 'as told',
        maxErrorMs: 5,
        source: 'kernel',
        detail: null,
        leap: 'none',
      },
    }),
    isExhausted: () => state.exhausted,
    recorder: faultsOnRecord(evidence as never, silentLog, new Set(raised)),
    onChange: (items) => {
      told.push(items);
      if (state.viewBroken) throw new Error('no view');
    },
  };
  const watch = new HealthWatch(parts);
  onTestFinished(() => watch.stop());
  const reserve = path.join(directory, 'journal.reserve');
  const makeReserve = (): void => {
    const file = openSync(reserve, 'w');
    ftruncateSync(file, 64 * 1024);
    closeSync(file);
  };
  makeReserve();
  /** Codes that are raised for these checks; others depend on the machine that the test runs on. */
  const raisedOf = (...checks: string[]): string[] =>
    watch.list().flatMap(({ check, code }) => (code !== null && checks.includes(check) ? [code] : []));
  return { clock, recorded, told, logged, state, watch, reserve, makeReserve, raisedOf, troubles };
}

describe('the watch over the station', () => {
  it('tells of a reserve that is gone, and of one that is kept again', async () => {
    const { clock, reserve, makeReserve, watch } = watched();
    const reserveIsGone = (): boolean => watch.list().some(({ code }) => code === 'disk.no_reserve');
    await clock.advance(120_000);
    expect(reserveIsGone()).toBe(false);
    rmSync(reserve);
    await clock.advance(30_000);
    expect(reserveIsGone()).toBe(false);
    await clock.advance(60_000);
    expect(reserveIsGone()).toBe(true);
    makeReserve();
    await clock.advance(30_000);
    expect(reserveIsGone()).toBe(false);
  });

  it('tells of a clock that nobody vouches for after two minutes, and of a line that does not open after seconds', async () => {
    const { clock, state, raisedOf, logged } = watched();
    Object.assign(state, { status: 'U', line: 'waiting' });
    await clock.advance(20_000);
    expect(raisedOf('clock', 'line')).toEqual(['line.not_open']);
    await clock.advance(120_000);
    expect(raisedOf('clock', 'line')).toEqual(['line.not_open', 'clock.unknown']);
    Object.assign(state, { status: 'S', line: 'open' });
    await clock.advance(20_000);
    expect(raisedOf('clock', 'line')).toEqual([]);
    expect(logged.filter((line) => /clock|line/.test(line))).toEqual([
      ...['health.raised line.not_open', 'health.raised clock.unknown'],
      ...['health.cleared line.not_open', 'health.cleared clock.unknown'],
    ]);
  });

  it('does not pass an old list for good news when it cannot judge, and judges on as soon as it can', async () => {
    const { clock, state, watch, told } = watched();
    await clock.advance(10_000);
    const well = watch.list();
    state.broken = true;
    await clock.advance(20_000);
    expect(watch.list()).toEqual([
      expect.objectContaining({ code: 'service.look_failed', state: 'fault', detail: 'a mistake of ours' }),
      ...well,
    ]);
    expect(told.at(-1)?.[0]).toMatchObject({ code: 'service.look_failed' });
    Object.assign(state, { broken: false, viewBroken: true });
    await clock.advance(5_000);
    expect(watch.list().map(({ code }) => code)).not.toContain('service.look_failed');
  });

  it('says why the newest configuration is not the one it runs with', () => {
    const { troubles, raisedOf } = watched();
    expect(raisedOf('configuration')).toEqual([]);
    troubles.noteNotTaken(new Error('no meters'));
    expect(raisedOf('configuration')).toEqual(['config.not_taken']);
  });

  it('keeps what cannot be opened, and tells each change of the list once', async () => {
    const { clock, troubles, watch, told } = watched();
    await clock.advance(10_000);
    const before = told.length;
    troubles.note('control', new Error('in use'));
    await clock.advance(60_000);
    const changes = told.slice(before);
    expect(
      changes.filter((items) => items.some(({ code }) => code === 'control.unavailable')).length,
    ).toBeGreaterThan(0);
    const shown = changes.map((items) =>
      JSON.stringify(items.map((item) => [nameOf(item), item.state, item.code])),
    );
    shown.slice(1).forEach((news, index) => expect(news).not.toBe(shown[index]));
    expect(watch.list().find(({ check }) => check === 'control')).toMatchObject({
      state: 'fault',
      detail: '[internal] in use',
    });
  });

  it('sees that the event loop was blocked', async () => {
    const delay = watchLoopDelay(0);
    onTestFinished(() => delay.stop());
    // One sample has to be there before the block, so that the next one is late.
    await expect.poll(() => delay.read(0), { timeout: 20_000 }).toBeDefined();
    const end = performance.now() + 1_500;
    while (performance.now() < end);
    // 1.5 s, less the half second between two samples.
    await expect.poll(() => delay.read(0)?.maxMs, { timeout: 20_000 }).toBeGreaterThanOrEqual(900);
    expect(delay.read(61_000)?.maxMs).toBeGreaterThanOrEqual(900);
  });
});

describe('faults of the list in the journal', () => {
  it('are recorded when they come and go, and once an hour at most however they flutter', async () => {
    const { clock, recorded, state } = watched();
    for (let minute = 0; minute < 70; minute++) {
      state.refusedBecause = minute % 2 === 0 ? 'journal.disk_full' : null;
      await clock.advance(60_000);
    }
    const hours = (70 * 60_000) / RECORD_REST_MS;
    expect(recorded.length).toBeGreaterThanOrEqual(4);
    expect(recorded.length).toBeLessThanOrEqual(2 * (hours + 1));
    expect(recorded.slice(0, 2)).toMatchObject([
      { code: 'journal.disk_full', message: 'raised' },
      { code: 'journal.disk_full', message: 'cleared' },
    ]);
    recorded.forEach(({ message }, index) => expect(message).toBe(index % 2 === 0 ? 'raised' : 'cleared'));
  });

  it('that were raised before a restart are cleared after it, and not raised again', async () => {
    const over = watched(['journal.disk_full', 'sync.no_peers']);
    await over.clock.advance(30_000);
    expect(over.recorded).toEqual([{ code: 'journal.disk_full', message: 'cleared', facts: [] }]);
    const lasting = watched(['journal.disk_full']);
    lasting.state.refusedBecause = 'journal.disk_full';
    await lasting.clock.advance(30_000);
    expect(lasting.recorded).toEqual([]);
  });

  it('are tried again when the journal had no room for them', async () => {
    const { clock, recorded, state } = watched();
    Object.assign(state, { refusedBecause: 'journal.disk_full', failing: true });
    await clock.advance(30_000);
    state.failing = false;
    await clock.advance(90_000);
    expect(recorded).toMatchObject([{ code: 'journal.disk_full', message: 'raised' }]);
  });
});

describe('the document of a list', () => {
  const item = (index: number, text: string): HealthItem => ({
    ...{ check: 'meter', subject: `m${index}`, state: index % 7 === 0 ? 'fault' : 'ok', code: null },
    ...{ detail: text, sinceMs: 1, advice: text },
  });
  const stamp = { asOfMs: 1, time: 2, clock: 'S' } as const;

  it('fits into what telemetry takes, leaves the best out first, and counts them', () => {
    const list = Array.from({ length: 200 }, (_, index) => item(index, 'x'.repeat(1_000)));
    const document = healthDocument(list, stamp);
    expect(JSON.stringify(document).length).toBeLessThan(DEFAULT_LIMITS.maxPayloadBytes);
    expect(document.items.length + document.omitted).toBe(200);
    const faults = list.filter(({ state }) => state === 'fault').length;
    expect(document.items.slice(0, faults).every(({ state }) => state === 'fault')).toBe(true);
    expect(document.state).toBe('fault');
  });

  it('is the whole list where it fits', () => {
    const list = Array.from({ length: 12 }, (_, index) => item(index, 'well'));
    expect(healthDocument(list, stamp)).toMatchObject({ omitted: 0, items: { length: 12 } });
  });
});

it('has room for the whole advice of each fault in its document', () => {
  const moment = { asOfMs: 1, time: 1, clock: 'S' } as const;
  for (const { check, severity, advice } of Object.values(FAULTS)) {
    const item: HealthItem = { check, state: severity, code: null, detail: 'd', sinceMs: 1, advice };
    expect(healthDocument([item], moment).items[0]?.advice).toBe(advice);
  }
});
