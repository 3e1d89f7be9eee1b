import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expositionText } from '../../../../src/telemetry/outlets/exposition.ts';
import { parseExposition } from '../../../support/telemetry/exposition-parser.ts';

const family = (labels: Record<string, string>, value: string | number = 1) =>
  ({ name: 'a_total', type: 'counter', help: 'What a is.', samples: [{ labels, value }] }) as const;

describe('the text of figures', () => {
  it('is HELP, TYPE and a line for each value', () => {
    expect(expositionText([family({ meter: 'evse1', obis: '1-0:1.8.0*255' }, '12.50')])).toBe(
      '# HELP a_total What a is.\n# TYPE a_total counter\na_total{meter="evse1",obis="1-0:1.8.0*255"} 12.50\n',
    );
    expect(expositionText([family({})])).toContain('\na_total 1\n');
  });

  it('is empty where there is no value', () => {
    expect(expositionText([{ ...family({}), samples: [] }])).toBe('');
  });

  it('escapes backslash, quote and line feed, and shows no control character', () => {
    expect(expositionText([family({ x: 'a"b\\c\nd\0e\rf' })])).toContain(
      '{x="a\\"b\\\\c\\nd\ufffde\ufffdf"}',
    );
  });

  it('can be parsed whatever the labels are, and says the same', () => {
    const label = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 16 }),
      fc.string({ unit: fc.constantFrom('"', '\\', '\n', '{', '}', ',', '=', ' ', '#', 'n'), maxLength: 12 }),
    );
    const samples = fc.array(fc.record({ x: label, y: label }), { maxLength: 4 });
    fc.assert(
      fc.property(samples, fc.bigInt(), (all, value) => {
        const text = expositionText([
          { ...family({}), samples: all.map((labels) => ({ labels, value: value.toString() })) },
        ]);
        const parsed = parseExposition(Buffer.from(text).toString('utf8')).get('a_total');
        const shown = (one: string): string => one.replace(/[\x00-\x09\x0b-\x1f\x7f]/g, '\ufffd');
        const expected = new Set(all.map(({ x, y }) => JSON.stringify([shown(x), shown(y)])));
        const found = (parsed?.samples ?? []).map(({ labels }) => JSON.stringify([labels['x'], labels['y']]));
        expect(new Set(found)).toEqual(expected);
        expect(found).toHaveLength(expected.size);
        expect((parsed?.samples ?? []).every((one) => one.value === value.toString())).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused for a name or a number that the format does not have', () => {
    expect(() => expositionText([{ ...family({}), name: 'a-b' }])).toThrow(RangeError);
    expect(() => expositionText([family({ 'a-b': 'x' })])).toThrow(RangeError);
    expect(() => expositionText([family({}, Number.NaN)])).toThrow(RangeError);
    expect(() => expositionText([family({}, '1,5')])).toThrow(RangeError);
  });
});
