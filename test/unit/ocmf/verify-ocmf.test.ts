import { describe, expect, it } from 'vitest';
import { parseDecimal } from '../../../hal/contract/index.ts';
import {
  createOcmfRecord,
  OCMF_CHECK_NAMES,
  ocmfPayload,
  ocmfSessionSummary,
  verifyMeterRecord,
  verifyOcmf,
  type OcmfContent,
  type OcmfReading,
} from '../../../src/ocmf/index.ts';
import {
  BEGIN,
  contentOf,
  END,
  failedOf,
  hexOf,
  namesOf,
  OTHER_KEY,
  readingOf,
  signed,
  STATION_KEY,
} from '../../support/receipt/ocmf-session.ts';

const publicKey = STATION_KEY.publicKeySpki;
const verify = (...contents: readonly OcmfContent[]) =>
  verifyOcmf(contents.map((content) => signed(content)).join('\n'), { publicKey });
const reading = (content: OcmfContent, change: Partial<OcmfReading>): OcmfContent => ({
  ...content,
  readings: content.readings.map((one) => ({ ...one, ...change })),
});
const user = BEGIN.user!;

describe('a session of begin and end', () => {
  it('is good, and says its energy exactly', () => {
    const report = verify(BEGIN, END);
    expect(namesOf(report, 'pass')).toEqual([...OCMF_CHECK_NAMES]);
    expect(report).toMatchObject({ ok: true, authentic: true });
    expect(report.sessions).toHaveLength(1);
    expect(report.sessions[0]).toMatchObject({
      meterSerial: '20230001',
      gatewaySerial: 'DE-ACME-0001',
      pages: ['T41', 'T42'],
      energyWh: '29510',
      begin: { time: '2026-11-23T12:00:00.000Z', state: 'S', reason: 'B' },
      end: { time: '2026-11-23T13:00:00.000Z', state: 'S', reason: 'E' },
      unusable: { energy: false, time: false },
    });
    expect(ocmfSessionSummary([signed(BEGIN), signed(END)])).toEqual(report.sessions[0]);
  });

  it('is as good in one record, and with records in between', () => {
    const whole = contentOf(41, [...BEGIN.readings, readingOf('T', '2940.00', 900), ...END.readings]);
    expect(failedOf(verify(whole))).toEqual([]);
    const between = contentOf(42, [readingOf('C', '2940.00', 900)]);
    const report = verify(BEGIN, between, { ...END, pagination: { context: 'T', number: 43 } });
    expect(failedOf(report)).toEqual([]);
    expect(report.sessions[0]?.energyWh).toBe('29510');
  });

  it('may stand beside another one, whatever the pages between them', () => {
    const later = [900, 901].map((number, i) =>
      contentOf(number, [readingOf(i === 0 ? 'B' : 'L', i === 0 ? '3000.00' : '3000.50', 90_000 + i)]),
    );
    const report = verify(BEGIN, END, ...later);
    expect(failedOf(report)).toEqual([]);
    expect(report.sessions.map(({ energyWh }) => energyWh)).toEqual(['29510', '500']);
  });

  it('may begin under one key and end under the next, when each is known', () => {
    const records = `${signed(BEGIN)}\n${createOcmfRecord(END, OTHER_KEY)}`;
    const verifyWith = (...publicKeys: readonly Uint8Array[]) =>
      verifyOcmf(records, { publicKey: publicKeys });
    const [first, second] = [publicKey, OTHER_KEY.publicKey];
    expect(verifyWith(first, second)).toMatchObject({ ok: true, authentic: true });
    expect(failedOf(verifyWith(second, first))).toEqual(['signature']);
    expect(failedOf(verifyWith(first))).toEqual(['public-key']);
  });

  it.each(['E', 'L', 'R', 'A', 'P'] as const)('may end with %s', (reason) => {
    expect(failedOf(verify(BEGIN, reading(END, { reason })))).toEqual([]);
  });
});

