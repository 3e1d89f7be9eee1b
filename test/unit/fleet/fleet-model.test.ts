import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Fleet,
  fleetDocument,
  inOrder,
  stationDocument,
  type FleetMessage,
} from '../../../src/fleet/index.ts';
import { MAX_STATIONS } from '../../../src/fleet/view/model/fleet.ts';
import {
  CLOCK_WARNING,
  FLEET_MESSAGES,
  health,
  LOOKED_AT,
  message,
  meterStatus,
  NOW_MS,
  offline,
  online,
  sample,
  SILENT_METER,
  STATION_MESSAGES,
} from '../../support/fleet/recorded-messages.ts';

function fleetOf(messages: readonly FleetMessage[], watched: string | null = null): Fleet {
  const fleet = new Fleet();
  fleet.watch(watched);
  for (const one of messages) fleet.receive(one);
  return fleet;
}

/** All that a screen could show, without what was counted on the way. */
function knownOf(fleet: Fleet, watched: string | null): unknown {
  const { stations, totals } = fleetDocument(fleet, 0) as { stations: unknown; totals: unknown };
  return { stations, totals, station: { ...stationDocument(fleet, watched ?? '', 0), heard: null } };
}

const troubles = (fleet: Fleet): string[] =>
  inOrder(fleet.stations(), '').list.map(({ name, health: list }) => `${name} ${list?.worst?.code ?? '-'}`);

describe('what is known of a fleet', () => {
  it('puts those with faults first, then those that were lost, then by name', () => {
    expect(troubles(fleetOf(FLEET_MESSAGES))).toEqual([
      'DE-ACME-0001 meter.silent',
      'DE-ACME-0002 -',
      '東京-駅前 ⚡ clock.unsynchronised',
      'stopped-one -',
      'DE-ACME-0003 -',
    ]);
  });

  it('takes a will as old news when the station has come back in another session', () => {
    const back = [message('a', 'status', online('a', { session: 3 })), message('a', 'status', offline('a'))];
    expect(fleetOf(back).station('a')?.presence).toMatchObject({ online: true, session: 3 });
    const rebooted = online('a', { boot: { count: 8 }, session: 2 });
    const late = [message('a', 'status', rebooted), message('a', 'status', offline('a'))];
    expect(fleetOf(late).station('a')?.presence?.online).toBe(true);
  });

  it('takes the will of the session that is open for what it says', () => {
    const lost = [message('a', 'status', online('a')), message('a', 'status', offline('a'))];
    expect(fleetOf(lost).station('a')?.presence).toEqual({
      ...{ online: false, reason: 'connection lost', boot: 7, session: 2 },
    });
  });

  it('believes a service that was started again within one boot: its sessions begin at 1', () => {
    const again = [online('a', { session: 9 }), online('a', { session: 1 })];
    const fleet = fleetOf(again.map((document) => message('a', 'status', document)));
    expect(fleet.station('a')?.presence?.session).toBe(1);
  });

  it('does not take the health of a station that is offline for how it is now', () => {
    const fleet = fleetOf([
      message('a', 'health', health('fault', [SILENT_METER])),
      message('a', 'status', offline('a')),
    ]);
    expect(inOrder(fleet.stations(), '').totals).toMatchObject({ fault: 0, lost: 1 });
  });

  it('tells a fault from its list, and since when by the clock that the list has', () => {
    const fleet = fleetOf([message('a', 'health', health('fault', [SILENT_METER, CLOCK_WARNING]))]);
    expect(fleet.station('a')?.health).toMatchObject({
      ...{ state: 'fault', faults: 1, warnings: 1, takenAtMs: 1_790_000_000_000 },
      worst: { code: 'meter.silent', name: 'meter evse2', sinceMs: 85_800_000 },
    });
  });

  it('does not make up when an undated list was new, and remembers it when it saw that', () => {
    const undated = { ...health('fault', [SILENT_METER]), clock: 'U' };
    const kept = message('a', 'health', undated);
    expect(fleetOf([kept]).station('a')?.health?.takenAtMs).toBeNull();
    const live = message('a', 'health', undated, { retained: false, atMs: 5_000 });
    expect(fleetOf([live, { ...kept, atMs: 9_000 }]).station('a')?.health?.takenAtMs).toBe(5_000);
  });

  it('filters by every word, in name, version, state or fault', () => {
    const fleet = fleetOf(FLEET_MESSAGES);
    const names = (filter: string): string[] =>
      inOrder(fleet.stations(), filter).list.map(({ name }) => name);
    expect(names('acme')).toEqual(['DE-ACME-0001', 'DE-ACME-0002', 'DE-ACME-0003']);
    expect(names('acme SILENT')).toEqual(['DE-ACME-0001']);
    expect(names('0.2.0-dev')).toEqual(['DE-ACME-0003']);
    expect(names('駅前')).toEqual(['東京-駅前 ⚡']);
    expect(names('nowhere')).toEqual([]);
  });

  it('forgets a station whose documents were taken off the broker', () => {
    const fleet = fleetOf([
      message('a', 'status', online('a')),
      message('a', 'meters/m/status', meterStatus('m', 'silent')),
    ]);
    fleet.receive(message('a', 'status', ''));
    expect(fleet.size).toBe(1);
    fleet.receive(message('a', 'meters/m/status', ''));
    expect(fleet.size).toBe(0);
  });

  it('lets go of everything about a station that is not looked at any more', () => {
    const fleet = fleetOf(STATION_MESSAGES, LOOKED_AT);
    expect(fleet.detail.log).toHaveLength(12);
    fleet.watch(null);
    expect(fleet.detail).toMatchObject({ log: [], documents: {}, changes: [] });
    fleet.receive(STATION_MESSAGES[0] as FleetMessage);
    expect(fleet.detail.documents).toEqual({});
  });

  it('keeps of each quantity the newest value, and since when the station runs', () => {
    const { detail } = fleetOf(STATION_MESSAGES, LOOKED_AT);
    expect(detail.meters.get('evse1')?.readings.get('1-0:1.8.0*255')?.value).toBe('1234866.0');
    expect(detail.booted).toEqual({ boot: 7, atMs: 1_790_000_000_000 - 86_400_000 });
  });

  it('says how far the date of a station is from its own, where it came new', () => {
    const state = { uptimeMs: 1, time: NOW_MS - 3_600_000, clock: 'I' };
    expect(fleetOf([message('a', 'state', state)], 'a').detail.clockAheadMs).toBeNull();
    const live = message('a', 'state', state, { retained: false });
    expect(fleetOf([live], 'a').detail.clockAheadMs).toBe(-3_600_000);
  });
});

