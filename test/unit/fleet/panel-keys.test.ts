import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../support/fleet/any-text.ts';
import { keysOf, type Key } from '../../../src/fleet/index.ts';
import {
  panelAt,
  panelStep,
  selectedIndex,
  topFor,
  type PanelState,
} from '../../../src/fleet/view/panel/panel-state.ts';

describe('keys', () => {
  it.each<[string, readonly Key[]]>([
    ['\u001b[A\u001bOB', ['up', 'down']],
    ['\u001b[5~\u001b[6~\u001b[1~\u001b[F', ['pageUp', 'pageDown', 'home', 'end']],
    ['\r\u007f\u0003\u001a\u000c', ['enter', 'backspace', 'interrupt', 'suspend', 'redraw']],
    ['/é東', [{ typed: '/é東' }]],
    ['\u001b[1;5C\u001b[200~x', [{ typed: 'x' }]],
    ['\u001b[<0;3;4M\u0000', []],
  ])('are read from what a terminal sends: %j', (input, keys) => {
    expect(keysOf(input, true)).toEqual({ keys, rest: '' });
  });

  it('wait for the rest of a sequence; a lone ESC is one when nothing comes', () => {
    expect(keysOf('x\u001b', false)).toEqual({ keys: [{ typed: 'x' }], rest: '\u001b' });
    expect(keysOf('\u001b[1', false)).toEqual({ keys: [], rest: '\u001b[1' });
    expect(keysOf('\u001b', true)).toEqual({ keys: ['escape'], rest: '' });
    expect(keysOf(`\u001b[${'1'.repeat(40)}`, false).rest).toBe('');
  });

  it('are the same however the bytes were cut', () => {
    const pieces = fc.array(fc.constantFrom('\u001b[A', '\u001b[6~', '\r', '\u001bOF', '\u0003'), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(pieces, fc.nat(), (sequences, cut) => {
        const whole = sequences.join('');
        const at = whole.length === 0 ? 0 : cut % whole.length;
        const first = keysOf(whole.slice(0, at), false);
        const second = keysOf(first.rest + whole.slice(at), false);
        expect([...first.keys, ...second.keys]).toEqual(keysOf(whole, true).keys);
      }),
    );
    fc.assert(
      fc.property(anyText(), (input) => {
        expect(keysOf(input, true).rest).toBe('');
      }),
    );
  });
});

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const FACTS = { names: NAMES, pageRows: 2, scrollRange: 5 };

function pressed(keys: readonly Key[], from: PanelState = panelAt(null)): PanelState {
  return keys.reduce((state, key) => panelStep(state, key, FACTS).state, from);
}

describe('a person at the panel', () => {
  it('marks rows, within the list', () => {
    const at = (keys: readonly Key[]): number => selectedIndex(pressed(keys), NAMES);
    expect(at([])).toBe(0);
    expect(at(['up'])).toBe(0);
    expect(at(['down', 'down', 'up'])).toBe(1);
    expect(at(['pageDown'])).toBe(2);
    expect(at(['end', 'down'])).toBe(4);
    expect(at([{ typed: 'jjk' }])).toBe(1);
  });

  it('keeps the mark on its station when the order changes, and in its place when that is gone', () => {
    const state = pressed(['down', 'down']);
    expect(selectedIndex(state, ['c', 'a', 'b'])).toBe(0);
    expect(selectedIndex(state, ['a', 'b', 'x', 'y'])).toBe(2);
    expect(selectedIndex(state, ['a'])).toBe(0);
    expect(selectedIndex(state, [])).toBe(-1);
  });

  it('looks at a station and its log, and goes back to the list where it was', () => {
    const station = pressed(['down', 'enter']);
    expect(station).toMatchObject({ page: 'station', station: 'b' });
    expect(pressed([{ typed: 'l' }], station)).toMatchObject({ page: 'log' });
    expect(pressed([{ typed: 'l' }, 'escape'], station)).toMatchObject({ page: 'station' });
    expect(pressed(['escape'], station)).toMatchObject({ page: 'fleet', station: null, selected: 'b' });
  });

  it('types a filter, in which letters are no commands', () => {
    const typing = pressed([{ typed: '/' }, { typed: 'q l' }]);
    expect(typing).toMatchObject({ isTyping: true, filter: 'q l' });
    expect(pressed(['backspace', 'enter'], typing)).toMatchObject({ isTyping: false, filter: 'q ' });
    expect(pressed(['escape'], typing)).toMatchObject({ isTyping: false, filter: '' });
    expect(pressed(['enter', 'escape'], typing)).toMatchObject({ filter: '', page: 'fleet' });
    expect(pressed([{ typed: '/pasted' }])).toMatchObject({ isTyping: true, filter: 'pasted' });
    expect(pressed([{ typed: 'x'.repeat(500) }], typing).filter).toHaveLength(64);
  });

  it('scrolls a page from its beginning and a log from its end, within them', () => {
    const station = pressed(['enter']);
    expect(pressed(['up', 'down', 'down'], station).scrolled).toBe(2);
    expect(pressed(['end', 'down'], station).scrolled).toBe(5);
    const log = pressed([{ typed: 'l' }], station);
    expect(pressed(['down', 'up', 'up'], log).scrolled).toBe(2);
    expect(pressed(['home'], log).scrolled).toBe(5);
    expect(pressed(['home', 'end'], log).scrolled).toBe(0);
  });

  it('quits with q or ctrl-c from everywhere but a filter, and asks for help with ?', () => {
    expect(panelStep(panelAt(null), { typed: 'q' }, FACTS).effect).toBe('quit');
    expect(panelStep(panelAt('a'), { typed: 'q' }, FACTS).effect).toBe('quit');
    const help = pressed([{ typed: '?' }]);
    expect(help.isHelp).toBe(true);
    expect(panelStep(help, { typed: 'q' }, FACTS)).toMatchObject({ effect: null, state: { isHelp: false } });
    for (const state of [help, pressed([{ typed: '/' }])])
      expect(panelStep(state, 'interrupt', FACTS).effect).toBe('quit');
  });

  it('sees the marked row, whatever the size of the screen', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(120), fc.integer({ min: 1, max: 30 }), (selected, before, rows) => {
        const top = topFor(selected, before, rows, 100);
        expect(selected).toBeGreaterThanOrEqual(top);
        expect(selected).toBeLessThan(top + rows);
        expect(top).toBeLessThanOrEqual(Math.max(0, 100 - rows));
      }),
    );
  });
});
