import { describe, expect, it } from 'vitest';
import { MAX_OCMF_BYTES, readOcmf, verifyOcmf } from '../../../src/ocmf/index.ts';
import { hasCode } from '../../support/has-code.ts';
import {
  base64Of,
  BEGIN,
  END,
  failedOf,
  hexOf,
  signed,
  STATION_KEY,
} from '../../support/receipt/ocmf-session.ts';

const [begin, end] = [signed(BEGIN), signed(END)];
const key = STATION_KEY.publicKeySpki;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

describe('records are found', () => {
  const xml = (data: string, more = '', keyText = hexOf(key)): string =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<values><value transactionId="7" context="Transaction.Begin">` +
    `<signedData ${more}>${data}</signedData><publicKey>${keyText}</publicKey></value></values>\n`;
  const wrappings: readonly (readonly [string, string | Uint8Array])[] = [
    ['bare', begin],
    ['as bytes', bytes(begin)],
    ['with a byte order mark', `\ufeff${begin}`],
    ['with a byte order mark, as bytes', bytes(`\ufeff${begin}`)],
    ['with white space and CRLF around', `\r\n  ${begin}\r\n\r\n`],
    ['in base64, as OCPP carries it', base64Of(bytes(begin))],
    ['in hex', hexOf(bytes(begin))],
    ['in XML, as text', xml(escaped(begin))],
    ['in XML, between white space', xml(`\n   ${escaped(begin)}\n  `)],
    ['in XML, as CDATA', xml(`<![CDATA[${begin}]]>`)],
    ['in XML, in hex', xml(hexOf(bytes(begin)), 'format="OCMF" encoding="hex"')],
    ['in XML, in base64', xml(base64Of(bytes(begin)), 'format="ocmf" encoding="base64"')],
    ['in XML, encoded and not saying so', xml(base64Of(bytes(begin)))],
    ['in XML of older versions', xml(escaped(begin)).replaceAll('signedData', 'encodedData')],
    ['in XML with a namespace', xml(escaped(begin)).replaceAll(/<(\/?)(\w)/g, '<$1s:$2')],
    ['in a lone element', `<signedData format="OCMF">${escaped(begin)}</signedData>`],
  ];
  it.each(wrappings)('%s', (_name, input) => {
    const found = readOcmf(input);
    expect(found.map(({ record }) => record.text)).toEqual([begin]);
    expect(verifyOcmf(input, { publicKey: key })).toMatchObject({ authentic: true, ok: true });
  });

  it('with the key and the transaction that stand around them', () => {
    expect(readOcmf(xml(escaped(begin)))[0]).toMatchObject({ publicKey: hexOf(key), transactionId: '7' });
    expect(readOcmf(`${begin}|${base64Of(key)}\n`)[0]?.publicKey).toBe(base64Of(key));
    expect(
      readOcmf(`${begin}\n${end}\nPublic key: ${hexOf(key)}\n`).map(({ publicKey }) => publicKey),
    ).toEqual([hexOf(key), hexOf(key)]);
  });

  it('with a pipe inside of a string, which the specification forbids', () => {
    const name = 'A|B}|{"SD":""}';
    const payload = begin
      .slice(5, begin.lastIndexOf('|{'))
      .replace('"Delmonicos Inside"', JSON.stringify(name));
    const record = `OCMF|${payload}|{"SD":"${hexOf(STATION_KEY.sign(bytes(payload)))}"}`;
    expect(readOcmf(record)[0]?.record.gateway.identification).toBe(name);
    expect(failedOf(verifyOcmf(record, { publicKey: key }))).toEqual([]);
  });

  it('with line ends inside of the payload, of which every one is signed', () => {
    const payload = JSON.stringify(JSON.parse(begin.slice(5, begin.lastIndexOf('|'))), null, 2).replaceAll(
      '\n',
      '\r\n',
    );
    const record = `OCMF|${payload}\r\n|\r\n{ "SD": "${hexOf(STATION_KEY.sign(bytes(`${payload}\r\n`)))}" }\r\n`;
    expect(failedOf(verifyOcmf(record, { publicKey: key }))).toEqual([]);
    expect(failedOf(verifyOcmf(record.replaceAll('\r\n', '\n'), { publicKey: key }))).toEqual(['signature']);
  });

  it('with what a reading takes over from the one before it', () => {
    const first =
      '{"TM":"2021-10-06T13:13:56,000+0200 R","TX":"B","RV":1.50,"RI":"1-0:1.8.0","RU":"kWh","EF":"","ST":"G"}';
    const text = `OCMF|{"PG":"T1","MS":"1","RD":[${first},{"RV":2.50,"TX":"E"},{"ST":"D"}]}|{"SD":"00"}`;
    const [one, two, three] = readOcmf(text)[0]!.record.readings;
    expect(two).toMatchObject({
      time: one!.time,
      reason: 'E',
      state: 'G',
      value: { obis: '1-0:1.8.0', unit: 'kWh' },
    });
    expect(two?.value?.amount).toEqual({ mantissa: 250n, exponent: -2 });
    // Only an error is told: it has no value of its own.
    expect(three).toMatchObject({ reason: 'E', state: 'D', value: undefined });
  });
});

describe('what is no record is refused', () => {
  const RD = '"RD":[{"TM":"2026-11-23T12:00:00,000+0000 S","RV":1,"RI":"1-0:1.8.0","RU":"kWh","ST":"G"}]';
  const record = (payload: string, signature = '{"SD":"00"}'): string => `OCMF|${payload}|${signature}`;
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ['nothing', ''],
    ['another format', 'OCPP|{}|{}'],
    ['a header in another case', begin.replace('OCMF', 'ocmf')],
    ['no signature section', begin.slice(0, begin.lastIndexOf('|'))],
    ['a record cut short', begin.slice(0, -1)],
    ['a record with text behind it', `${begin} and so on`],
    ['a second record with a damaged header', `${begin}\nOCMX${end.slice(4)}`],
    ['a name twice', record(`{"PG":"T1","PG":"T2",${RD}}`)],
    ['a name twice, once as an escape', record(`{"PG":"T1","\\u0050G":"T2",${RD}}`)],
    ['a name twice in the signature', record(`{"PG":"T1",${RD}}`, '{"SD":"00","SD":"01"}')],
    ['a list for a payload', record('[]')],
    ['no readings', record('{"PG":"T1"}')],
    ['an empty list of readings', record('{"RD":[]}')],
    ['readings that are no list', record('{"RD":{}}')],
    ['a reading that is no object', record('{"RD":[1]}')],
    ['a value that is no number', record(`{${RD.replace(':1,', ':"much",')}}`)],
    ['a value of 65 digits', record(`{${RD.replace(':1,', `:${'1'.repeat(65)},`)}}`)],
    ['an exponent out of all bounds', record(`{${RD.replace(':1,', ':1e999,')}}`)],
    ['kWh that no Decimal can say in Wh', record(`{${RD.replace(':1,', ':1e63,')}}`)],
    ['a value that is a list', record(`{${RD.replace(':1,', ':[],')}}`)],
    ['an object where a string belongs', record(`{"MS":{},${RD}}`)],
    ['no signature data', record(`{${RD}}`, '{}')],
    ['JSON nested too deep', record(`{"U":${deep(20)},${RD}}`)],
    ['JSON nested very deep', record(`{"U":${deep(100_000)},${RD}}`)],
    ['a number with a leading zero', record(`{${RD.replace(':1,', ':01,')}}`)],
    ['NaN', record(`{${RD.replace(':1,', ':NaN,')}}`)],
    ['a comma too many', record(`{${RD},}`)],
    ['a line end inside of a string', record(`{"MS":"1\n",${RD}}`)],
    ['bytes that are no UTF-8', Uint8Array.of(...bytes(begin), 0xff)],
    ['XML without a record', '<values></values>'],
    ['XML that is not well-formed', `<values><signedData>${escaped(begin)}</values>`],
    ['XML with two roots that declares itself', `<?xml version="1.0"?><a/><b/>`],
    ['XML of another format', '<values><value><signedData format="EDL40">AA</signedData></value></values>'],
    [
      'XML whose data are not OCMF',
      '<values><value><signedData format="OCMF" encoding="hex">3082</signedData></value></values>',
    ],
    ['XML with text beside the records', `<values>${'<value/>'}</values>too much`],
    ['XML nested very deep', `${'<a>'.repeat(100_000)}`],
    ['a document type', `<!DOCTYPE a><values><signedData>${escaped(begin)}</signedData></values>`],
    [
      'a billion laughs',
      '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><values><signedData>&b;</signedData></values>',
    ],
    [
      'a file from outside',
      '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><values>&a;</values>',
    ],
    ['an entity of its own', '<values><signedData>&lol;</signedData></values>'],
    ['more than 512 records', `${begin}\n`.repeat(513)],
    ['more than 1,024 readings in a record', record(`{"RD":[${'{},'.repeat(1_024)}{}]}`)],
    ['more than 16,384 readings in all', record(`{"RD":[${'{},'.repeat(1_000)}{}]}`).repeat(17)],
  ];
  it.each(cases)('%s', (_name, input) => {
    expect(() => readOcmf(input)).toThrow(hasCode('ocmf.malformed'));
    const report = verifyOcmf(input, { publicKey: key });
    expect(failedOf(report)).toEqual(['format']);
    expect(report).toMatchObject({ ok: false, authentic: false, sessions: [] });
  });

  it.each([
    ['text', ' '.repeat(MAX_OCMF_BYTES + 1)],
    ['bytes', new Uint8Array(MAX_OCMF_BYTES + 1)],
  ])('%s of more than a mebibyte, unread', (_name, input) => {
    expect(() => readOcmf(input)).toThrow(hasCode('ocmf.too_large'));
  });

  it('in bounded time, however it is made up', () => {
    const size = MAX_OCMF_BYTES - 100;
    const reading = '{"TM":"2026-11-23T12:00:00,000+0000 S","RV":1,"RI":"1-0:1.8.0","RU":"kWh","ST":"G"}';
    const many = (first: string): string => `OCMF|{"RD":[${first}${',{}'.repeat(1_000)}]}|{"SD":"00"}\n`;
    const ownFields = Array.from({ length: 20_000 }, (_, i) => `"X${i}":1`).join(',');
    const hostile = [
      many(reading).repeat(16),
      many(`{${ownFields},${reading.slice(1)}`).repeat(4),
      many(`{${reading.slice(1, -1)},"TX":"Q"}`).repeat(16),
      `OCMF|{"A":"${'x'.repeat(size)}`,
      `OCMF|{"A":"${'\\'.repeat(size)}`,
      `OCMF|${' '.repeat(size)}`,
      `OCMF|{${'"a":1,'.repeat(size / 6 - 1)}`,
      `OCMF|{"RD":[${'{},'.repeat(size / 3 - 8)}{}]}|{"SD":"00"}`,
      `${begin}|${'A'.repeat(size - begin.length)}`,
      `${begin}${' '.repeat(size - begin.length)}`,
      `${begin}Public key:${' 0'.repeat(size / 2 - begin.length)}`,
      `${begin}Public key:${' '.repeat(size - begin.length - 20)}!`,
      `<a ${'b="" '.repeat(size / 5 - 2)}>`,
      `<!--${'-'.repeat(size)}`,
      '0'.repeat(size),
      `${'A'.repeat(size)}=`,
    ];
    for (const text of hostile) {
      const started = performance.now();
      expect(verifyOcmf(text).ok).toBe(false);
      expect(performance.now() - started, text.slice(0, 30)).toBeLessThan(5_000);
    }
  });
});
