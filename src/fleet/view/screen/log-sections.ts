import type { HealthChangeLine, LogLine, StationDetail } from '../model/station-detail.ts';
import type { Fields } from '../model/fields.ts';
import { cell, flowed, span, type Line, type Style } from './lines.ts';
import { heading } from './section.ts';
import { timeOfDay } from './words.ts';

const TAIL = 10;
const LEVEL_STYLE = { error: 'red', warning: 'yellow', info: 'plain', debug: 'dim' } as const;

/** The newest changes of health, newest first. */
export function changesSection({ changes }: StationDetail, columns: number): Line[] {
  if (changes.length === 0) return [];
  const shown = changes.slice(-TAIL).reverse();
  return [heading('raised and cleared', columns), ...shown.map((change) => changeLine(change))];
}

function changeLine({ type, code, severity, subject, detail, atMs, sinceBootMs }: HealthChangeLine): Line {
  const style: Style = type === 'clear' ? 'green' : severity === 'fault' ? 'red' : 'yellow';
  return [
    span(` ${moment(atMs, sinceBootMs)}  `, 'dim'),
    cell(type === 'clear' ? 'clear' : 'RAISE', 6, style),
    span(`${code}${subject === null ? '' : ` ${subject}`}`, style),
    span(`  ${detail}`),
  ];
}

/** The last lines of the log. */
export function logSection({ log }: StationDetail, columns: number): Line[] {
  const tail = log.slice(-TAIL).map((line) => logLine(line));
  const none: Line[] = [
    [
      span(
        ' nothing since this was opened (a station publishes warnings and errors unless it is asked for more)',
        'dim',
      ),
    ],
  ];
  return [heading('log', columns), ...(tail.length === 0 ? none : tail)];
}

/** All that is kept of the log, each line in full. */
export function logLines(log: readonly LogLine[], columns: number): Line[] {
  return log.flatMap((line) => {
    const [head = span(''), ...rest] = logLine(line);
    return flowed(
      [head],
      rest.map((one) => [one]),
      columns,
      '',
    );
  });
}

function logLine({ level, event, fields, atMs, sinceBootMs }: LogLine): Line {
  return [
    span(` ${moment(atMs, sinceBootMs)}  `, 'dim'),
    cell(level, 8, LEVEL_STYLE[level]),
    span(event, 'bold'),
    ...Object.entries(fields)
      .slice(0, 24)
      .map(([key, value]) => span(`  ${key}=${fieldText(value)}`)),
  ];
}

function fieldText(value: Fields[string]): string {
  const words = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return words.length <= 160 ? words : `${words.slice(0, 159)}…`;
}

/** By the clock where it is known, otherwise since boot. */
function moment(atMs: number | null, sinceBootMs: number | null): string {
  if (atMs !== null) return timeOfDay(atMs);
  return sinceBootMs === null ? '--:--:--' : `+${Math.floor(sinceBootMs / 1_000)}s`;
}
