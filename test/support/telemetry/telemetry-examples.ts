import { obis, type MeterSample } from '../../../hal/contract/index.ts';
import { windowDocument } from '../../../src/telemetry/contract/window-document.ts';
import { SampleWindow } from '../../../src/telemetry/outgoing/sample-window.ts';
import {
  type ConfigurationResultDocument,
  type HealthChangeDocument,
  type HealthDocument,
  type JournalDocument,
  type LineStatusDocument,
  type LogDocument,
  type MeterStatusDocument,
  type SampleStamp,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type StationStateDocument,
  type SyncDocument,
  type TOPICS,
} from '../../../src/telemetry/index.ts';
import { BIRTH } from './telemetry-station.ts';

const ROOT = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';

export const JOURNAL: JournalDocument = {
  ...{ size: 86_412, root: ROOT, bytes: 31_244_288, backlog: 212 },
  ...{ maxBytes: 536_870_912, completeFrom: 0, dropped: 0, waiting: 3 },
  ...{ lastCommitMs: 86_392_004, refusedBecause: null },
  flash: { bytesPerDay: 231_410_112, lifeDays: 4_610, wornPercent: 10 },
};

export const SYNC: SyncDocument = {
  outbox: { broadcast: 1 },
  lastAnchor: {
    size: 86_200,
    root: ROOT,
    via: 'light-client',
    block: 1_204_551,
    blockHash: '0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3',
    time: 1_789_999_412_000,
  },
  failure: null,
  transport: 'light-client',
  states: ['in-block', 'few-peers'],
  stage: 'ready',
  peers: 2,
  relayPeers: 4,
  finalized: { block: 1_204_598, ageMs: 7_210 },
  gateway: { rssBytes: 148_340_736 },
  traffic: {
    session: { bytesIn: 402_113, bytesOut: 61_840 },
    last: { bytesIn: 388_207, bytesOut: 60_122 },
    today: { bytesIn: 3_402_113, bytesOut: 561_840 },
  },
  cost: '1549032',
  balance: { free: '48211054000', low: false },
  heldBy: null,
  faults: [],
  advice: null,
};

export const HEALTH: HealthDocument = {
  state: 'fault',
  asOfMs: 86_400_000,
  time: 1_790_000_000_000,
  clock: 'S',
  items: [
    {
      check: 'meter',
      subject: 'evse1',
      state: 'fault',
      code: 'meter.silent',
      detail: '[meter.timeout] last reading 12 s ago',
      sinceMs: 86_391_000,
      advice:
        'Check its power, the wiring (A and B), unit id, baud rate and parity; delmonicos meter trace shows the line.',
    },
    {
      check: 'line',
      subject: 'rs485',
      state: 'ok',
      code: null,
      detail: 'open, 86411 requests, 6 errors',
      sinceMs: 12_000,
      advice: null,
    },
  ],
  omitted: 0,
};

export const METER_STATUS: MeterStatusDocument = {
  meter: { id: 'evse1', serial: '21080001', profile: 'eastron-sdm630' },
  state: 'answering',
  failure: null,
  samples: 86_211,
  failures: 3,
  skippedSlots: 0,
  implausible: 0,
  lastSampleMs: 86_398_114,
  ...{ line: 'rs485', unitId: 1, everyMs: 1_000, missing: 0, implausibleNow: 0 },
  unit: { answers: 172_422, failures: 6, consecutiveFailures: 0, breaker: 'healthy' },
};

export const LINE_STATUS: LineStatusDocument = {
  line: { id: 'rs485', kind: 'serial', device: '/dev/ttyS1 19200 8E1', meters: 1, listens: false },
  ...{ state: 'open', failure: null, opened: 1 },
  ...{ requests: 172_428, answers: 172_422, errors: { 'meter.timeout': 6 } },
  bytes: { sent: 1_379_424, received: 14_483_448, discarded: 0 },
  latencyMs: { last: '46.2', mean: '46.7', max: '301.9' },
  ...{ busyPermille: 94, queued: 0 },
};

export const HEALTH_CHANGE: HealthChangeDocument = {
  ...{ type: 'raise', code: 'meter.silent', severity: 'fault', subject: 'evse1' },
  detail: '[meter.timeout] last reading 12 s ago',
  ...{ atMs: 86_401_000, time: 1_790_000_001_000, clock: 'S' },
};

export const LOG_LINE: LogDocument = {
  ...{ level: 'warning', event: 'meter.read_failed' },
  fields: { meter: 'evse1', code: 'meter.timeout', error: '[meter.timeout] unit 1 did not answer in 300 ms' },
  ...{ atMs: 86_390_311, time: 1_789_999_990_311, clock: 'S', repeated: 11 },
};

