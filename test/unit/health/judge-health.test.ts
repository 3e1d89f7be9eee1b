import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HEALTH_STATES,
  healthLine,
  judgeAndStep,
  NO_MEMORY,
  worstState,
  type HealthFacts,
  type HealthItem,
  type HealthMemory,
} from '../../../src/health/index.ts';

const MIB = 2 ** 20;
const NOW = 10_000_000;

const WELL = {
  nowMonoMs: NOW,
  configuration: {
    ...{ source: 'signed', sequence: 7, signedBy: 'OEM', onTrial: true },
    ...{ rolledBack: null, problems: [], notTaken: null },
  },
  service: { version: '1.0.0', startedMonoMs: 0, loopDelay: { maxMs: 4, p99Ms: 2 } },
  meters: [
    {
      ...{
        meterId: 'evse1',
        everyMs: 1_000,
        sharedBy: 1,
        state: 'answering',
        errorCode: null,
        implausibleNow: 0,
      },
      ...{
        lastAttemptBeganMonoMs: NOW - 500,
        lastAttemptEndedMonoMs: NOW - 450,
        lastSampleMonoMs: NOW - 450,
      },
    },
  ],
  lines: [{ id: 'rs485', state: 'open', requests: 10, errors: 0, hasMeters: true }],
  journal: {
    ...{ size: 7, groupCommitMs: 10_000, lastCommitMonoMs: NOW - 4_000, waiting: 3, refusedBecause: null },
    ...{ oldestWaitingSinceMonoMs: NOW - 4_000, isExhausted: false, setAside: null, damage: null },
  },
  disk: {
    ...{ freeBytes: 900 * MIB, journalBytes: 30 * MIB, maxJournalBytes: 512 * MIB },
    ...{ reserveBytes: 8 * MIB, isReserveKept: true },
  },
  flash: {
    devices: [{ device: 'mmcblk0', lifeUsedPercent: 10, reserveBlocks: 'normal' }],
    ...{ bytesPerDay: 20 * MIB, lifeDays: 9_000 },
  },
  clock: { status: 'S', why: 'synchronised', source: 'chrony', maxErrorMs: 12 },
  memory: {
    core: { rssBytes: 60 * MIB, limit: { usedBytes: 40 * MIB, maxBytes: 128 * MIB } },
    gateway: null,
    system: { availableBytes: 300 * MIB, totalBytes: 512 * MIB },
  },
  key: { account: '5DaA' },
  chain: {
    ...{ faults: [], backlog: 12, notRunning: null },
    words: { severity: 'good', text: 'idle for 3 min', advice: null },
  },
  broker: { connected: true, failure: null, notStarted: null },
  control: { failure: null, path: '/run/c.sock' },
} as const satisfies HealthFacts;

/** The list when it has been so for a day. */
function lasting(facts: HealthFacts): readonly HealthItem[] {
  let memory: HealthMemory = NO_MEMORY;
  memory = judgeAndStep(memory, { ...facts, nowMonoMs: facts.nowMonoMs }).next;
  const shift = 86_400_000;
  // Ages stay what they are: only the time that the list has watched goes on.
  return judgeAndStep(memory, moved(facts, shift)).items;
}

/** The same facts, so much later. */
function moved(facts: HealthFacts, byMs: number): HealthFacts {
  const later = (value: unknown, key?: string): unknown => {
    if (typeof value === 'number' && key?.endsWith('MonoMs') === true) return value + byMs;
    if (Array.isArray(value)) return value.map((one) => later(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, later(one, name)]));
  };
  return later(facts) as HealthFacts;
}

const wrong = (facts: HealthFacts): string[] =>
  lasting(facts).flatMap(({ code, subject }) =>
    code === null ? [] : [subject === undefined ? code : `${code} ${subject}`],
  );

const [METER] = WELL.meters;
const [LINE] = WELL.lines;

