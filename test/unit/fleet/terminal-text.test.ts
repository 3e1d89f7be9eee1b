import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../support/fleet/any-text.ts';
import { cell, fitted, flowed, span, widthOf, wrapped } from '../../../src/fleet/view/screen/lines.ts';
import { asciiOnly, clipped, columnsOf, plainText } from '../../../src/fleet/view/screen/terminal-text.ts';
import {
  age,
  bytes,
  groupedDigits,
  heldFor,
  instant,
  short,
  sparkline,
} from '../../../src/fleet/view/screen/words.ts';

const anything = anyText(40);

describe('text on a terminal', () => {
  it.each([
    ['station', 7],
    ['Straße', 6],
    ['東京', 4],
    ['한국', 4],
    ['ｆｕｌｌ', 8],
    ['ﾊﾝｶｸ', 4],
    ['⚡', 2],
    ['👍', 2],
    ['e\u0301', 1],
    ['ก็', 1],
    ['→', 1],
    ['▁▂▃', 3],
  ])('takes as many columns as terminals give it: %s', (text, columns) => {
    expect(columnsOf(plainText(text))).toBe(columns);
  });

  it('holds nothing that steers a terminal', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(plainText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u);
        expect(plainText(plainText(text))).toBe(plainText(text));
      }),
    );
    expect(plainText('a\u001b[31mb\u202ec\r\n')).toBe('a\ufffd[31mb\ufffdc\ufffd\ufffd');
  });

  it('is cut or filled to the column, and no wide character is halved', () => {
    expect(clipped('東京都', 5)).toBe('東京…');
    expect(clipped('東京都', 4)).toBe('東…');
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 30 }), (text, columns) => {
        const filled = cell(text, columns);
        expect(columnsOf(filled.text)).toBe(columns);
        expect(widthOf(fitted([span(text), span(text)], columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('flows over lines without losing a piece', () => {
    const pieces = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 20, max: 60 }), (words, columns) => {
        const lines = flowed(
          [span(' head')],
          words.map((word) => [span(word)]),
          columns,
        );
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        const flat = lines.flat().map(({ text }) => text.trim());
        expect(flat.filter((text) => text !== '')).toEqual(['head', ...words]);
      }),
    );
    expect(wrapped('word '.repeat(100), 2, 20, 'plain', 3)).toHaveLength(3);
  });

  it('is ASCII where the terminal knows no more', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(asciiOnly(plainText(text))).toMatch(/^[ -~]*$/);
      }),
    );
    expect(asciiOnly('▁▄█ → 東…')).toBe('_-# > ?~');
  });
});

describe('a figure', () => {
  it('is short and no more exact than it is', () => {
    expect([0, 9_999, 42_000, 119_000, 3_600_000 * 5, 86_400_000 * 4, 1e300].map(age)).toEqual([
      'now',
      'now',
      '42s',
      '1m',
      '5h',
      '4d',
      '-',
    ]);
    expect([0, 99_999, 100_000, 12_345_678, 1e15].map(short)).toEqual(['0', '99999', '100k', '12M', '>9G']);
    expect([0, 1_023, 1_024, 5_000_000, 1e13].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '4.8 MiB',
      '9.1 TiB',
    ]);
    expect(groupedDigits('-1234567.8900')).toBe('-1 234 567.8900');
    expect(instant(1e300)).toBe('-');
    expect(sparkline([0, null, 5, -10])).toBe('▁ ▅█');
  });

  it('says at least how long where nobody knows when a list was new', () => {
    expect(heldFor({ asOfMs: 200_000, takenAtMs: null }, 50_000, 9e12)).toBe('>2m');
    expect(heldFor({ asOfMs: 200_000, takenAtMs: 1_000_000 }, 50_000, 1_060_000)).toBe('3m');
  });
});
