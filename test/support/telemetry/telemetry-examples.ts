import { obis } from '../../../hal/contract/index.ts';
import {
  type ConfigurationResultDocument,
  type HealthDocument,
  type JournalDocument,
  type MeterStatusDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type StationStateDocument,
  type SyncDocument,
} from '../../../src/telemetry/index.ts';
import { BIRTH } from './telemetry-station.ts';

const ROOT = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';

export const JOURNAL: JournalDocument = { size: 86_412, root: ROOT, bytes: 31_244_288, backlog: 212 };

export const SYNC: SyncDocument = {
  outbox: { broadcast: 1 },
  lastAnchor: {
    size: 86_200,
    root: ROOT,
    via: 'light-client',
    block: 1_204_551,
    blockHash: '0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3',
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
  },
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

/** The examples of docs/telemetry.md, by name. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  online: onlineDocument('DE-ACME-0001', BIRTH, { session: 2, level: 5, samplesDropped: 12 }),
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
  journal: JOURNAL,
  sync: SYNC,
  health: HEALTH,
  state: STATE,
  'meter status': METER_STATUS,
  'config result': CONFIG_RESULT,
};
