import {
  decimal,
  obis,
  type MeasuredValue,
  type MeterSample,
  type Unit,
} from '../../../hal/contract/index.ts';
import type { LineStatusDocument, MetricFacts } from '../../../src/telemetry/index.ts';
import { HEALTH, JOURNAL, METER_STATUS, STATE, SYNC } from './telemetry-examples.ts';

export function measured(
  code: string,
  unit: Unit,
  mantissa: bigint,
  exponent = 0,
  quality: MeasuredValue['quality'] = 'G',
): MeasuredValue {
  return { obis: obis(code), unit, value: decimal(mantissa, exponent), quality };
}

export function readingOf(...values: MeasuredValue[]): MeterSample {
  return {
    ...{ meterSerial: '21080001', profileId: 'eastron-sdm630' },
    ...{ readBeginMonoMs: 86_398_061, readEndMonoMs: 86_398_114, values },
  };
}

const LINE: LineStatusDocument = {
  line: { id: 'rs485', kind: 'serial', device: '/dev/ttyS1 19200 8E1', meters: 4, listens: false },
  ...{ state: 'open', failure: null, opened: 1, requests: 86_411, answers: 86_405 },
  errors: { 'meter.timeout': 4, 'meter.bad_frame': 2 },
  bytes: { sent: 691_288, received: 3_110_580, discarded: 12 },
  latencyMs: { last: '31.2', mean: '33.9', max: '412.0' },
  ...{ busyPermille: 41, queued: 0 },
};

export const FACTS: MetricFacts = {
  ...{ station: 'DE-ACME-0001', version: '0.1.0', publicKey: '3b6a27bc', hasBroker: true },
  ...{ nowMonoMs: 86_400_114, state: STATE, journal: JOURNAL, sync: SYNC, health: HEALTH },
  meters: new Map([['evse1', METER_STATUS]]),
  lines: new Map([['rs485', LINE]]),
  samples: new Map([
    [
      'evse1',
      readingOf(
        measured('1-0:1.8.0*255', 'Wh', 12_345_670n, -1),
        measured('1-0:2.8.1*255', 'Wh', 5n, 3),
        measured('1-0:16.8.0*255', 'Wh', -12n),
        measured('1-0:3.8.0*255', 'varh', 90_071_992_547_409_931_234n, -3),
        measured('1-0:16.7.0*255', 'W', -11_040n),
        measured('1-0:32.7.0*255', 'V', 2_301n, -1),
        measured('1-0:14.7.0*255', 'Hz', 0n, 0, 'O'),
      ),
    ],
  ]),
};
