import type { MeterDetail, ShownReading } from '../model/meter-detail.ts';
import { POWER_TRAIL_MINUTES, trailOf } from '../model/power.ts';
import type { StationDetail } from '../model/station-detail.ts';
import { count, part, parts, text, type Fields } from '../model/fields.ts';
import { HEALTH_WORDS, type StationSummary } from '../model/station-summary.ts';
import { cell, flowed, span, widthOf, wrapped, type Line, type Style } from './lines.ts';
import { obisWords } from './obis-words.ts';
import { figureOf, heading } from './section.ts';
import { age, grouped, groupedDigits, heldFor, sparkline } from './words.ts';

const STATE_STYLE: Readonly<Record<string, Style>> = {
  ...{ fault: 'red', silent: 'red', warning: 'yellow', failing: 'yellow', unknown: 'dim' },
  ...{ ok: 'green', answering: 'green', open: 'green', waiting: 'red' },
};

export function styleOf(state: string | null): Style {
  return state !== null && Object.hasOwn(STATE_STYLE, state) ? (STATE_STYLE[state] ?? 'plain') : 'plain';
}

/** What is wrong, with what to do about it; what is well on one line. */
export function healthSection(
  { documents }: StationDetail,
  summary: StationSummary | undefined,
  nowMs: number,
  columns: number,
): Line[] {
  const { health } = documents;
  if (health === undefined) return [heading('health', columns), [span(' no list heard yet', 'dim')]];
  const items = parts(health['items'], 64);
  const held = (sinceMs: number): string => (summary?.health ? heldFor(summary.health, sinceMs, nowMs) : '-');
  const bad = items.filter(({ state }) => state !== 'ok');
  const well = items.filter(({ state }) => state === 'ok').map((item): Line => [span(nameOf(item), 'green')]);
  const omitted = count(health['omitted']) ?? 0;
  return [
    heading(`health: ${text(health['state'], 16) ?? '-'}`, columns),
    ...bad.flatMap((item) => itemLines(item, held, columns)),
    ...(well.length === 0 ? [] : flowed([span(' ok       ', 'dim')], well, columns, ', ')),
    ...(omitted > 0 ? [[span(` ${omitted} more that had no room`, 'dim')]] : []),
  ];
}

function itemLines(item: Fields, held: (sinceMs: number) => string, columns: number): Line[] {
  const state = HEALTH_WORDS.find((word) => word === item['state']) ?? 'unknown';
  const sinceMs = count(item['sinceMs']);
  const since = sinceMs === null ? '' : `  since ${held(sinceMs)}`;
  const advice = text(item['advice'], 400);
  return [
    [
      cell(` ${state === 'fault' ? 'FAULT' : state}`, 10, styleOf(state)),
      ...[
        span(nameOf(item), 'bold'),
        span(`  ${text(item['code']) ?? ''}`, styleOf(state)),
        span(since, 'dim'),
      ],
    ],
    ...wrapped(text(item['detail'], 400) ?? '', 10, columns, 'plain'),
    ...(advice === null ? [] : wrapped(`→ ${advice}`, 10, columns, 'cyan')),
  ];
}

function nameOf(item: Fields): string {
  return [text(item['check'], 24), text(item['subject'], 40)].filter((word) => word).join(' ');
}

/** Each meter with its power of the last five minutes, then the values of each. */
export function metersSection({ meters, booted }: StationDetail, nowMs: number, columns: number): Line[] {
  const sorted = [...meters].sort(([one], [other]) => (one < other ? -1 : 1));
  if (sorted.length === 0) return [heading('meters', columns), [span(' none heard yet', 'dim')]];
  const bootNow = booted === null ? null : nowMs - booted.atMs;
  return [
    heading(`meters (power of ${POWER_TRAIL_MINUTES} minutes)`, columns),
    ...sorted.flatMap(([id, meter]) => meterLines(id, meter, booted?.boot ?? null, bootNow, columns)),
  ];
}

