import { asciiOnly, clipped, columnsOf, plainText } from './terminal-text.ts';

// A screen as data: lines of spans. Text of strangers becomes plain text where a span is made, and nowhere later.

export const STYLES = {
  plain: '',
  bold: '1',
  dim: '2',
  inverse: '7',
  red: '1;31',
  green: '32',
  yellow: '33',
  cyan: '36',
} as const;
export type Style = keyof typeof STYLES;
const COLOURS: readonly Style[] = ['red', 'green', 'yellow', 'cyan'];

export interface Span {
  readonly text: string;
  readonly style: Style;
  readonly columns: number;
}

export type Line = readonly Span[];

/** The only way to a span: whoever wrote the text. */
export function span(text: string, style: Style = 'plain'): Span {
  const plain = plainText(text);
  return { text: plain, style, columns: columnsOf(plain) };
}

/** Cut or filled to exactly so many columns. */
export function cell(
  text: string,
  columns: number,
  style: Style = 'plain',
  align: 'left' | 'right' = 'left',
): Span {
  const plain = clipped(plainText(text), columns);
  const fill = ' '.repeat(Math.max(0, columns - columnsOf(plain)));
  return { text: align === 'left' ? plain + fill : fill + plain, style, columns };
}

export function widthOf(line: Line): number {
  return line.reduce((sum, { columns }) => sum + columns, 0);
}

/** A line that fits into so many columns. */
export function fitted(line: Line, columns: number): Line {
  if (widthOf(line) <= columns) return line;
  const kept: Span[] = [];
  let left = columns;
  for (const part of line) {
    if (left <= 0) break;
    const text = clipped(part.text, left);
    kept.push({ text, style: part.style, columns: columnsOf(text) });
    left -= columnsOf(text);
  }
  return kept;
}

/** A line that fills so many columns. */
export function filled(line: Line, columns: number): Line {
  const fit = fitted(line, columns);
  return [...fit, span(' '.repeat(Math.max(0, columns - widthOf(fit))))];
}

/** Pieces side by side, on as many lines as they take; the lines after the first are set in. */
export function flowed(head: Line, pieces: readonly Line[], columns: number, gap = '  '): Line[] {
  const indent = ' '.repeat(Math.min(widthOf(head), Math.floor(columns / 2)));
  const lines: Line[] = [];
  let line: Line = head;
  let isFresh = true;
  for (const piece of pieces) {
    if (!isFresh && widthOf(line) + gap.length + widthOf(piece) > columns) {
      lines.push(line);
      line = [span(indent)];
      isFresh = true;
    }
    line = isFresh ? [...line, ...piece] : [...line, span(gap), ...piece];
    isFresh = false;
  }
  return [...lines, line];
}

/** Words of one text on as many lines as they take, at most `most`. */
export function wrapped(text: string, indent: number, columns: number, style: Style, most = 4): Line[] {
  const words = plainText(text)
    .split(' ')
    .filter((word) => word !== '');
  const lines = flowed(
    [span(' '.repeat(indent))],
    words.map((word) => [span(word, style)]),
    columns,
    ' ',
  );
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), [...(lines[most - 1] ?? []), span(' …', style)]];
}

/** What the terminal can do. */
export interface Paint {
  readonly colour: boolean;
  /** Bold, dim and inverse; false where not even those are to be sent. */
  readonly styles: boolean;
  readonly unicode: boolean;
}

/** As bytes for a terminal: styles are ended on the line that began them. */
export function painted(line: Line, { colour, styles, unicode }: Paint): string {
  return line
    .map(({ text, style }) => {
      const shown = unicode ? text : asciiOnly(text);
      const code = !styles
        ? ''
        : colour || !COLOURS.includes(style)
          ? STYLES[style]
          : style === 'red'
            ? '1'
            : '';
      return code === '' ? shown : `\u001b[${code}m${shown}\u001b[0m`;
    })
    .join('');
}

export function textOf(line: Line): string {
  return painted(line, { colour: false, styles: false, unicode: true }).trimEnd();
}
