import type { Fleet } from '../model/fleet.ts';
import type { StationSummary } from '../model/station-summary.ts';
import { troubleOf, type Totals, type Trouble } from '../model/trouble.ts';
import { cell, fitted, span, type Line, type Span, type Style } from './lines.ts';
import { age, ageOf, bytes, grouped, heldFor, short } from './words.ts';

/** The link to the broker, as it is shown. */
export interface LinkView {
  /** Without user or password. */
  readonly broker: string;
  readonly connected: boolean;
  /** Why not; null while connected, or before the first attempt is over. */
  readonly failure: string | null;
  /** What the broker does not let us hear; null: nothing. */
  readonly refused: string | null;
}

export interface FleetView {
  readonly link: LinkView;
  readonly list: readonly StationSummary[];
  readonly totals: Totals;
  readonly heard: Fleet['heard'];
  readonly filter: string;
  readonly isTyping: boolean;
  /** Index in the list; -1: none. */
  readonly selected: number;
  /** Index of the first row that is shown. */
  readonly top: number;
  readonly nowMs: number;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Lines of the fleet view that are no stations. */
export const FLEET_CHROME = 5;

const SHOWN: Readonly<Record<Trouble, readonly [word: string, style: Style]>> = {
  fault: ['FAULT', 'red'],
  lost: ['lost', 'red'],
  warning: ['warn', 'yellow'],
  unknown: ['?', 'dim'],
  stopped: ['stop', 'dim'],
  ok: ['ok', 'green'],
};

interface Column {
  readonly head: string;
  readonly columns: number;
  readonly align: 'left' | 'right';
  /** The higher, the sooner it is left out on a narrow terminal. */
  readonly spare: number;
  readonly of: (station: StationSummary, nowMs: number) => readonly [string, Style];
}

const FIXED: readonly Column[] = [
  column('SINCE', 5, 'right', 0, (station, nowMs) => [sinceOf(station, nowMs), 'plain']),
  column('METERS', 6, 'right', 0, metersOf),
  column('BACKLOG', 7, 'right', 1, ({ journal }) => [short(journal?.backlog ?? null), 'plain']),
  column('ANCHOR', 9, 'right', 2, (station, nowMs) => [anchorOf(station, nowMs), 'plain']),
  column('VERSION', 9, 'left', 3, ({ version }) => [version ?? '-', 'plain']),
  column('UP', 4, 'right', 4, (station) => [upOf(station), 'plain']),
  column('SEEN', 4, 'right', 0, ({ lastSeenMs }, nowMs) => [ageOf(lastSeenMs, nowMs), 'plain']),
];
const STATE_COLUMNS = 5;
const MIN_NAME = 14;
const MIN_WORST = 20;

/** The list of a fleet: at most `rows` lines of at most `columns`. Pure. */
export function fleetScreen(view: FleetView, size: Size): Line[] {
  const room = Math.max(1, size.rows - FLEET_CHROME);
  const rows = view.list.slice(view.top, view.top + room);
  const table = fleetTable(rows, view.nowMs, size.columns, view.selected - view.top);
  return [
    titleLine(view),
    totalsLine(view),
    noteLine(view),
    ...table,
    ...Array.from({ length: Math.max(0, room - rows.length) }, (): Line => []),
    footLine(view, rows.length),
  ].map((line) => fitted(line, size.columns));
}

/** Heads and rows; the one at `selected` is marked. */
export function fleetTable(
  rows: readonly StationSummary[],
  nowMs: number,
  columns: number,
  selected = -1,
): Line[] {
  const shown = columnsFor(columns);
  const taken = 2 + STATE_COLUMNS + 2 + shown.reduce((sum, { columns: own }) => sum + own + 2, 0) + 2;
  const flexible = Math.max(MIN_NAME + MIN_WORST, columns - taken);
  const name = Math.min(40, Math.max(MIN_NAME, Math.floor(flexible * 0.42)));
  const worst = Math.min(60, flexible - name);
  const line = (
    state: string,
    style: Style,
    texts: readonly [string, string],
    cells: (of: Column) => Span,
  ): Line => [
    cell(state, STATE_COLUMNS, style),
    ...[span('  '), cell(texts[0], name, 'bold'), span('  '), cell(texts[1], worst, style)],
    ...shown.flatMap((one) => [span('  '), cells(one)]),
  ];
  const heads = line('STATE', 'dim', ['STATION', 'WORST'], ({ head, columns: own, align }) =>
    cell(head, own, 'dim', align),
  ).map((part) => ({ ...part, style: 'dim' as const }));
  return [
    [span('  '), ...heads],
    ...rows.map((station, row): Line => {
      const [word, style] = SHOWN[troubleOf(station)];
      const cells = line(word, style, [station.name, worstOf(station)], (of) => {
        const [text, own] = of.of(station, nowMs);
        return cell(text, of.columns, own, of.align);
      });
      if (row !== selected) return [span('  '), ...cells];
      return [span('▸ ', 'inverse'), ...cells.map((part) => ({ ...part, style: 'inverse' as const }))];
    }),
  ];
}

function column(
  head: string,
  columns: number,
  align: 'left' | 'right',
  spare: number,
  of: Column['of'],
): Column {
  return { head, columns, align, spare, of };
}

/** On a narrow terminal the columns that can be spared are left out; the station view has them all. */
function columnsFor(columns: number): readonly Column[] {
  const least = 2 + STATE_COLUMNS + 2 + MIN_NAME + 2 + MIN_WORST;
  let shown = FIXED;
  for (let spare = 4; spare > 0; spare--) {
    if (shown.reduce((sum, { columns: own }) => sum + own + 2, least) <= columns) break;
    shown = shown.filter((one) => one.spare !== spare);
  }
  return shown;
}

function worstOf(station: StationSummary): string {
  const { presence, health } = station;
  if (presence === null) return 'no status';
  if (!presence.online) return presence.reason ?? 'offline';
  if (health === null) return 'no health list';
  if (health.worst === null) return health.state === 'unknown' ? 'not all can be looked at' : '';
  const others = health.faults + health.warnings - 1;
  return `${health.worst.code} ${health.worst.name}${others > 0 ? ` +${others}` : ''}`;
}

function sinceOf({ presence, health, lastSeenMs }: StationSummary, nowMs: number): string {
  if (presence?.online !== true) return ageOf(lastSeenMs, nowMs);
  const worst = health?.worst ?? null;
  if (health === null || worst === null || worst.sinceMs === null) return '';
  return heldFor(health, worst.sinceMs, nowMs);
}

function metersOf({ meters, hasMoreMeters }: StationSummary): readonly [string, Style] {
  const answering = [...meters.values()].filter((state) => state === 'answering').length;
  const text = `${answering}/${meters.size}${hasMoreMeters ? '+' : ''}`;
  return [meters.size === 0 ? '-' : text, answering < meters.size ? 'yellow' : 'plain'];
}

/** Its age where it is known, otherwise the block that it is in. */
function anchorOf({ sync }: StationSummary, nowMs: number): string {
  const anchor = sync?.anchor ?? null;
  if (sync === null) return '-';
  if (anchor === null) return 'none';
  if (anchor.atMs !== null) return ageOf(anchor.atMs, nowMs);
  return anchor.block === null ? '-' : `#${anchor.block}`;
}

function upOf({ presence, state }: StationSummary): string {
  return presence?.online === true ? age(state?.uptimeMs ?? null) : '-';
}

function titleLine({ link, heard }: FleetView): Line {
  return [
    span('Delmonicos fleet', 'bold'),
    span(`  ${link.broker}  `, 'dim'),
    ...linkState(link),
    span(`  ${grouped(heard.messages)} messages, ${bytes(heard.bytes)}`, 'dim'),
  ];
}

/** Whether what is shown is of now. */
export function linkState({ connected, failure }: LinkView): Line {
  if (connected) return [span('connected', 'green')];
  return failure === null
    ? [span('connecting', 'yellow')]
    : [span('NOT CONNECTED', 'red'), span(` ${failure}`, 'yellow')];
}

/** `10 000 stations  9 812 online  ...` */
export function totalsLine({ totals }: Pick<FleetView, 'totals'>): Line {
  const part = (count: number, words: string, style: Style): Line =>
    count === 0 ? [] : [span(`   ${grouped(count)} ${words}`, style)];
  return [
    span(`${grouped(totals.stations)} stations`, 'bold'),
    span(`   ${grouped(totals.online)} online`, 'green'),
    ...part(totals.lost + totals.stopped, 'offline', totals.lost > 0 ? 'red' : 'plain'),
    ...part(totals.fault, totals.fault === 1 ? 'with a fault' : 'with faults', 'red'),
    ...part(totals.warning, totals.warning === 1 ? 'with a warning' : 'with warnings', 'yellow'),
    ...part(totals.unknown, 'unknown', 'dim'),
  ];
}

function noteLine({ filter, isTyping, list, heard, link }: FleetView): Line {
  if (isTyping || filter !== '') {
    const matching = `   ${grouped(list.length)} match${list.length === 1 ? 'es' : ''}`;
    return [span(`/${filter}`, 'cyan'), span(isTyping ? '_' : '', 'cyan'), span(matching, 'dim')];
  }
  if (!link.connected && list.length > 0) return [span('not connected: what is shown is old', 'red')];
  if (link.refused !== null) return [span(link.refused, 'yellow')];
  const last = heard.named.at(-1);
  if (heard.omitted > 0)
    return [span(`more stations than there is room for: ${grouped(heard.omitted)} messages left`, 'yellow')];
  if (last === undefined) return [];
  return [span(`${grouped(heard.malformed)} malformed, the last: ${last.why}: ${last.topic}`, 'yellow')];
}

function footLine({ list, top }: FleetView, shown: number): Line {
  const range =
    list.length === 0 ? 'none' : `${grouped(top + 1)}-${grouped(top + shown)} of ${grouped(list.length)}`;
  return [span(`${range}   enter: station   /: filter   ?: help   q: quit`, 'dim')];
}
