import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatOcmfTime,
  parseOcmfTime,
  verifyOcmf,
  type OcmfReport,
  type TimeState,
} from '../../../src/ocmf/index.ts';
import { readJsonObject } from '../../../src/ocmf/json-text.ts';
import { OcmfError } from '../../../src/ocmf/index.ts';
import { BEGIN, END, failedOf, signed, STATION_KEY } from '../../support/receipt/ocmf-session.ts';

const publicKey = STATION_KEY.publicKeySpki;
const verify = (text: string): OcmfReport => verifyOcmf(text, { publicKey });
const SESSION = `${signed(BEGIN)}\n${signed(END)}`;

/** The payloads and the signatures' numbers. What else stands in signature sections, and white space around, is not signed. */
function meaning(text: string): string {
  const records = text.trim().split(/\s*(?=OCMF\|)/);
  return JSON.stringify(
    records.map((record) => {
      const [header, payload, ...rest] = record.split('|');
      const signature = rest.join('|');
      return [
        header,
        payload,
        signature
          .match(/"SD"\s*:\s*"([^"]*)"/)?.[1]
          ?.replace(/\s/g, '')
          .toLowerCase(),
      ];
    }),
  );
}

describe('a signed session', () => {
  it('with any one character changed, removed or put in fails a named check, unless it means the same', () => {
    const change = fc.record({
      at: fc.nat({ max: SESSION.length - 1 }),
      what: fc.constantFrom('change', 'remove', 'insert'),
      by: fc.string({
        unit: fc.constantFrom(...'0123456789ABCDEFabcdefgGxX"|{}[]:,.\\ \n\té'),
        minLength: 1,
        maxLength: 1,
      }),
    });
    fc.assert(
      fc.property(change, ({ at, what, by }) => {
        const put = what === 'remove' ? '' : by;
        const changed = `${SESSION.slice(0, at)}${put}${SESSION.slice(what === 'insert' ? at : at + 1)}`;
        const report = verify(changed);
        expect(report.checks.length).toBe(14);
        if (meaning(changed) === meaning(SESSION)) return;
        expect(failedOf(report).length, changed).toBeGreaterThan(0);
        expect(report.ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  it('with any character of a payload changed fails the signature or the format', () => {
    const record = signed(BEGIN);
    for (let at = record.indexOf('{'); at < record.lastIndexOf('|'); at++) {
      const other = record[at] === '0' ? '1' : '0';
      const report = verify(`${record.slice(0, at)}${other}${record.slice(at + 1)}`);
      expect(failedOf(report).some((name) => name === 'signature' || name === 'format')).toBe(true);
    }
  });

  it('with records left out, doubled or swapped fails, or is no more than a begin', () => {
    const records = SESSION.split('\n');
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...records), { maxLength: 4 }), (chosen) => {
        const report = verify(chosen.join('\n'));
        const isWhole = chosen.length === 2 && chosen[0] === records[0] && chosen[1] === records[1];
        if (isWhole || chosen.length === 1) expect(report.ok).toBe(true);
        else expect(failedOf(report).length).toBeGreaterThan(0);
        if (!isWhole && chosen.length < 2) expect(report.sessions[0]?.energyWh).toBeUndefined();
      }),
    );
  });
});

describe('whatever it is given', () => {
  const pieces = fc.constantFrom(
    ...[
      'OCMF|',
      '|',
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\u0022',
      '<',
      '>',
      '</',
      '<value>',
      '<signedData>',
      '<![CDATA[',
    ],
    ...[
      '"RD"',
      '"TM"',
      '"SD"',
      '"PG":"T1"',
      'true',
      'null',
      '-1.5e3',
      '2026-11-23T12:00:00,000+0000 S',
      '&quot;',
      '\u0000',
      '\ud800',
    ],
  );
  it('the verifier reports and never throws', () => {
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.string(),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(verify(text).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(verifyOcmf(bytes).ok).toBe(false);
      }),
    );
  });

  it('JSON is read as JSON.parse reads it, or refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (value) => {
        const text = JSON.stringify(value);
        const { object, end } = readJsonObject(`  ${text} tail`, 0);
        expect(end).toBe(text.length + 2);
        expect(JSON.stringify(plain(object))).toBe(text);
      }),
    );
  });

  it('JSON is refused wherever JSON.parse refuses it', () => {
    const json = fc.array(pieces, { maxLength: 12 }).map((parts) => `{${parts.join('')}}`);
    fc.assert(
      fc.property(json, (text) => {
        let wanted: unknown;
        try {
          wanted = JSON.parse(text);
        } catch {
          wanted = undefined;
        }
        try {
          const { object, end } = readJsonObject(text, 0);
          if (end === text.length) expect(plain(object)).toEqual(wanted);
        } catch (error) {
          expect(error).toBeInstanceOf(OcmfError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a time is read back as it was written', () => {
    const time = fc.record({
      ms: fc.integer({ min: -62_167_000_000_000, max: 253_402_200_000_000 }),
      offsetMinutes: fc.integer({ min: -840, max: 840 }),
      state: fc.constantFrom<TimeState>('U', 'I', 'S', 'R'),
    });
    fc.assert(
      fc.property(time, (one) => {
        fc.pre(one.ms + one.offsetMinutes * 60_000 >= -62_167_219_200_000);
        expect(parseOcmfTime(formatOcmfTime(one))).toEqual({ time: one, departs: false });
      }),
    );
  });

  it.each([
    ['2021-10-26T10:20:52+0200 I', { ms: Date.UTC(2021, 9, 26, 8, 20, 52), offsetMinutes: 120, state: 'I' }],
    [
      '2021-10-26T10:20:52.5Z',
      { ms: Date.UTC(2021, 9, 26, 10, 20, 52, 500), offsetMinutes: 0, state: undefined },
    ],
    [
      '2021-10-26T10:20:52,123456-05:30 S',
      { ms: Date.UTC(2021, 9, 26, 15, 50, 52, 123), offsetMinutes: -330, state: 'S' },
    ],
  ])('a time as meters in the field write it: %s', (text, time) => {
    expect(parseOcmfTime(text)).toEqual({ time, departs: true });
  });

  it.each([
    ...[
      '',
      '2021-02-29T00:00:00,000+0000 S',
      '2021-13-01T00:00:00,000+0000 S',
      '2021-01-01T24:00:00,000+0000 S',
    ],
    ...['2021-01-01T00:60:00,000+0000 S', '2021-01-01T00:00:00,000+1500 S', '2021-01-01T00:00:00,000+0000 Q'],
    ...['2021-01-01T00:00:00,000 S', '2021-01-01 00:00:00,000+0000 S', '1-01-01T00:00:00,000+0000 S'],
  ])('no time: "%s"', (text) => {
    expect(parseOcmfTime(text)).toBeUndefined();
  });
});

function plain(json: unknown): unknown {
  if (json instanceof Map) {
    // Object.fromEntries would lose the order of names that are numbers, as JSON.parse does too.
    return Object.fromEntries(
      [...(json as Map<string, unknown>)].map(([name, value]) => [name, plain(value)]),
    );
  }
  if (Array.isArray(json)) return json.map(plain);
  if (typeof json === 'object' && json !== null) return Number((json as { number: string }).number);
  return json;
}
