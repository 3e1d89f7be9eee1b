import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMANDS, parseCommand, RemoteError, type CommandName } from '../../../src/remote/index.ts';
import { hasCode } from '../../support/has-code.ts';

const NAMES = Object.keys(COMMANDS) as CommandName[];

describe('parameters of a command', () => {
  it.each([
    ['doctor', {}],
    ['meter read', { meter: 'evse1' }],
    ['meter trace', { meter: 'evse1', forMs: 1 }],
    ['meter trace', { meter: 'evse1', forMs: 120_000 }],
    ['meter watch', { meter: 'evse1', forMs: 600_000 }],
    ['journal stat', {}],
    ['journal proof', { index: 0 }],
    ['journal proof', { index: 7, size: 8 }],
    ['journal receipt', { indices: [0] }],
    ['journal receipt', { indices: Array.from({ length: 20 }, (_, i) => i) }],
    ['journal receipt', { session: 's-1' }],
    ['journal entries', { from: 0, to: 1, credit: 1 }],
    ['journal entries', { from: 5, to: 9, credit: 256, next: 9, size: 7, known: 7 }],
    ['sync now', {}],
    ['log level', { level: 'debug', forMs: 86_400_000 }],
  ])('are taken as they are: %s %j', (name, parameters) => {
    expect(parseCommand(name, JSON.stringify(parameters))).toEqual({ name, parameters });
  });

  it.each([
    ['doctor', '{"x":1}'],
    ['doctor', '{"__proto__":{"x":1}}'],
    ['doctor', '[]'],
    ['doctor', 'null'],
    ['doctor', ''],
    ['doctor', '{}{}'],
    ['meter read', '{}'],
    ['meter read', '{"meter":""}'],
    ['meter read', '{"meter":7}'],
    ['meter read', `{"meter":"${'m'.repeat(65)}"}`],
    ['meter trace', '{"meter":"m"}'],
    ['meter trace', '{"meter":"m","forMs":0}'],
    ['meter trace', '{"meter":"m","forMs":120001}'],
    ['meter trace', '{"meter":"m","forMs":1.5}'],
    ['meter watch', '{"meter":"m","forMs":600001}'],
    ['meter trace', '{"meter":"m","forMs":"10s"}'],
    ['journal proof', '{"index":-1}'],
    ['journal proof', '{"index":9007199254740992}'],
    ['journal proof', '{"index":1e400}'],
    ['journal proof', '{"index":8,"size":8}'],
    ['journal proof', '{"index":8,"size":null}'],
    ['journal receipt', '{}'],
    ['journal receipt', '{"indices":[]}'],
    ['journal receipt', '{"indices":[1,1]}'],
    ['journal receipt', `{"indices":${JSON.stringify(Array.from({ length: 21 }, (_, i) => i))}}`],
    ['journal receipt', '{"indices":[1],"session":"s"}'],
    ['journal receipt', '{"session":""}'],
    ['journal entries', '{"from":0,"to":1}'],
    ['journal entries', '{"from":1,"to":1,"credit":1}'],
    ['journal entries', '{"from":0,"to":1,"credit":0}'],
    ['journal entries', '{"from":0,"to":1,"credit":257}'],
    ['journal entries', '{"from":5,"to":9,"credit":1,"next":4}'],
    ['journal entries', '{"from":5,"to":9,"credit":1,"next":10}'],
    ['journal entries', '{"from":5,"to":9,"credit":1,"size":6,"known":7}'],
    ['sync now', '{"force":true}'],
    ['log level', '{"level":"off","forMs":1}'],
    ['log level', '{"level":"info","forMs":86400001}'],
    ['log level', '{"level":"info"}'],
  ])('that do not fit are refused: %s %s', (name, json) => {
    expect(() => parseCommand(name, json)).toThrow(hasCode('remote.bad_parameters'));
  });

  it.each(['', 'Doctor', 'doctor ', 'toString', '__proto__', 'constructor', 'meter'])(
    'are of no command that there is not: %j',
    (name) => {
      expect(() => parseCommand(name, '{}')).toThrow(hasCode('remote.unknown_command'));
    },
  );

  it('of any kind end in a command or in a refusal', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), fc.oneof(fc.json(), fc.string()), (name, json) => {
        try {
          expect(parseCommand(name, json).name).toBe(name);
        } catch (error) {
          expect(error).toBeInstanceOf(RemoteError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
