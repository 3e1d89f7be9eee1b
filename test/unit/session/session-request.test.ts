import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSessionRequest, SessionError } from '../../../src/session/index.ts';
import { hasCode } from '../../support/has-code.ts';

const BEGIN = { session: 'begin', sessionId: 's-1', evseId: 'DE*ACM*E1', meterId: 'evse1' };

describe('a request of the charging software', () => {
  it.each([
    BEGIN,
    { ...BEGIN, idToken: { type: 'EMAID', data: 'DE-8AA-CA2B3C4D5-N' } },
    { session: 'end', sessionId: 's-1' },
    { session: 'end', sessionId: 's-1', reason: 'remote' },
    { session: 'status' },
    { session: 'status', sessionId: 's-1' },
  ])('is taken as it is: %j', (request) => {
    expect(parseSessionRequest(request)).toEqual(request);
  });

  it.each([
    null,
    [],
    'begin',
    {},
    { session: 'stop', sessionId: 's-1' },
    { session: 'toString', sessionId: 's-1' },
    { ...BEGIN, idtoken: { type: 'EMAID', data: 'x' } },
    { ...BEGIN, idToken: { type: 'emaid', data: 'x' } },
    { ...BEGIN, idToken: { type: 'EMAID' } },
    { ...BEGIN, idToken: { type: 'EMAID', data: 'x', level: 'TRUSTED' } },
    { ...BEGIN, idToken: { type: 'NONE', data: 'x' } },
    { ...BEGIN, idToken: { type: 'DENIED', data: 'x' } },
    { ...BEGIN, idToken: null },
    { ...BEGIN, sessionId: '' },
    { ...BEGIN, sessionId: 'x'.repeat(65) },
    { ...BEGIN, sessionId: ' s' },
    { ...BEGIN, sessionId: 'a\nb' },
    { ...BEGIN, evseId: 7 },
    { session: 'end', sessionId: 's-1', reason: 'constructor' },
    { session: 'end', sessionId: 's-1', meterId: 'evse1' },
    { session: 'end' },
  ])('is refused: %j', (request) => {
    expect(() => parseSessionRequest(request)).toThrow(hasCode('session.bad_request'));
  });

  it('is taken or refused by name, whatever it is', () => {
    const key = fc.constantFrom('session', 'sessionId', 'evseId', 'meterId', 'idToken', 'reason');
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('begin', 'end', 'status', 's-1'));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(key, value)), (request) => {
        try {
          expect(parseSessionRequest(request)).toEqual(request);
        } catch (error) {
          if (!(error instanceof SessionError)) throw error;
          expect(error.code).toBe('session.bad_request');
        }
      }),
    );
  });
});
