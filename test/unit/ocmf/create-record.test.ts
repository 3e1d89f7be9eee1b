import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal, formatDecimal, parseDecimal } from '../../../hal/contract/index.ts';
import {
  createOcmfRecord,
  MAX_OCPP_201_BYTES,
  ocmfPayload,
  readOcmf,
  type OcmfContent,
} from '../../../src/ocmf/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { BEGIN, contentOf, END, readingOf, signed, STATION_KEY } from '../../support/receipt/ocmf-session.ts';

const payload = (content: OcmfContent): unknown => JSON.parse(ocmfPayload(content));
const readBack = (content: OcmfContent) => readOcmf(signed(content))[0]?.record;

function without<T extends object, K extends keyof T>(from: T, key: K): Omit<T, K> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => name !== key)) as Omit<T, K>;
}

describe('a record that the station writes', () => {
  it('has the fields of the specification, in its order, and nothing else', () => {
    expect(ocmfPayload(BEGIN)).toBe(
      '{"FV":"1.0","GI":"Delmonicos Inside","GS":"DE-ACME-0001","GV":"0.1.0","PG":"T41","MV":"Eastron","MM":"SDM630",' +
        '"MS":"20230001","IS":true,"IL":"TRUSTED","IF":["RFID_PLAIN","OCPP_AUTH_TLS"],"IT":"ISO14443",' +
        '"ID":"1F2D3A4F5506C7","CT":"EVSEID","CI":"DE*ACM*E0001*1","RD":[{"TM":"2026-11-23T13:00:00,000+0100 S",' +
        '"TX":"B","RV":2935.60,"RI":"1-0:1.8.0*255","RU":"kWh","RT":"AC","EF":"","ST":"G"}]}',
    );
  });

  it('keeps every digit of a value that no float can hold', () => {
    const amounts = fc.tuple(fc.bigInt(0n, 10n ** 30n), fc.integer({ min: -12, max: 6 }));
    fc.assert(
      fc.property(amounts, ([mantissa, exponent]) => {
        const amount = decimal(mantissa, exponent);
        const value = { amount, obis: '1-0:1.8.0', unit: 'Wh' as const };
        const content = contentOf(1, [readingOf('B', '0', 0, { value })]);
        expect(ocmfPayload(content)).toContain(`"RV":${formatDecimal(amount)},`);
        const found = readBack(content)?.readings[0]?.value?.amount;
        expect(found && formatDecimal(found)).toBe(formatDecimal(amount));
      }),
      { numRuns: 50 },
    );
  });

  it('names the lowest version that has its fields', () => {
    const user = BEGIN.user!;
    const loss = { resistance: parseDecimal('1.5'), unit: 'mOhm' as const };
    const value = { ...BEGIN.readings[0]!.value!, cumulatedLoss: parseDecimal('0.02') };
    const version = (content: OcmfContent) => (payload(content) as { FV: string }).FV;
    expect(version(BEGIN)).toBe('1.0');
    expect(version({ ...BEGIN, user: { ...user, tariff: '0,42 EUR/kWh' } })).toBe('1.1');
    expect(version({ ...BEGIN, lossCompensation: loss })).toBe('1.2');
    expect(version({ ...BEGIN, readings: [{ ...BEGIN.readings[0]!, value }] })).toBe('1.2');
    expect(version({ ...BEGIN, controllerFirmware: '3.1' })).toBe('1.3');
  });

  it('writes loss compensation as an object with exact numbers', () => {
    const lossCompensation = {
      name: 'cable',
      identification: 2,
      resistance: parseDecimal('1.50'),
      unit: 'mOhm' as const,
    };
    expect(ocmfPayload({ ...BEGIN, lossCompensation })).toContain(
      '"LC":{"LN":"cable","LI":2,"LR":1.50,"LU":"mOhm"}',
    );
  });

  it('has no pipe inside of a section, whatever texts it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const content = { ...BEGIN, gateway: { identification: `|${text}|` } };
        const record = createOcmfRecord(content, STATION_KEY);
        expect(record.split('|')).toHaveLength(3);
        expect(readOcmf(record)[0]?.record.gateway.identification).toBe(`|${text}|`);
      }),
      { numRuns: 50 },
    );
  });

  it('says of an error alone that it has no value', () => {
    const fault = readingOf('X', '0', 10, { state: 'T', unusable: { energy: true, time: true } });
    const event = without(fault, 'value');
    expect(payload(contentOf(3, [event]))).toMatchObject({ RD: [{ TX: 'X', EF: 'Et', ST: 'T' }] });
    expect(ocmfPayload(contentOf(3, [event]))).not.toContain('"RV"');
    expect(readBack(contentOf(3, [event]))?.readings[0]?.value).toBeUndefined();
  });

  it('of fiscal readings names no user and no reason', () => {
    const reading = without(BEGIN.readings[0]!, 'reason');
    const fiscal = {
      ...without(BEGIN, 'user'),
      pagination: { context: 'F' as const, number: 7n },
      readings: [reading],
    };
    expect(payload(fiscal)).not.toHaveProperty('IS');
    expect(payload(fiscal)).toMatchObject({ PG: 'F7' });
  });

  it('reads back as what it was made of', () => {
    const record = readBack(END);
    expect(record?.departures).toEqual([]);
    expect(record?.pagination).toEqual({ context: 'T', number: 42n });
    expect(record?.readings[0]?.time).toEqual({
      ms: END.readings[0]!.time.ms,
      offsetMinutes: 60,
      state: 'S',
    });
    expect(record?.payloadText).toBe(ocmfPayload(END));
  });

  it('fits the 1,875 bytes of OCPP 2.0.1 with begin, eight tariff changes and end, and is refused above', () => {
    const readings = (changes: number) => [
      readingOf('B', '100000.001', 0),
      ...Array.from({ length: changes }, (_, i) => readingOf('T', '100001.001', 900 * (i + 1))),
      readingOf('E', '100020.001', 20_000),
    ];
    const record = signed(contentOf(1_000_000, readings(8)));
    expect(Buffer.from(record).toString('base64').length).toBeLessThanOrEqual(2_500);
    const long = contentOf(1, readings(30));
    expect(() => signed(long)).toThrow(hasCode('ocmf.too_long'));
    // OCPP 2.1 has room for it.
    expect(createOcmfRecord(long, STATION_KEY, { maxBytes: 24_576 }).length).toBeGreaterThan(
      MAX_OCPP_201_BYTES,
    );
    expect(Math.ceil(MAX_OCPP_201_BYTES / 3) * 4).toBe(2_500);
  });

  const [reading] = BEGIN.readings;
  const user = BEGIN.user!;
  const refused: readonly (readonly [string, OcmfContent])[] = [
    ['no reading at all', { ...BEGIN, readings: [] }],
    ['a user outside of a transaction', { ...BEGIN, pagination: { context: 'F', number: 1 } }],
    ['a transaction without a user', without(BEGIN, 'user')],
    ['a page below zero', { ...BEGIN, pagination: { context: 'T', number: -1 } }],
    ['a page that is no integer', { ...BEGIN, pagination: { context: 'T', number: 1.5 } }],
    ['a meter without a serial number', { ...BEGIN, meter: { serial: '' } }],
    ['two flags of one group', { ...BEGIN, user: { ...user, flags: ['OCPP_RS', 'OCPP_AUTH'] } }],
    ['a type of user that table 17 lacks', { ...BEGIN, user: { ...user, type: 'FINGER' as never } }],
    ['a level that table 11 lacks', { ...BEGIN, user: { ...user, level: 'SURE' as never } }],
    ['a tariff of 251 characters', { ...BEGIN, user: { ...user, tariff: 'x'.repeat(251) } }],
    ['firmware of 26 characters', { ...BEGIN, controllerFirmware: 'x'.repeat(26) }],
    ['a value without an error missing', { ...BEGIN, readings: [without(reading!, 'value')] }],
    ['a register that is no OBIS code', { ...BEGIN, readings: [withObis('energy')] }],
    ['a time beyond the calendar', { ...BEGIN, readings: [{ ...reading!, time: { ms: 1e17, state: 'S' } }] }],
    [
      'a time of broken milliseconds',
      { ...BEGIN, readings: [{ ...reading!, time: { ms: 0.5, state: 'S' } }] },
    ],
    ['a meter state that table 10 lacks', { ...BEGIN, readings: [{ ...reading!, state: 'Q' as never }] }],
  ];
  it.each(refused)('refuses %s', (_name, content) => {
    expect(() => ocmfPayload(content)).toThrow(hasCode('ocmf.invalid_content'));
  });

  function withObis(obis: string) {
    return readingOf('B', '1', 0, { value: { amount: parseDecimal('1'), obis, unit: 'kWh' } });
  }
});
