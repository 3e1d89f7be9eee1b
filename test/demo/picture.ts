// The panel as a picture for the README: ANSI text to SVG, with the styles that panel.ts uses.

const CELL = { width: 8.4, height: 18 };
const MARGIN = 16;
const COLOURS: Record<string, string> = {
  '2': 'fill="#7d8590"',
  '31': 'fill="#ff7b72"',
  '32': 'fill="#56d364"',
  '33': 'fill="#e3b341"',
  '36': 'fill="#79c0ff"',
  '1': 'fill="#f0f6fc" font-weight="bold"',
};

/** An SVG document of the lines, as a terminal would show them. */
export function pictureOf(lines: readonly string[]): string {
  const columns = Math.max(...lines.map((line) => [...line.replace(/\u001b\[\d+m/g, '')].length));
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = lines.length * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">`,
    ...lines.map((line, row) => textRow(line, MARGIN + (row + 0.8) * CELL.height)),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function textRow(line: string, y: number): string {
  let column = 0;
  let style = '';
  const spans: string[] = [];
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
    if (code !== undefined) {
      style = COLOURS[code] ?? '';
      continue;
    }
    const length = [...part].length;
    if (part.trim() !== '') {
      // The length is given, so that every renderer keeps the columns whatever font it has.
      const x = (MARGIN + column * CELL.width).toFixed(1);
      const wide = (length * CELL.width).toFixed(1);
      spans.push(
        `<tspan x="${x}" textLength="${wide}" lengthAdjust="spacingAndGlyphs" ${style}>${escape(part)}</tspan>`,
      );
    }
    column += length;
  }
  return `<text y="${y.toFixed(1)}" xml:space="preserve">${spans.join('')}</text>`;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
