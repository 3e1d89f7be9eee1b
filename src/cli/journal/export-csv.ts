import { formatDecimal, type MeasuredValue, type MeterSample } from '../../../hal/contract/index.ts';
import {
  decodeEntry,
  entryToJson,
  formatTime,
  type ClockStatus,
  type JournalEntry,
} from '../../journal/index.ts';
import { isIndex, type ExportFormat } from './export-format.ts';
import { lastLine } from './export-records.ts';
import { harmlessLine } from '../output.ts';

/** Quantities with a column of their own: those that most meters have. Any other stands in `other values`. */
const QUANTITIES: readonly (readonly [name: string, unit: string, obis: string])[] = [
  ['energy import', 'Wh', '1-0:1.8.0*255'],
  ['energy export', 'Wh', '1-0:2.8.0*255'],
  ['reactive energy import', 'varh', '1-0:3.8.0*255'],
  ['reactive energy export', 'varh', '1-0:4.8.0*255'],
  ['power', 'W', '1-0:16.7.0*255'],
  ['power L1', 'W', '1-0:36.7.0*255'],
  ['power L2', 'W', '1-0:56.7.0*255'],
  ['power L3', 'W', '1-0:76.7.0*255'],
  ['reactive power', 'var', '1-0:131.7.0*255'],
  ['apparent power', 'VA', '1-0:9.7.0*255'],
  ['power factor', '1', '1-0:13.7.0*255'],
  ['voltage L1', 'V', '1-0:32.7.0*255'],
  ['voltage L2', 'V', '1-0:52.7.0*255'],
  ['voltage L3', 'V', '1-0:72.7.0*255'],
  ['current L1', 'A', '1-0:31.7.0*255'],
  ['current L2', 'A', '1-0:51.7.0*255'],
  ['current L3', 'A', '1-0:71.7.0*255'],
  ['frequency', 'Hz', '1-0:14.7.0*255'],
];
const COLUMN_OF = new Map(QUANTITIES.map(([, unit, obis], column) => [`${obis} ${unit}`, column]));

const HEAD = [
  ...['index', 'kind', 'time UTC', 'clock', 'boot', 'ms since boot', 'meter serial', 'profile'],
  ...QUANTITIES.map(([name, unit, obis]) => (unit === '1' ? `${name} ${obis}` : `${name} ${unit} ${obis}`)),
  ...['other values', 'not good', 'details'],
];

const CLOCKS: Readonly<Record<ClockStatus, string>> = {
  U: 'unknown',
  I: 'informative',
  S: 'synchronised',
  R: 'relative',
};

/**
 * For people with a spreadsheet (RFC 4180): one row an entry, one column a quantity, numbers exactly as the meter gave
 * them. The columns are the same for every station, so that files can be put below one another and a file can be
 * continued without reading it. A value that is not good is never in its column: it stands in `not good`.
 */
export const CSV: ExportFormat = {
  header: row(HEAD),
  entry: ({ cose }) => row(cellsOf(decodeEntry(cose).entry)),
  missing: ({ from, to }) =>
    row([
      ...[String(from), 'missing', ...Array.from({ length: HEAD.length - 3 }, () => '')],
      `entries ${from} to ${to - 1} are in the log no more: a signed entry behind them says why`,
    ]),
  find: lastLine,
  place(record) {
    const [first = '', kind = ''] = record.subarray(0, 64).toString('latin1').split(',');
    const index = /^\d+$/.test(first) ? Number(first) : undefined;
    if (!isIndex(index)) return undefined;
    return kind === 'missing' ? { kind, from: index } : { kind: 'entry', index };
  },
};

function cellsOf(entry: JournalEntry): string[] {
  const { index, kind, timeMs, clock, bootCount, sinceBootMs } = entry;
  const { sample, rest } = partsOf(entry);
  const values = valueCells(sample);
  return [
    ...[String(index), kind, spreadsheetTime(timeMs), CLOCKS[clock], String(bootCount), String(sinceBootMs)],
    ...[text(sample?.meterSerial ?? ''), text(sample?.profileId ?? '')],
    ...values,
    text(rest === undefined ? '' : JSON.stringify(rest)),
  ];
}

/** What a session entry holds beside these, a meter's signed record, is too long for a cell. */
const SESSION_DETAILS = ['sessionId', 'evseId'] as const;

/** The sample in an entry, and what else its body says. */
function partsOf(entry: JournalEntry): { sample?: MeterSample; rest?: unknown } {
  if (entry.kind === 'reading') return { sample: entry.body };
  if (entry.kind !== 'session-begin' && entry.kind !== 'session-end')
    return { rest: entryToJson(entry)['body'] };
  const { body } = entry;
  const rest = Object.fromEntries(SESSION_DETAILS.map((name) => [name, body[name]]));
  return { sample: body.reading, rest };
}

function valueCells(sample: MeterSample | undefined): string[] {
  const columns = QUANTITIES.map(() => '');
  const others: string[] = [];
  const notGood: string[] = [];
  for (const measured of sample?.values ?? []) {
    const { obis, value, unit, quality } = measured;
    const column = COLUMN_OF.get(`${obis} ${unit}`);
    if (quality !== 'G') notGood.push(`${spelledOut(measured)} ${quality}`);
    else if (column === undefined || columns[column] !== '') others.push(spelledOut(measured));
    else columns[column] = formatDecimal(value);
  }
  return [...columns, text(others.join('; ')), text(notGood.join('; '))];
}

function spelledOut({ obis, value, unit }: MeasuredValue): string {
  return `${obis} ${formatDecimal(value)} ${unit}`;
}

/** `2026-01-01 00:00:01.000`: what spreadsheets take for a time; the T and Z of ISO 8601 make it a mere text for them. */
function spreadsheetTime(timeMs: number): string {
  return formatTime(timeMs).replace('T', ' ').replace(/Z$/, '');
}

/** A cell that came from elsewhere. One that begins like a formula would be run by the spreadsheet: it gets an apostrophe. */
function text(from: string): string {
  const line = harmlessLine(from);
  return /^[=+\-@]/.test(line) ? `'${line}` : line;
}

/** RFC 4180 §2. No cell of ours holds a line end, so that one row is one line. */
function row(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;
}
