import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyOcmf, type OcmfReport } from '../../../src/ocmf/index.ts';
import { failedOf, namesOf } from '../../support/receipt/ocmf-session.ts';

const FOLDER = new URL('transparency-software/', import.meta.url);
const read = (file: string): OcmfReport => verifyOcmf(new Uint8Array(readFileSync(new URL(file, FOLDER))));

/** What the records say, read by eye; energy in Wh of each session. */
const EXPECTED: Readonly<
  Record<
    string,
    { energy: readonly string[]; meter: string | undefined; begin: string; failed?: readonly string[] }
  >
> = {
  'test_ocmf_keba_kcp30.xml': { energy: ['0.1'], meter: undefined, begin: '2019-08-13T10:03:15.000Z' },
  'keba_test.txt': { energy: ['0.00', '0.00'], meter: undefined, begin: '1970-01-01T00:01:49.000Z' },
  'brainpoolP256r1.xml': { energy: ['0'], meter: '12345678', begin: '2021-10-26T11:15:09.000Z' },
  'nistP384_0Wh.xml': { energy: ['0'], meter: '12345678', begin: '2021-10-26T12:24:56.000Z' },
  'OCMF_Test_Data_00.xml': { energy: ['0'], meter: '1DZG0033016824', begin: '2021-10-26T08:20:52.000Z' },
  'test_ocmf_ebee_01.xml': { energy: ['0'], meter: '000033022620', begin: '2021-08-25T08:01:04.000Z' },
  'chargepoint_3.xml': { energy: ['1304'], meter: '33019230', begin: '2021-04-09T07:09:51.000Z' },
  'ocmf-compleo-daten.xml': {
    energy: ['268', '266'],
    meter: '1EBZ0300034628',
    begin: '2022-10-27T17:38:50.000Z',
  },
  'VW_OCMF_load.txt': { energy: ['1101'], meter: '1211751603', begin: '2021-10-06T11:13:56.000Z' },
  'Ocmf_Example_OBIS_98.8.0_2.8.0.txt': {
    energy: ['1000'],
    meter: '1XXX0128200099',
    begin: '2021-09-02T10:29:53.000Z',
  },
  'second_key_fail_ocmf.xml': {
    ...{ energy: ['898'], meter: '1DZG0033022268', begin: '2021-11-17T16:09:38.000Z' },
    failed: ['public-key', 'same-key'],
  },
  'OCMF-receipt-with_publickey_and_data.xml': {
    ...{ energy: ['0'], meter: '1ISA1234567890', begin: '2023-06-27T16:02:14.000Z' },
    failed: ['meter-state', 'error-flags'],
  },
  '20211007-device-with-evt-ocmf-sss-ses.txt': {
    ...{ energy: ['0'], meter: '001BZR1521070006', begin: '2021-10-07T13:29:55.000Z' },
    failed: ['meter-state', 'error-flags'],
  },
};

describe('records of real meters', () => {
  it('are all told about', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s', (file, { energy, meter, begin, failed = [] }) => {
    const report = read(file);
    expect(failedOf(report)).toEqual(failed);
    expect(report.ok).toBe(failed.length === 0);
    // The keys came with the records; what that is worth is said.
    expect(report.authentic).toBe(false);
    if (!failed.includes('public-key')) {
      expect(namesOf(report, 'pass')).toContain('signature');
      expect(namesOf(report, 'not checked')).toContain('public-key');
    }
    const [first] = report.sessions;
    expect(report.sessions.map(({ energyWh }) => Number(energyWh))).toEqual(energy.map(Number));
    expect(first?.meterSerial).toBe(meter);
    expect(first?.begin?.time).toBe(begin);
  });

  it.each(Object.keys(EXPECTED))('%s with any digit of a value changed is refused', (file) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8');
    const values = [...text.matchAll(/"RV" ?: ?"?[ 0]*(\d)/g)];
    expect(values.length).toBeGreaterThan(0);
    for (const { 0: found, index } of values) {
      const at = index + found.length - 1;
      const changed = `${text.slice(0, at)}${(Number(text[at]) + 1) % 10}${text.slice(at + 1)}`;
      const report = verifyOcmf(changed);
      expect(report.ok).toBe(false);
      const names = failedOf(report);
      if (!file.startsWith('second_key'))
        expect(names.some((name) => ['signature', 'format'].includes(name))).toBe(true);
    }
  });
});