describe('the same messages', () => {
  const byTopic = new Map<string, FleetMessage[]>();
  for (const one of STATION_MESSAGES) byTopic.set(one.topic, [...(byTopic.get(one.topic) ?? []), one]);
  const once = knownOf(fleetOf(STATION_MESSAGES, LOOKED_AT), LOOKED_AT);

  it('give the same picture however topics are mixed and messages repeated', () => {
    const topics = [...byTopic.values()];
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.boolean()), (choices, repeats) => {
        const left = topics.map((messages) => [...messages]);
        const mixed: FleetMessage[] = [];
        for (let open = left; open.length > 0; open = open.filter((messages) => messages.length > 0)) {
          const from = open[(choices.next().value ?? 0) % open.length];
          const next = from?.shift();
          if (next === undefined) continue;
          mixed.push(next);
          if (repeats.next().value === true) mixed.push(next);
        }
        expect(knownOf(fleetOf(mixed, LOOKED_AT), LOOKED_AT)).toEqual(once);
      }),
      { numRuns: 10 },
    );
  });

  it('give the same picture when the broker says again what it keeps', () => {
    const latest = [...byTopic.values()].map((messages) => messages.at(-1) as FleetMessage);
    const again = latest.filter(({ retained }) => retained);
    expect(again.length).toBeGreaterThan(5);
    expect(knownOf(fleetOf([...STATION_MESSAGES, ...again], LOOKED_AT), LOOKED_AT)).toEqual(once);
  });

  it('give the same values and the same power in whatever order samples come', () => {
    const samples = Array.from({ length: 120 }, (_, second) =>
      message('a', 'meters/m/sample', sample('m', second), { retained: false }),
    );
    const meter = (messages: readonly FleetMessage[]): unknown =>
      fleetOf(messages, 'a').detail.meters.get('m');
    const straight = meter(samples);
    fc.assert(
      fc.property(fc.shuffledSubarray(samples, { minLength: samples.length }), (shuffled) => {
        expect(meter([...shuffled, ...shuffled.slice(0, 20)])).toEqual(straight);
      }),
      { numRuns: 10 },
    );
  });
});

