import type { FleetMessage } from '../../../src/fleet/index.ts';

// What stations said, as a broker hands it on: three stations of a fleet at one moment.

export const NOW_MS = 1_790_000_012_000;
const ROOT_HASH = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';
const BOOTED_MS = 1_790_000_000_000 - 86_400_000;
const CLOCK = { time: 1_790_000_000_000, clock: 'S' };

/** A message below a station's prefix; `document` may be text, for what is no JSON. */
export function message(
  station: string,
  below: string,
  document: unknown,
  { retained = true, atMs = NOW_MS }: { readonly retained?: boolean; readonly atMs?: number } = {},
): FleetMessage {
  const payload = typeof document === 'string' ? document : JSON.stringify(document);
  const topic = `delmonicos/v1/${encodeURIComponent(station)}/${below}`;
  return { topic, payload: Buffer.from(payload), retained, atMs };
}

export function online(station: string, more: object = {}): object {
  return {
    ...{ status: 'online', station, version: '0.2.0' },
    identity: { publicKey: '3b'.repeat(32), account: '5DaAnrj7VHTz', origin: `delmonicos/${station}` },
    ...{ boot: { count: 7, reason: 'power-on' }, session: 2, mqtt: '5', samplesDropped: 0, ...more },
  };
}

export function offline(station: string, more: object = {}): object {
  const will = { status: 'offline', station, reason: 'connection lost', boot: { count: 7 }, session: 2 };
  return { ...will, ...more };
}

export function health(state: string, items: readonly object[]): object {
  return { state, asOfMs: 86_400_000, ...CLOCK, items, omitted: 0 };
}

export const SILENT_METER = {
  ...{ check: 'meter', subject: 'evse2', state: 'fault', code: 'meter.silent', sinceMs: 85_800_000 },
  detail: '[meter.timeout] last reading 10 minutes ago',
  advice:
    'Check its power, the wiring (A and B), unit id, baud rate and parity; delmonicos meter trace shows the line.',
};
export const CLOCK_WARNING = {
  ...{ check: 'clock', state: 'warning', code: 'clock.unsynchronised', sinceMs: 12_000 },
  ...{ detail: 'no time server answered since the start', advice: 'Check the network and chrony.' },
};
const well = (check: string, subject?: string): object => ({
  ...{ check, ...(subject !== undefined && { subject }), state: 'ok', code: null },
  ...{ detail: 'as it should be', sinceMs: 12_000, advice: null },
});

export function meterStatus(id: string, state: string, more: object = {}): object {
  return {
    meter: { id, serial: '21080001', profile: 'eastron-sdm630' },
    ...{ state, failure: state === 'silent' ? 'meter.timeout' : null, samples: 86_211, failures: 3 },
    ...{ skippedSlots: 0, implausible: 0, lastSampleMs: 86_398_114, line: 'rs485', unitId: 1 },
    ...{ everyMs: 1_000, unit: { answers: 86_211, failures: 3, consecutiveFailures: 0, breaker: 'healthy' } },
    ...more,
  };
}

const reading = (obis: string, value: string, unit: string, quality = 'G'): object => ({
  ...{ obis, value, unit, quality },
});

/** One reading a second for five minutes: a vehicle that begins to charge, up to 11 kW. */
export function sample(meter: string, second: number, more: object = {}): object {
  const endMs = 86_100_000 + second * 1_000;
  const watt = second < 60 ? 4 : Math.min(11_040, (second - 60) * 92);
  return {
    meter: { id: meter, serial: '21080001', profile: 'eastron-sdm630' },
    ...{ index: 86_000 + second, time: BOOTED_MS + endMs, clock: 'S', boot: 7 },
    ...{ readBeginMs: endMs - 53, readEndMs: endMs },
    values: [
      reading('1-0:1.8.0*255', `${1_234_567 + second}.0`, 'Wh'),
      reading('1-0:2.8.0*255', '0.0', 'Wh'),
      reading('1-0:16.7.0*255', String(watt), 'W'),
      reading('1-0:32.7.0*255', '230.1', 'V'),
      reading('1-0:52.7.0*255', '229.8', 'V'),
      reading('1-0:72.7.0*255', '231.0', 'V', 'U'),
      reading('1-0:14.7.0*255', '50.01', 'Hz'),
    ],
    ...more,
  };
}

const SYNC = {
  ...{ outbox: { broadcast: 1 }, failure: null, transport: 'light-client' },
  lastAnchor: {
    size: 86_200,
    root: ROOT_HASH,
    via: 'light-client',
    block: 1_204_551,
    blockHash: `0x${'91'.repeat(32)}`,
  },
  ...{ states: ['in-block', 'few-peers'], stage: 'ready', peers: 2, relayPeers: 4 },
  ...{ finalized: { block: 1_204_598, ageMs: 7_210 }, gateway: { rssBytes: 148_340_736 } },
  traffic: { session: null, last: null, today: { bytesIn: 3_402_113, bytesOut: 561_840 } },
  ...{ cost: '1549032', balance: { free: '48211054000', low: false }, heldBy: null, faults: [] },
  advice: null,
};

