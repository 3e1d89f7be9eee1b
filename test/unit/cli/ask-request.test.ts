import { describe, expect, it } from 'vitest';
import { askRequest, FORMS } from '../../../src/cli/ask/ask-request.ts';
import { COMMANDS } from '../../../src/remote/index.ts';
import { hasCode } from '../../support/has-code.ts';

describe('the words of `ask`', () => {
  it.each([
    [['doctor'], {}, { name: 'doctor', parameters: {} }],
    [['meter', 'read', 'evse1'], {}, { name: 'meter read', parameters: { meter: 'evse1' } }],
    [
      ['meter', 'trace', 'e'],
      { for: 5_000 },
      { name: 'meter trace', parameters: { meter: 'e', forMs: 5_000 } },
    ],
    [['meter', 'trace', 'e'], {}, { name: 'meter trace', parameters: { meter: 'e', forMs: 10_000 } }],
    [['meter', 'watch', 'e'], {}, { name: 'meter watch', parameters: { meter: 'e', forMs: 60_000 } }],
    [['journal', 'proof', '7'], { size: 9 }, { name: 'journal proof', parameters: { index: 7, size: 9 } }],
    [
      ['journal', 'receipt'],
      { index: [3, 4], output: 'f' },
      { name: 'journal receipt', parameters: { indices: [3, 4] } },
    ],
    [
      ['journal', 'receipt'],
      { session: 's', output: 'f' },
      { name: 'journal receipt', parameters: { session: 's' } },
    ],
    [['sync', 'now'], {}, { name: 'sync now', parameters: {} }],
    [
      ['log', 'level', 'debug'],
      { for: 1_000 },
      { name: 'log level', parameters: { level: 'debug', forMs: 1_000 } },
    ],
  ] as const)('%j with %j', (words, options, command) => {
    expect(askRequest(words, options)).toMatchObject({ kind: 'command', command });
  });

  it('for entries name a range and a file', () => {
    expect(askRequest(['journal', 'entries'], { from: 0, output: 'f' })).toEqual({
      ...{ kind: 'entries', from: 0, to: undefined, output: 'f' },
    });
  });

  it.each([
    [['docter'], {}],
    [['constructor'], {}],
    [['doctor', 'now'], {}],
    [['doctor'], { for: 1 }],
    [['meter', 'read'], {}],
    [['meter', 'read', 'a', 'b'], {}],
    [['journal', 'proof', 'x'], {}],
    [['journal', 'proof', '-1'], {}],
    [['journal', 'receipt'], { index: [1] }],
    [['journal', 'receipt'], { output: 'f' }],
    [['journal', 'receipt'], { output: 'f', index: [1], session: 's' }],
    [['journal', 'entries'], { from: 3, to: 3, output: 'f' }],
    [['journal', 'entries'], { to: 3, output: 'f' }],
    [['log', 'level', 'loud'], {}],
  ])('%j with %j are refused as usage', (words, options) => {
    expect(() => askRequest(words, options)).toThrow(hasCode('usage.bad_option'));
  });

  it('are there for every command of the catalogue', () => {
    expect(Object.keys(FORMS).sort()).toEqual(Object.keys(COMMANDS).sort());
  });
});