export const STATE: StationStateDocument = {
  uptimeMs: 86_400_000,
  time: 1_790_000_000_000,
  clock: 'S',
  configHash: ROOT,
  configuration: {
    ...{ source: 'signed', sequence: 1_764_000_000 },
    ...{ signedBy: 'acme-oem+0b4f1c2a77d31e90', onTrial: false },
  },
  rssBytes: 61_865_984,
  telemetry: {
    connected: true,
    protocolVersion: '5',
    sent: 86_640,
    dropped: 12,
    queued: 0,
    sessions: 2,
    bytesSent: 41_220_113,
    bytesReceived: 346_611,
    notesDropped: 0,
    inFlight: 1,
    budget: {
      ...{ bytesPerDay: 10_485_760, bytesLastDay: 9_120_443, combined: 71_204 },
      ...{ heldBack: ['samples'], tooSmall: false },
    },
  },
  atMs: 90_012_455,
  boot: { count: 7, reason: 'power-on' },
  heapBytes: 13_238_272,
  memoryLimit: { usedBytes: 38_711_296, maxBytes: 134_217_728 },
  cpuMsPerSecond: 21,
  openFiles: 31,
  loopDelayMs: { p99: 2, max: 11 },
  machine: { load: '0.42', memory: { availableBytes: 301_989_888, totalBytes: 520_093_696 } },
  gateway: null,
};

export const CONFIG_RESULT: ConfigurationResultDocument = {
  result: 'refused',
  code: 'provisioning.config_replayed',
  message: 'its number is 1763000000, and 1764000000 was accepted before',
  id: ROOT,
  sequence: 1_763_000_000,
  signedBy: null,
  digest: ROOT,
  via: 'mqtt',
};

/** A minute of readings, one a second: each energy 3 Wh more, the power going up and down. */
function exampleWindow(): SampleWindow {
  const reading = (second: number): MeterSample => ({
    meterSerial: '21080001',
    profileId: 'eastron-sdm630',
    readBeginMonoMs: 86_398_061.4 + 1_000 * second,
    readEndMonoMs: 86_398_113.2 + 1_000 * second,
    values: [
      {
        obis: obis('1-0:1.8.0*255'),
        value: { mantissa: 1_234_567_0n + 3_0n * BigInt(second), exponent: -1 },
        unit: 'Wh',
        quality: 'G',
      },
      {
        obis: obis('1-0:16.7.0*255'),
        value: { mantissa: 11_040n - BigInt((second * 37) % 100), exponent: 0 },
        unit: 'W',
        quality: 'G',
      },
    ],
  });
  const stamp = (second: number): SampleStamp => ({ time: 1_790_000_000_000 + 1_000 * second, clock: 'S' });
  const window = new SampleWindow(reading(0), stamp(0));
  for (let second = 1; second < 60; second++) window.add(reading(second), stamp(second));
  return window;
}

/** The examples of docs/telemetry.md, by name. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  online: onlineDocument('DE-ACME-0001', BIRTH, {
    session: 2,
    level: 5,
    samplesDropped: 12,
    keepAliveSeconds: 30,
  }),
  'will of session 2': offlineDocument('DE-ACME-0001', BIRTH, 2, 'connection lost'),
  goodbye: offlineDocument('DE-ACME-0001', BIRTH, 2, 'stopped'),
  sample: sampleDocument(
    'evse1',
    7,
    {
      meterSerial: '21080001',
      profileId: 'eastron-sdm630',
      readBeginMonoMs: 86_398_061.4,
      readEndMonoMs: 86_398_113.2,
      values: [
        {
          obis: obis('1-0:1.8.0*255'),
          value: { mantissa: 1_234_567_0n, exponent: -1 },
          unit: 'Wh',
          quality: 'G',
        },
        { obis: obis('1-0:16.7.0*255'), value: { mantissa: 11_040n, exponent: 0 }, unit: 'W', quality: 'G' },
      ],
    },
    { index: 86_411, time: 1_790_000_000_000, clock: 'S' },
  ),
  'sample of a window': windowDocument('evse1', 7, exampleWindow()),
  journal: JOURNAL,
  sync: SYNC,
  'health change': HEALTH_CHANGE,
  log: LOG_LINE,
  'line status': LINE_STATUS,
  health: HEALTH,
  state: STATE,
  'meter status': METER_STATUS,
  'config result': CONFIG_RESULT,
};

/** Which topic each of them belongs to. */
export const EXAMPLE_TOPICS: Readonly<Record<string, keyof typeof TOPICS>> = {
  online: 'status',
  'will of session 2': 'status',
  goodbye: 'status',
  sample: 'meterSample',
  'sample of a window': 'meterSample',
  journal: 'journal',
  sync: 'sync',
  health: 'health',
  'health change': 'healthChange',
  log: 'log',
  state: 'state',
  'meter status': 'meterStatus',
  'line status': 'lineStatus',
  'config result': 'configResult',
};