describe('what is wrong with a session fails by name', () => {
  const cases: readonly (readonly [string, readonly OcmfContent[], readonly string[]])[] = [
    [
      'the end of another meter',
      [BEGIN, { ...END, meter: { ...END.meter, serial: '20239999' } }],
      ['same-meter'],
    ],
    ['the end of another gateway', [BEGIN, { ...END, gateway: { serial: 'DE-ACME-0002' } }], ['same-meter']],
    ['the end of another user', [BEGIN, { ...END, user: { ...user, data: 'FFFFFFFF' } }], ['same-session']],
    [
      'the end at another charging point',
      [BEGIN, { ...END, chargePoint: { type: 'EVSEID', id: 'DE*ACM*E0001*2' } }],
      ['same-session'],
    ],
    ['a page missing', [BEGIN, { ...END, pagination: { context: 'T', number: 43 } }], ['pagination']],
    [
      'pages that run backwards',
      [BEGIN, { ...END, pagination: { context: 'T', number: 40 } }],
      ['pagination'],
    ],
    ['the same record twice', [BEGIN, END, BEGIN, END], ['pagination']],
    ['the end before the begin', [END, BEGIN], ['begin-and-end']],
    ['two ends', [BEGIN, END, { ...END, pagination: { context: 'T', number: 43 } }], ['begin-and-end']],
    ['a register that falls', [BEGIN, reading(END, { value: valueOf('2935.59') })], ['readings']],
    ['a value below zero', [reading(BEGIN, { value: valueOf('-1.00') }), END], ['readings']],
    [
      'another register at the end',
      [BEGIN, reading(END, { value: valueOf('2965.11', '1-0:2.8.0*255') })],
      ['begin-and-end'],
    ],
    [
      'time that runs backwards',
      [BEGIN, reading(END, { time: { ms: BEGIN.readings[0]!.time.ms - 1, state: 'S' } })],
      ['time-status'],
    ],
    ['a meter that was not well', [BEGIN, reading(END, { state: 'M' })], ['meter-state']],
    ['energy not to be billed', [BEGIN, reading(END, { unusable: { energy: true } })], ['error-flags']],
    ['time not to be billed', [reading(BEGIN, { unusable: { time: true } }), END], ['error-flags']],
    [
      'a user who does not match',
      [BEGIN, { ...END, user: { ...user, level: 'MISMATCH' } }],
      ['user-assignment'],
    ],
  ];
  it.each(cases)('%s', (_name, contents, names) => {
    const report = verify(...contents);
    expect(failedOf(report)).toEqual(names);
    expect(report.ok).toBe(false);
    // The meter did say it.
    expect(report.authentic).toBe(true);
  });

  it('a wrong key', () => {
    const report = verifyOcmf(signed(BEGIN), { publicKey: OTHER_KEY.publicKey });
    expect(failedOf(report)).toEqual(['signature']);
    expect(report).toMatchObject({ ok: false, authentic: false });
  });

  it('another meter than the one that is known', () => {
    expect(failedOf(verifyOcmf(signed(BEGIN), { publicKey, meterSerial: '20239999' }))).toEqual([
      'same-meter',
    ]);
    expect(failedOf(verifyOcmf(signed(BEGIN), { publicKey, meterSerial: '20230001' }))).toEqual([]);
  });

  it('transactions that the XML around the records tells apart', () => {
    const values = [BEGIN, END].map(
      (content, i) =>
        `<value transactionId="${i}"><signedData><![CDATA[${signed(content)}]]></signedData></value>`,
    );
    const report = verifyOcmf(`<values>${values.join('')}</values>`, { publicKey });
    expect(failedOf(report)).toEqual(['same-session']);
  });

  it('says a register in one unit, also where the end is in another one than the begin', () => {
    const inWh = reading(END, { value: { ...valueOf('2965110'), unit: 'Wh' } });
    const report = verify(BEGIN, inWh);
    expect(report.ok).toBe(true);
    expect(report.sessions[0]?.registers).toMatchObject([
      { unit: 'kWh', begin: '2935.60', end: '2965.110', wh: '29510' },
    ]);
  });

  it('a record that was given another key than the one that is known', () => {
    const report = verifyOcmf(`${signed(BEGIN)}|${hexOf(OTHER_KEY.publicKey)}`, { publicKey });
    expect(failedOf(report)).toEqual(['same-key']);
  });

  function valueOf(kwh: string, obis = '1-0:1.8.0*255') {
    return { amount: parseDecimal(kwh), obis, unit: 'kWh' as const };
  }
});