describe('the judgement of facts', () => {
  it('finds nothing wrong with a station that is well, and says something of everything', () => {
    const items = lasting(WELL);
    expect(items.map(({ state }) => state)).toEqual(items.map(() => 'ok'));
    expect(items.map(({ check }) => check)).toEqual([
      ...[
        'configuration',
        'service',
        'meter',
        'line',
        'journal',
        'disk',
        'flash',
        'clock',
        'memory',
        'memory',
      ],
      ...['key', 'chain', 'broker', 'control'],
    ]);
    expect(healthLine(items)).toBe('1 of 1 meters read; all is well');
  });

  it('claims no limit of memory only where it has seen that there is none', () => {
    const gateway = (limit: 'no limit' | null): string | undefined =>
      lasting({ ...WELL, memory: { ...WELL.memory, gateway: { rssBytes: MIB, limit } } }).find(
        ({ subject }) => subject === 'gateway',
      )?.detail;
    expect(gateway('no limit')).toBe('1 MiB resident, no limit');
    expect(gateway(null)).toBe('1 MiB resident, its limit cannot be seen from here');
  });

  it('says nothing of what it has no facts of', () => {
    expect(judgeAndStep(NO_MEMORY, { nowMonoMs: 0 }).items).toEqual([]);
  });

  const cases: readonly (readonly [string, HealthFacts, readonly string[]])[] = [
    [
      'a signed configuration that was given up',
      { ...WELL, configuration: { ...WELL.configuration, rolledBack: 'configuration 7: no broker' } },
      ['config.rolled_back'],
    ],
    [
      'keys of the OEM that cannot be read, and a reload that was refused',
      {
        ...WELL,
        configuration: {
          ...WELL.configuration,
          problems: [{ code: 'provisioning.oem_keys_unreadable', message: 'no' }],
          notTaken: '[config.invalid] meters',
        },
      },
      ['config.signed_unusable', 'config.not_taken'],
    ],
    [
      'a read that waits behind three silent neighbours',
      {
        ...WELL,
        meters: [
          {
            ...METER,
            ...{ sharedBy: 4, lastAttemptBeganMonoMs: NOW - 120_000, lastAttemptEndedMonoMs: NOW - 121_000 },
          },
        ],
      },
      [],
    ],
    [
      'a read of a meter that is read once a day and hangs, before the watchdog ends the service for it',
      {
        ...WELL,
        meters: [
          {
            ...METER,
            ...{ everyMs: 86_400_000, lastAttemptBeganMonoMs: NOW - 250_000, lastAttemptEndedMonoMs: null },
          },
        ],
      },
      ['meter.read_hangs evse1'],
    ],
    [
      'a silent meter',
      { ...WELL, meters: [{ ...METER, state: 'silent', errorCode: 'meter.timeout' }] },
      ['meter.silent evse1'],
    ],
    [
      'a meter that has failed once',
      { ...WELL, meters: [{ ...METER, state: 'failing', errorCode: 'meter.timeout' }] },
      [],
    ],
    [
      'a read that never ends',
      {
        ...WELL,
        meters: [{ ...METER, lastAttemptBeganMonoMs: NOW - 71_000, lastAttemptEndedMonoMs: NOW - 72_000 }],
      },
      ['meter.read_hangs evse1'],
    ],
    [
      'a slow read',
      {
        ...WELL,
        meters: [{ ...METER, lastAttemptBeganMonoMs: NOW - 69_000, lastAttemptEndedMonoMs: NOW - 72_000 }],
      },
      [],
    ],
    [
      'values that cannot be',
      { ...WELL, meters: [{ ...METER, implausibleNow: 2 }] },
      ['meter.implausible evse1'],
    ],
    [
      'a line that does not open',
      { ...WELL, lines: [{ ...LINE, state: 'waiting' }] },
      ['line.not_open rs485'],
    ],
    [
      'a line without meters',
      { ...WELL, lines: [{ ...LINE, state: 'closed', hasMeters: false }] },
      ['line.unused rs485'],
    ],
    [
      'a commit that hangs',
      { ...WELL, journal: { ...WELL.journal, oldestWaitingSinceMonoMs: NOW - 40_001 } },
      ['journal.not_storing'],
    ],
    [
      'a full disk',
      { ...WELL, journal: { ...WELL.journal, refusedBecause: 'journal.disk_full' } },
      ['journal.disk_full'],
    ],
    [
      'a journal that fails',
      { ...WELL, journal: { ...WELL.journal, refusedBecause: 'journal.commit_failed' } },
      ['journal.refuses_entries'],
    ],
    [
      'a journal without bound',
      { ...WELL, journal: { ...WELL.journal, isExhausted: true } },
      ['journal.above_max_size'],
    ],
    [
      'damage, now and at the start',
      { ...WELL, journal: { ...WELL.journal, damage: 'entry 3', setAside: 'kept as x' } },
      ['journal.corrupt', 'journal.set_aside'],
    ],
    ['a disk that will be full', { ...WELL, disk: { ...WELL.disk, freeBytes: 400 * MIB } }, ['disk.low']],
    [
      'a disk that nearly is',
      { ...WELL, disk: { ...WELL.disk, freeBytes: 15 * MIB } },
      ['disk.nearly_full', 'disk.low'],
    ],
    ['a reserve in use', { ...WELL, disk: { ...WELL.disk, isReserveKept: false } }, ['disk.no_reserve']],
    [
      'a worn eMMC',
      {
        ...WELL,
        flash: { ...WELL.flash, devices: [{ device: 'm', lifeUsedPercent: 80, reserveBlocks: null }] },
      },
      ['flash.worn'],
    ],
    [
      'one at its end',
      {
        ...WELL,
        flash: { ...WELL.flash, devices: [{ device: 'm', lifeUsedPercent: 10, reserveBlocks: 'urgent' }] },
      },
      ['flash.worn_out', 'flash.worn'],
    ],
    ['fast wear', { ...WELL, flash: { ...WELL.flash, lifeDays: 900 } }, ['flash.wearing_fast']],
    ['no time', { ...WELL, clock: { ...WELL.clock, status: 'U' } }, ['clock.unknown']],
    ['time on its own', { ...WELL, clock: { ...WELL.clock, status: 'I' } }, ['clock.informative']],
    [
      'memory at its limit',
      { ...WELL, memory: { ...WELL.memory, core: { rssBytes: 1, limit: { usedBytes: 96, maxBytes: 100 } } } },
      ['memory.at_limit core', 'memory.near_limit core'],
    ],
    [
      'a gateway near its own',
      {
        ...WELL,
        memory: { ...WELL.memory, gateway: { rssBytes: 1, limit: { usedBytes: 86, maxBytes: 100 } } },
      },
      ['memory.near_limit gateway'],
    ],
    [
      'a machine without memory',
      { ...WELL, memory: { ...WELL.memory, system: { availableBytes: 4, totalBytes: 100 } } },
      ['memory.system_low core'],
    ],
    [
      'a late loop',
      { ...WELL, service: { ...WELL.service, loopDelay: { maxMs: 1_200, p99Ms: 9 } } },
      ['service.loop_late'],
    ],
    [
      'a blocked loop',
      { ...WELL, service: { ...WELL.service, loopDelay: { maxMs: 6_000, p99Ms: 9 } } },
      ['service.loop_blocked', 'service.loop_late'],
    ],
    [
      'no broker',
      { ...WELL, broker: { ...WELL.broker, connected: false, failure: 'telemetry.unreachable' } },
      ['telemetry.disconnected'],
    ],
    [
      'no telemetry at all',
      { ...WELL, broker: { connected: false, failure: null, notStarted: '[x] no' } },
      ['telemetry.not_started'],
    ],
    ['no outbox', { ...WELL, chain: { ...WELL.chain, notRunning: '[sync.locked] x' } }, ['sync.not_running']],
    [
      'faults of syncing',
      { ...WELL, chain: { ...WELL.chain, faults: ['sync.low_balance'] } },
      ['sync.low_balance'],
    ],
    [
      'a chain that waits for somebody',
      {
        ...WELL,
        chain: { ...WELL.chain, words: { severity: 'act', text: 'no funds', advice: 'Send some.' } },
      },
      ['sync.needs_action'],
    ],
    [
      'no control socket',
      { ...WELL, control: { path: '/c', failure: '[control.in_use] x' } },
      ['control.unavailable'],
    ],
  ];
  it.each(cases)('names %s', (_what, facts, expected) => {
    expect(wrong(facts).sort()).toEqual([...expected].sort());
  });

  it('raises nothing of what takes its time when a station has just begun', () => {
    const beginning: HealthFacts = {
      ...WELL,
      meters: [
        {
          ...METER,
          state: 'unknown',
          lastAttemptBeganMonoMs: null,
          lastAttemptEndedMonoMs: null,
          lastSampleMonoMs: null,
        },
      ],
      lines: [{ ...LINE, state: 'closed' }],
      journal: { ...WELL.journal, lastCommitMonoMs: null, waiting: 0, oldestWaitingSinceMonoMs: null },
      clock: { ...WELL.clock, status: 'U', source: null },
      broker: { ...WELL.broker, connected: false },
    };
    const { items } = judgeAndStep(NO_MEMORY, beginning);
    expect(worstState(items)).toBe('unknown');
    expect(items.filter(({ state }) => state === 'unknown').map(({ check }) => check)).toEqual([
      ...['meter', 'line', 'journal', 'clock', 'broker'],
    ]);
  });

  it('clears a figure at another threshold than it raised it at', () => {
    const at = (nowMonoMs: number, freeBytes: number, memory: HealthMemory) =>
      judgeAndStep(memory, { nowMonoMs, disk: { ...WELL.disk, freeBytes, maxJournalBytes: 0 } });
    const full = at(0, 15 * MIB, NO_MEMORY);
    expect(full.items).toMatchObject([{ code: 'disk.nearly_full' }]);
    // Back and forth over the threshold: nothing more is told.
    let memory = full.next;
    for (let round = 1; round < 50; round++) {
      const step = at(round * 60_000, (round % 2 === 0 ? 15 : 20) * MIB, memory);
      expect(step.changes).toEqual([]);
      memory = step.next;
    }
    const freed = at(60 * 60_000, 25 * MIB, memory);
    expect(at(61 * 60_000, 25 * MIB, freed.next).items).toMatchObject([{ state: 'ok' }]);
  });

  const figure = fc.record({
    free: fc.integer({ min: 0, max: 1_000 }),
    used: fc.integer({ min: 0, max: 100 }),
    late: fc.integer({ min: 0, max: 20_000 }),
    waits: fc.integer({ min: 0, max: 200_000 }),
    worn: fc.integer({ min: 0, max: 110 }),
  });
  const factsOf = (given: typeof figure extends fc.Arbitrary<infer F> ? F : never): HealthFacts => ({
    ...WELL,
    disk: { ...WELL.disk, freeBytes: given.free * MIB },
    memory: { ...WELL.memory, core: { rssBytes: 1, limit: { usedBytes: given.used, maxBytes: 100 } } },
    service: { ...WELL.service, loopDelay: { maxMs: given.late, p99Ms: 0 } },
    journal: { ...WELL.journal, oldestWaitingSinceMonoMs: NOW - given.waits },
    flash: { ...WELL.flash, devices: [{ device: 'm', lifeUsedPercent: given.worn, reserveBlocks: null }] },
  });

  it('is monotone: worse figures never make a check look better', () => {
    fc.assert(
      fc.property(figure, figure, (one, other) => {
        const worse = {
          free: Math.min(one.free, other.free),
          used: Math.max(one.used, other.used),
          late: Math.max(one.late, other.late),
          waits: Math.max(one.waits, other.waits),
          worn: Math.max(one.worn, other.worn),
        };
        const [before, after] = [lasting(factsOf(one)), lasting(factsOf(worse))];
        for (const check of ['disk', 'memory', 'service', 'journal', 'flash'] as const) {
          const rank = (items: readonly HealthItem[]): number =>
            HEALTH_STATES.indexOf(worstState(items.filter((item) => item.check === check)));
          expect(rank(after), check).toBeGreaterThanOrEqual(rank(before));
        }
      }),
    );
  });
});

describe('the line for STATUS=', () => {
  it('names what is wrong, worst first, in one line that fits', () => {
    const items = lasting({
      ...WELL,
      meters: [METER, { ...METER, meterId: 'grid\nREADY=1', state: 'silent', errorCode: 'meter.timeout' }],
      clock: { ...WELL.clock, status: 'U' },
      disk: { ...WELL.disk, freeBytes: 1 },
    });
    const line = healthLine(items);
    expect(line).toMatch(
      /^1 of 2 meters read; 2 faults, 2 warnings: grid READY=1: meter\.silent, disk: disk\.nearly_full, /,
    );
    expect(line).toMatch(/^[\x20-\x7e]{1,160}$/);
  });

  it('is one line of at most 160 characters whatever is in the list', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(0xffff), { maxLength: 60 }), { maxLength: 5 }), (texts) => {
        const names = texts.map((codes) => String.fromCharCode(...codes));

        const items = names.map((subject): HealthItem => ({
          ...{
            check: 'meter',
            subject,
            state: 'fault',
            code: 'meter.silent',
            detail: '',
            sinceMs: 0,
            advice: null,
          },
        }));
        expect(healthLine(items)).toMatch(/^[\x20-\x7e]{1,160}$/);
      }),
    );
  });
});