function meterLines(
  id: string,
  meter: MeterDetail,
  boot: number | null,
  bootNowMs: number | null,
  columns: number,
): Line[] {
  const { status, readings, newest, windowSamples } = meter;
  const state = text(status?.['state'], 16) ?? '-';
  const lastMs = newest?.endMs ?? count(status?.['lastSampleMs']);
  const isThisBoot = newest === null || newest.boot === boot;
  const ageMs = lastMs === null || bootNowMs === null || !isThisBoot ? null : Math.max(0, bootNowMs - lastMs);
  const identity = part(status?.['meter']);
  const failure = text(status?.['failure'], 48);
  const head: Line = [
    ...[span(' '), cell(id, 12, 'bold'), span(' '), cell(state, 10, styleOf(state))],
    ...[cell(powerOf(readings), 12, 'plain', 'right'), span(' ')],
  ];
  const bars = sparkline(
    trailOf(meter.power, isThisBoot ? bootNowMs : null, barsFor(columns - widthOf(head))),
  );
  const facts: (Line | null)[] = [
    figureOf(
      'age',
      ageMs === null ? '-' : ageText(ageMs),
      ageMs !== null && ageMs > 60_000 ? 'yellow' : 'plain',
    ),
    ...(failure === null ? [] : [figureOf('failure', failure, 'red')]),
    figureOf('serial', text(identity['serial']) ?? '-'),
    figureOf('profile', text(identity['profile']) ?? '-'),
    named(status, 'line', (value) => text(value)),
    named(status, 'unitId', countText),
    named(status, 'samples', countText),
    named(status, 'failures', countText),
    named(status, 'skippedSlots', countText, 'skipped'),
    named(status, 'implausible', countText),
    named(part(status?.['unit']), 'breaker', (value) => text(value)),
    windowSamples === null ? null : figureOf('window of', `${windowSamples} readings`),
  ];
  const values = [...readings.values()].sort((one, other) => (one.obis < other.obis ? -1 : 1));
  return [
    [...head, span(bars, 'cyan')],
    ...flowed(
      [span('   ')],
      facts.filter((fact) => fact !== null),
      columns,
    ),
    ...valueLines(values, newest, columns),
  ];
}

function barsFor(columns: number): number {
  return Math.max(0, Math.min(60, columns));
}

function ageText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(0)}s` : age(ms);
}

function countText(value: unknown): string | null {
  const known = count(value);
  return known === null ? null : grouped(known);
}

export function named(
  fields: Fields | null | undefined,
  key: string,
  word: (value: unknown) => string | null,
  shown = key,
): Line | null {
  const value = word(fields?.[key]);
  return value === null ? null : figureOf(shown, value);
}

function powerOf(readings: ReadonlyMap<string, ShownReading>): string {
  const power = [...readings.values()].find(({ obis }) => /^1-\d+:16\.7\.0\*255$/.test(obis));
  if (power === undefined) return '';
  return power.quality === 'G'
    ? `${groupedDigits(power.mean ?? power.value)} ${power.unit}`
    : `quality ${power.quality}`;
}

const VALUE_COLUMNS = 38;

/** Values in columns; one that is older than the newest reading says how much. */
function valueLines(values: readonly ShownReading[], newest: MeterDetail['newest'], columns: number): Line[] {
  const across = Math.max(1, Math.floor((columns - 3) / VALUE_COLUMNS));
  const down = Math.ceil(values.length / across);
  return Array.from({ length: down }, (_, row): Line => [
    span('   '),
    ...Array.from({ length: across }, (__, at) => values[at * down + row]).flatMap((value) =>
      value === undefined ? [] : valueCells(value, newest),
    ),
  ]);
}

function valueCells(
  { obis, value, unit, quality, boot, endMs }: ShownReading,
  newest: MeterDetail['newest'],
): Line {
  const isOld = newest !== null && (newest.boot !== boot || newest.endMs - endMs > 1_500);
  const words = obisWords(obis);
  const style: Style = quality !== 'G' ? 'red' : isOld ? 'dim' : 'plain';
  const mark = quality !== 'G' ? `!${quality}` : '';
  return [
    cell(words === '' ? obis : words, 16, 'dim'),
    cell(`${groupedDigits(value)} ${unit === '1' ? '' : unit}`.trimEnd(), 17, style, 'right'),
    cell(` ${mark}`, 5, 'red'),
  ];
}

/** Requests, errors by code, and how long an answer takes. */
export function linesSection({ lines }: StationDetail, columns: number): Line[] {
  if (lines.size === 0) return [];
  const sorted = [...lines].sort(([one], [other]) => (one < other ? -1 : 1));
  return [heading('lines', columns), ...sorted.flatMap(([id, line]) => lineLines(id, line, columns))];
}

function lineLines(id: string, fields: Fields, columns: number): Line[] {
  const state = text(fields['state'], 16) ?? '-';
  const failure = text(fields['failure'], 48);
  const latency = part(fields['latencyMs']);
  const busy = count(fields['busyPermille']);
  const errors = Object.entries(part(fields['errors'])).slice(0, 16);
  const facts: (Line | null)[] = [
    ...(failure === null ? [] : [figureOf('failure', failure, 'red')]),
    named(part(fields['line']), 'device', (value) => text(value, 48)),
    named(fields, 'requests', countText),
    named(fields, 'answers', countText),
    ...errors.map(([code, times]): Line => figureOf(code, grouped(count(times)), 'yellow')),
    named(latency, 'mean', (value) => `${text(value, 12) ?? '-'} ms`, 'latency mean'),
    named(latency, 'max', (value) => `${text(value, 12) ?? '-'} ms`, 'max'),
    busy === null ? null : figureOf('busy', `${Math.round(busy / 10)} %`),
    named(fields, 'queued', countText),
  ];
  return flowed(
    [span(' '), cell(id, 12, 'bold'), span(' '), cell(state, 10, styleOf(state))],
    facts.filter((fact) => fact !== null),
    columns,
  );
}