describe('what cannot be known is not checked', () => {
  it('one record of two: there is no end', () => {
    const report = verify(BEGIN);
    expect(report.ok).toBe(true);
    expect(namesOf(report, 'not checked')).toEqual(['begin-and-end']);
    expect(report.sessions[0]).toMatchObject({ end: undefined, energyWh: undefined });
  });

  it('no key at all: nothing is verified, and that is not good', () => {
    const report = verifyOcmf(signed(BEGIN));
    expect(report).toMatchObject({ ok: false, authentic: false });
    expect(namesOf(report, 'not checked')).toEqual(['public-key', 'signature', 'begin-and-end']);
  });

  it('a key that came with the record: good, and nobody vouches for it', () => {
    const report = verifyOcmf(`${signed(BEGIN)}|${hexOf(publicKey)}`);
    expect(report).toMatchObject({ ok: true, authentic: false });
    expect(namesOf(report, 'not checked')).toEqual(['public-key', 'begin-and-end']);
  });

  it('a major version that is not known here: signed, and not good', () => {
    const payload = ocmfPayload(BEGIN).replace('"FV":"1.0"', '"FV":"2.0"');
    const record = `OCMF|${payload}|{"SD":"${hexOf(STATION_KEY.sign(new TextEncoder().encode(payload)))}"}`;
    const report = verifyOcmf(record, { publicKey });
    expect(report).toMatchObject({ ok: false, authentic: true });
    expect(namesOf(report, 'not checked')).toEqual(['format', 'begin-and-end']);
  });

  it('a clock that was not set', () => {
    const unset = (content: OcmfContent, ms: number) => reading(content, { time: { ms, state: 'U' } });
    const report = verify(unset(BEGIN, 1_000), unset(END, 0));
    expect(failedOf(report)).toEqual([]);
    expect(namesOf(report, 'not checked')).toEqual(['time-status']);
  });

  it('an informative clock at the begin, relative time at the end: an order that can be known', () => {
    const at = (content: OcmfContent, ms: number, state: 'I' | 'R') =>
      reading(content, { time: { ms, state } });
    expect(failedOf(verify(at(BEGIN, 5_000, 'I'), at(END, 6_000, 'R')))).toEqual([]);
    expect(failedOf(verify(at(BEGIN, 6_000, 'I'), at(END, 5_000, 'R')))).toEqual(['time-status']);
    // Two informative clocks may have been set in between.
    expect(failedOf(verify(at(BEGIN, 6_000, 'I'), at(END, 5_000, 'I')))).toEqual([]);
  });

  it('fiscal readings have no session, and pages of their own', () => {
    const fiscal = (number: number): OcmfContent => {
      const { gateway, meter, chargePoint } = BEGIN;
      const { time, value, state } = readingOf('C', '3000.00', number * 900);
      const pagination = { context: 'F' as const, number };
      return { gateway, meter, chargePoint, pagination, readings: [{ time, value, state }] } as OcmfContent;
    };
    const report = verify(fiscal(1), fiscal(2));
    expect(failedOf(report)).toEqual([]);
    expect(namesOf(report, 'not checked')).toContain('begin-and-end');
    expect(failedOf(verify(fiscal(1), fiscal(3)))).toEqual(['pagination']);
    // Fiscal pages do not tear those of a transaction apart.
    expect(failedOf(verify(BEGIN, END, fiscal(1)))).toEqual([]);
  });
});

describe('a record of a meter that signs by itself', () => {
  const meter = { publicKey, serial: '20230001' };

  it('is believed when the registered key signed it and it names the registered meter', () => {
    const record = signed(BEGIN);
    const verdict = verifyMeterRecord(record, meter);
    expect(verdict).toMatchObject({ ok: true, authentic: true });
    expect(verdict.record?.text).toBe(record);
  });

  it('is authentic and not good when the meter says that it is not well', () => {
    const verdict = verifyMeterRecord(signed(reading(BEGIN, { state: 'E' })), meter);
    expect(verdict).toMatchObject({ ok: false, authentic: true });
  });

  it.each([
    ['another key', signed(BEGIN), { ...meter, publicKey: OTHER_KEY.publicKey }],
    ['another meter', signed(BEGIN), { ...meter, serial: '20239999' }],
    ['two records', `${signed(BEGIN)}${signed(END)}`, meter],
    ['a changed digit', signed(BEGIN).replace('2935.60', '2935.61'), meter],
    ['no record', 'OCMF', meter],
  ])('is not believed for %s', (_name, record, registered) => {
    expect(verifyMeterRecord(record, registered)).toMatchObject({ ok: false, authentic: false });
  });

  it('is not believed for a registered key that is none, whatever key came with it', () => {
    const record = `${signed(BEGIN)}|${hexOf(publicKey)}`;
    const verdict = verifyMeterRecord(record, { publicKey: 'the meter' });
    expect(verdict).toMatchObject({ ok: false, authentic: false });
    expect(failedOf(verdict.report)).toEqual(['public-key']);
    expect(namesOf(verdict.report, 'not checked')).toContain('signature');
  });
});
