import type { Measure, Row, Table, Unit } from './bench.ts';

/** What is said of one figure. */
export interface Figure {
  readonly unit: Unit;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
  /** Median over the rounds of this subject's figure by the baseline's; absent for the baseline, and where it has none or 0. */
  readonly ratio?: number;
}

export interface ReportedRow {
  readonly subject: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

export interface ReportedTable extends Omit<Table, 'rows'> {
  readonly rows: readonly ReportedRow[];
}

export function report({ rows, ...table }: Table): ReportedTable {
  const baseline = rows.find(({ subject }) => subject === table.baseline);
  if (baseline === undefined) throw new Error(`${table.title}: there is no row "${table.baseline}"`);
  return { ...table, rows: rows.map((row) => reportRow(row, baseline)) };
}

function reportRow(row: Row, baseline: Row): ReportedRow {
  const figures = Object.entries(row.measures).map(([name, measure]) => {
    const base = row === baseline ? undefined : baseline.measures[name];
    return [name, figure(measure, base)] as const;
  });
  return { subject: row.subject, figures: Object.fromEntries(figures) };
}

function figure({ unit, samples }: Measure, base: Measure | undefined): Figure {
  const summary = { unit, median: median(samples), low: Math.min(...samples), high: Math.max(...samples) };
  const rounds = samples.length;
  // Nothing can be told as a multiple of nothing.
  if (base === undefined || median(base.samples) === 0) return { ...summary, rounds };
  return { ...summary, rounds, ratio: ratio(samples, base.samples) };
}

/** Round by round where both were measured side by side: what slows both down then cancels out. */
function ratio(samples: readonly number[], base: readonly number[]): number {
  if (samples.length !== base.length) return median(samples) / median(base);
  return median(samples.map((sample, round) => sample / (base[round] ?? NaN)));
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below, above] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (below === undefined || above === undefined) throw new Error('nothing was measured');
  return (below + above) / 2;
}

/** A table for people: median, range in brackets where there were several rounds, ratio to the baseline. */
export function formatTable({ title, baseline, rows, notes }: ReportedTable): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const cells = [
    ['', ...columns],
    ...rows.map(({ subject, figures }) => [
      subject === baseline ? `${subject} (baseline)` : subject,
      ...columns.map((name) => formatFigure(figures[name])),
    ]),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return [title, ...lines.map((line) => `  ${line}`), ...notes.map((note) => `  - ${note}`)].join('\n');
}

/** The same as a Markdown table, as docs/performance.md has it; its notes are for whoever writes the text around it. */
export function formatMarkdown({ title, rows, notes }: ReportedTable): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `${title}:`,
    '',
    line(['', ...columns]),
    line(Array.from({ length: columns.length + 1 }, () => '---')),
    ...rows.map(({ subject, figures }) =>
      line([subject, ...columns.map((name) => formatFigure(figures[name]))]),
    ),
    '',
    ...notes.map((note) => `- ${note}`),
  ].join('\n');
}

function formatFigure(found: Figure | undefined): string {
  if (found === undefined) return '';
  const { unit, median: middle, low, high, ratio: times } = found;
  const range = low === high ? '' : ` [${round(low)}..${round(high)}]`;
  const suffix = unit === 'count' ? '' : ` ${unit}`;
  return `${round(middle)}${suffix}${range}${times === undefined ? '' : ` x${round(times)}`}`;
}

/** Three significant digits: more would be noise. */
function round(value: number): string {
  return Math.abs(value) >= 1_000 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
}