const STATE = {
  ...{ uptimeMs: 86_400_000, ...CLOCK, configHash: ROOT_HASH, rssBytes: 61_865_984 },
  configuration: { source: 'signed', sequence: 1_764_000_000, signedBy: 'acme-oem+0b4f1c2a', onTrial: false },
  telemetry: {
    ...{ connected: true, protocolVersion: '5', sent: 86_640, dropped: 12, queued: 0, sessions: 2 },
    ...{ bytesSent: 41_220_113, bytesReceived: 346_611 },
    budget: {
      ...{ bytesPerDay: 10_485_760, bytesLastDay: 7_812_331, combined: 77_120 },
      ...{ heldBack: ['figures', 'samples'], tooSmall: false },
    },
  },
  ...{ atMs: 86_400_000, boot: { count: 7, reason: 'power-on' }, cpuMsPerSecond: 21, openFiles: 41 },
  machine: { load: '0.31', memory: { availableBytes: 180_000_000, totalBytes: 512_000_000 } },
};

const JOURNAL = {
  ...{ size: 86_412, root: ROOT_HASH, bytes: 31_244_288, backlog: 212, maxBytes: 536_870_912 },
  ...{ completeFrom: 0, dropped: 0, waiting: 3, lastCommitMs: 86_399_000, refusedBecause: null },
  flash: { bytesPerDay: 52_428_800, lifeDays: 4_211, wornPercent: 10 },
};

const LINE = {
  line: { id: 'rs485', kind: 'serial', device: '/dev/ttyS1 19200 8E1', meters: 2, listens: false },
  ...{ state: 'open', failure: null, opened: 1, requests: 172_411, answers: 171_990 },
  errors: { 'meter.timeout': 420, 'meter.bad_crc': 1 },
  ...{ bytes: { sent: 1, received: 1, discarded: 0 }, busyPermille: 312, queued: 0 },
  latencyMs: { last: '31.2', mean: '30.9', max: '88.0' },
};

/** The station that somebody complains about, all of it: retained documents, then what comes while it is looked at. */
export const LOOKED_AT = 'DE-ACME-0001';
export const STATION_MESSAGES: readonly FleetMessage[] = [
  message(LOOKED_AT, 'status', online(LOOKED_AT)),
  message(LOOKED_AT, 'state', STATE),
  message(LOOKED_AT, 'journal', JOURNAL),
  message(LOOKED_AT, 'sync', SYNC),
  message(
    LOOKED_AT,
    'health',
    health('fault', [SILENT_METER, CLOCK_WARNING, well('line', 'rs485'), well('journal'), well('disk')]),
  ),
  message(LOOKED_AT, 'meters/evse1/status', meterStatus('evse1', 'answering')),
  message(LOOKED_AT, 'meters/evse2/status', meterStatus('evse2', 'silent', { lastSampleMs: 85_790_000 })),
  message(LOOKED_AT, 'lines/rs485/status', LINE),
  ...Array.from({ length: 300 }, (_, second) =>
    message(LOOKED_AT, 'meters/evse1/sample', sample('evse1', second), {
      retained: false,
      atMs: BOOTED_MS + 86_100_000 + second * 1_000 + 40,
    }),
  ),
  message(
    LOOKED_AT,
    'health/change',
    {
      ...{ type: 'raise', code: 'meter.silent', severity: 'fault', subject: 'evse2' },
      ...{ detail: 'no reading for 60 s', atMs: 85_800_000, time: BOOTED_MS + 85_800_000, clock: 'S' },
    },
    { retained: false },
  ),
  ...Array.from({ length: 12 }, (_, line) =>
    message(
      LOOKED_AT,
      'log',
      {
        ...{ level: line % 3 === 0 ? 'error' : 'warning', event: 'meter.read_failed' },
        fields: { meter: 'evse2', code: 'meter.timeout', repeated: 59 + line },
        ...{ atMs: 85_800_000 + line * 50_000, time: BOOTED_MS + 85_800_000 + line * 50_000, clock: 'S' },
      },
      { retained: false },
    ),
  ),
];

/** What the list shows of others: one that fell silent, one that is well, one with a name in two scripts. */
export const OTHER_MESSAGES: readonly FleetMessage[] = [
  message('DE-ACME-0002', 'status', offline('DE-ACME-0002')),
  message('DE-ACME-0002', 'journal', { ...JOURNAL, backlog: 1_204_000 }),
  message('DE-ACME-0002', 'state', { ...STATE, time: 1_789_990_000_000 }),
  message('DE-ACME-0003', 'status', online('DE-ACME-0003', { version: '0.2.0-dev' })),
  message('DE-ACME-0003', 'health', health('ok', [well('meter', 'evse1')])),
  message('DE-ACME-0003', 'journal', { ...JOURNAL, backlog: 0 }),
  message('DE-ACME-0003', 'sync', SYNC, { retained: false }),
  message('DE-ACME-0003', 'state', STATE, { retained: false }),
  message('DE-ACME-0003', 'meters/evse1/status', meterStatus('evse1', 'answering')),
  message('東京-駅前 ⚡', 'status', online('東京-駅前 ⚡')),
  message('東京-駅前 ⚡', 'health', health('warning', [CLOCK_WARNING])),
  message('stopped-one', 'status', offline('stopped-one', { reason: 'stopped' })),
];

export const FLEET_MESSAGES: readonly FleetMessage[] = [...STATION_MESSAGES.slice(0, 7), ...OTHER_MESSAGES];
