import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal, obis, parseDecimal, type MeterSample } from '../../../hal/contract/index.ts';
import {
  encodeDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
} from '../../../src/telemetry/index.ts';
import { BIRTH } from '../../support/telemetry/telemetry-station.ts';

const SAMPLE: MeterSample = {
  meterSerial: '21080001',
  profileId: 'eastron-sdm630',
  readBeginMonoMs: 12_345.9,
  readEndMonoMs: 12_398.1,
  values: [
    { obis: obis('1-0:1.8.0*255'), value: decimal(1_234_500n, -2), unit: 'Wh', quality: 'G' },
    { obis: obis('1-0:16.7.0*255'), value: decimal(-11n, 1), unit: 'W', quality: 'S' },
  ],
};

describe('a sample document', () => {
  it('says digit by digit what the meter showed, and rounds its times outwards', () => {
    const text = encodeDocument(
      sampleDocument('evse1', 7, SAMPLE, { index: 41, time: 1_790_000_000_000, clock: 'S' }),
    );
    expect(text.toString()).toBe(
      '{"meter":{"id":"evse1","serial":"21080001","profile":"eastron-sdm630"},' +
        '"index":41,"time":1790000000000,"clock":"S","boot":7,"readBeginMs":12345,"readEndMs":12399,"values":[' +
        '{"obis":"1-0:1.8.0*255","value":"12345.00","unit":"Wh","quality":"G"},' +
        '{"obis":"1-0:16.7.0*255","value":"-110","unit":"W","quality":"S"}]}',
    );
  });

  it('keeps every value exact, also those that no float can hold', () => {
    const arbitrary = fc.record({ mantissa: fc.bigInt(), exponent: fc.integer({ min: -30, max: 30 }) });
    fc.assert(
      fc.property(arbitrary, ({ mantissa, exponent }) => {
        const value = {
          obis: obis('1-0:1.8.0*255'),
          value: decimal(mantissa, exponent),
          unit: 'Wh',
          quality: 'G',
        } as const;
        const document = JSON.parse(
          encodeDocument(sampleDocument('m', 1, { ...SAMPLE, values: [value] }, {})).toString(),
        ) as { values: { value: string }[] };
        const read = parseDecimal(document.values[0]?.value ?? '');
        expect(read.mantissa * 10n ** BigInt(read.exponent + 60)).toBe(
          mantissa * 10n ** BigInt(exponent + 60),
        );
      }),
    );
  });
});

describe('a status document', () => {
  it('tells who the station is, which boot and which session it is in, and how it speaks', () => {
    const document = onlineDocument('DE-ACME-0001', BIRTH, {
      session: 3,
      level: 4,
      samplesDropped: 12,
      keepAliveSeconds: 30,
    });
    expect(document).toEqual({
      status: 'online',
      station: 'DE-ACME-0001',
      version: BIRTH.version,
      identity: BIRTH.identity,
      boot: BIRTH.boot,
      session: 3,
      mqtt: '3.1.1',
      samplesDropped: 12,
      keepAliveSeconds: 30,
    });
  });

  it('names in the will the session that it ends', () => {
    expect(offlineDocument('DE-ACME-0001', BIRTH, 3, 'connection lost')).toEqual({
      status: 'offline',
      station: 'DE-ACME-0001',
      reason: 'connection lost',
      boot: { count: BIRTH.boot.count },
      session: 3,
    });
  });
});

it('any document carries bigint and decimals as strings', () => {
  const text = encodeDocument({
    bytes: 2n ** 64n,
    energy: decimal(150n, -1),
    nested: [decimal(5n, 3)],
  }).toString();
  expect(text).toBe('{"bytes":"18446744073709551616","energy":"15.0","nested":["5000"]}');
});