describe('what does not belong there', () => {
  it.each([
    ['no JSON', message('a', 'status', '{')],
    ['no object', message('a', 'health', '[1]')],
    ['too large', message('a', 'state', JSON.stringify({ x: 'x'.repeat(40_000) }))],
    ['no document of the kind status', message('a', 'status', { status: 'on fire' })],
    ['no document of the kind health', message('a', 'health', { state: 'fault', items: 'none' })],
    ['no document of the kind meterStatus', message('a', 'meters/m/status', { state: 1 })],
    ['no topic of a station', { ...message('a', 'status', {}), topic: 'delmonicos/v1/%zz/status' }],
    ['no topic of a station', { ...message('a', 'status', {}), topic: 'elsewhere' }],
    ['no document of the kind meterSample', message('w', 'meters/m/sample', { boot: -1 })],
    ['no document of the kind log', message('w', 'log', { level: 'loud', event: 'x' })],
  ])('is counted and named: %s', (why, bad) => {
    const fleet = fleetOf([bad], 'w');
    expect(fleet.heard).toMatchObject({ malformed: 1, named: [{ why, topic: bad.topic }] });
    expect(fleet.station('a')).toBeUndefined();
  });

  it('leaves topics of others alone', () => {
    const others = ['response/x', 'request', 'notice', 'entries/ab/1', 'meters/m/more/status'];
    const fleet = fleetOf(others.map((below) => message('a', below, 'anything')));
    expect(fleet.heard).toMatchObject({ messages: 5, malformed: 0 });
    expect(fleet.size).toBe(0);
  });

  it('never throws, and knows at most what its bounds allow, whatever a document says', () => {
    const below = fc.constantFrom(
      ...['status', 'state', 'journal', 'sync', 'health', 'health/change', 'log', 'config/result'],
      ...['meters/m/status', 'meters/m/sample', 'lines/l/status'],
    );
    const keys = [
      'status',
      'state',
      'items',
      'boot',
      'values',
      'readBeginMs',
      'readEndMs',
      'level',
      'event',
      'time',
    ];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('online', 'offline', 'fault', 'silent', 'error', 1, -1, 1e308, null),
      fc.array(
        fc.record({ obis: fc.constant('1-0:16.7.0*255'), value: fc.string(), quality: fc.constant('G') }),
      ),
    );
    const document = fc.dictionary(fc.constantFrom(...keys), value);
    fc.assert(
      fc.property(fc.array(fc.tuple(below, document), { maxLength: 8 }), (said) => {
        const fleet = fleetOf(
          said.map(([topic, what]) => message('a', topic, what, { retained: false })),
          'a',
        );
        expect(fleet.heard.messages).toBe(said.length);
        expect(JSON.stringify(knownOf(fleet, 'a')).length).toBeLessThan(200_000);
      }),
      { numRuns: 100 },
    );
  });

  it('holds no more stations, meters or log lines than there is room for', () => {
    const crowd = Array.from({ length: MAX_STATIONS + 5 }, (_, i) =>
      message(`s${i}`, 'journal', '{"size":1}'),
    );
    const fleet = fleetOf(crowd);
    expect(fleet.size).toBe(MAX_STATIONS);
    expect(fleet.heard.omitted).toBe(5);
    const meters = Array.from({ length: 200 }, (_, i) =>
      message('a', `meters/m${i}/status`, meterStatus('m', 'silent')),
    );
    const lines = Array.from({ length: 300 }, (_, i) =>
      message('a', `lines/l${i}/status`, { state: 'open' }),
    );
    const log = Array.from({ length: 500 }, (_, i) =>
      message('a', 'log', { level: 'info', event: 'x', atMs: i }),
    );
    const one = fleetOf([...meters, ...lines, ...log], 'a');
    expect(one.station('a')).toMatchObject({ hasMoreMeters: true });
    expect(one.station('a')?.meters.size).toBe(32);
    expect(one.detail.meters.size).toBe(32);
    expect(one.detail.lines.size).toBe(32);
    expect(one.detail.log.map(({ sinceBootMs }) => sinceBootMs)).toEqual(
      Array.from({ length: 200 }, (_, i) => 300 + i),
    );
  });

  it('keeps a bounded part of a name, a text and a document', () => {
    const fleet = fleetOf(
      [
        message('a', 'status', online('a', { version: 'v'.repeat(9_000) })),
        message('a', 'state', { deep: [[[[[[[[['deep']]]]]]]]], long: 'l'.repeat(9_000), ['__proto__x']: 1 }),
        message('n'.repeat(200), 'status', online('n')),
      ],
      'a',
    );
    expect(fleet.station('a')?.version).toHaveLength(32);
    expect(JSON.stringify(fleet.detail.documents.state).length).toBeLessThan(600);
    expect(JSON.stringify(fleet.detail.documents.state)).not.toContain('deep"]');
    expect(fleet.size).toBe(1);
  });
});
