import { flowed, span, type Line, type Style } from './lines.ts';

/** `── meters ──────────` */
export function heading(title: string, columns: number): Line {
  const rule = Math.max(0, columns - title.length - 4);
  return [span('── ', 'dim'), span(title, 'bold'), span(` ${'─'.repeat(rule)}`, 'dim')];
}

/** A named figure. */
export function figureOf(name: string, value: string, style: Style = 'plain'): Line {
  return [span(`${name} `, 'dim'), span(value, style)];
}

/** A section of named figures, on as many lines as they take; nothing where there is none. */
export function figuresSection(title: string, figures: readonly (Line | null)[], columns: number): Line[] {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? [] : [heading(title, columns), ...flowed([span(' ')], known, columns, '   ')];
}
