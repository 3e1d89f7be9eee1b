import type { StationDetail } from '../model/station-detail.ts';
import type { StationSummary } from '../model/station-summary.ts';
import { troubleOf } from '../model/trouble.ts';
import { count, part, text } from '../model/fields.ts';
import { healthSection, metersSection, linesSection } from './equipment-sections.ts';
import { linkState, type LinkView, type Size } from './fleet-screen.ts';
import { fitted, filled, span, type Line } from './lines.ts';
import { changesSection, logLines, logSection } from './log-sections.ts';
import {
  configSection,
  journalSection,
  machineSection,
  syncSection,
  telemetrySection,
} from './record-sections.ts';
import { age, ageOf, instant } from './words.ts';

export interface StationView {
  readonly link: LinkView;
  readonly name: string;
  /** Undefined: nothing was heard of it yet. */
  readonly summary: StationSummary | undefined;
  readonly detail: StationDetail;
  readonly page: 'station' | 'log';
  /** Lines that are scrolled away: from the beginning of the page, from the end of the log. */
  readonly scrolled: number;
  readonly nowMs: number;
}

/** Lines of the station view that do not scroll. */
export const STATION_CHROME = 4;
/** More than a message is on its way. */
const FAR_MS = 30_000;
/** From here on there are two columns. */
const TWO_COLUMNS = 150;

/** One station, at most `rows` lines of at most `columns`. Pure. */
export function stationScreen(view: StationView, size: Size): Line[] {
  const room = Math.max(1, size.rows - STATION_CHROME);
  const body = bodyOf(view, size.columns);
  const from = topOf(view, body.length, room);
  const shown = body.slice(from, from + room);
  return [
    ...headLines(view),
    [],
    ...shown,
    ...Array.from({ length: Math.max(0, room - shown.length) }, (): Line => []),
    footLine(view, from, shown.length, body.length),
  ].map((line) => fitted(line, size.columns));
}

/** How far the page can be scrolled. */
export function stationScrollRange(view: StationView, size: Size): number {
  return Math.max(0, bodyOf(view, size.columns).length - Math.max(1, size.rows - STATION_CHROME));
}

/** All of it, for a pipe. */
export function stationPage(view: StationView, columns: number): Line[] {
  return [...headLines(view), [], ...bodyOf(view, columns)].map((line) => fitted(line, columns));
}

function bodyOf(view: StationView, columns: number): Line[] {
  const { detail, nowMs, page } = view;
  if (page === 'log') return logLines(detail.log, columns);
  const wide = columns >= TWO_COLUMNS;
  const own = wide ? Math.floor((columns - 3) / 2) : columns;
  const equipment = [
    ...healthSection(detail, view.summary, nowMs, own),
    ...metersSection(detail, nowMs, own),
    ...linesSection(detail, own),
  ];
  const records = [
    ...journalSection(detail, nowMs, own),
    ...syncSection(detail, view.summary, nowMs, own),
    ...configSection(detail, own),
    ...telemetrySection(detail, own),
    ...machineSection(detail, own),
    ...changesSection(detail, own),
    ...logSection(detail, own),
  ];
  return wide ? besides(equipment, records, own) : [...equipment, ...records];
}

function besides(left: readonly Line[], right: readonly Line[], columns: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, row) => [
    ...filled(left[row] ?? [], columns),
    span('   '),
    ...(right[row] ?? []),
  ]);
}

function topOf({ page, scrolled }: StationView, lines: number, room: number): number {
  const range = Math.max(0, lines - room);
  return page === 'log' ? Math.max(0, range - scrolled) : Math.min(range, scrolled);
}

function headLines({ name, summary, detail, link, nowMs }: StationView): Line[] {
  const state = summary === undefined ? undefined : troubleOf(summary);
  const presence = summary?.presence ?? null;
  const word: Line =
    presence === null
      ? [span('no status heard', 'yellow')]
      : presence.online
        ? [span('online', 'green'), ...(state === 'fault' ? [span('  FAULT', 'red')] : [])]
        : [span(`OFFLINE (${presence.reason ?? '-'}): what follows is old`, 'red')];
  const { status, state: station } = detail.documents;
  const boot = part(status?.['boot']);
  const reason = text(boot['reason']) ?? text(part(station?.['boot'])['reason']) ?? '';
  return [
    [
      ...[
        span(name, 'bold'),
        span('  '),
        ...word,
        span(`  seen ${ageOf(summary?.lastSeenMs ?? null, nowMs)}`),
      ],
      ...[span('  '), ...(link.connected ? [] : linkState(link))],
    ],
    [
      span(`version ${summary?.version ?? '-'}`),
      span(`  up ${age(count(station?.['uptimeMs']))}`),
      span(`  boot ${count(boot['count']) ?? '-'}${reason === '' ? '' : ` (${reason})`}`),
      ...clockSpans(detail),
      span(`  MQTT ${text(status?.['mqtt'], 8) ?? '-'}, session ${count(status?.['session']) ?? '-'}`),
    ],
  ];
}

/** What the station takes for the time, what that is worth (docs/telemetry.md), and how far it is from the desk's. */
function clockSpans({ documents, clockAheadMs }: StationDetail): Line {
  const { state } = documents;
  if (state === undefined) return [];
  const clock = text(state['clock'], 2) ?? '-';
  const isFar = clockAheadMs !== null && Math.abs(clockAheadMs) > FAR_MS;
  return [
    span(`  clock ${clock}`, clock === 'S' ? 'plain' : 'yellow'),
    span(` ${instant(count(state['time']))}`),
    ...(isFar
      ? [span(` ${age(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`, 'red')]
      : []),
  ];
}

function footLine({ page }: StationView, from: number, shown: number, lines: number): Line {
  const range = lines === 0 ? 'nothing yet' : `${from + 1}-${from + shown} of ${lines} lines`;
  const other = page === 'log' ? 'l: station' : 'l: log';
  return [span(`${range}   ${other}   up/down: scroll   esc: back   ?: help   q: quit`, 'dim')];
}
