import { boundedFields } from './bounded-json.ts';
import { count, oneOf, part, text, type Fields } from './fields.ts';
import type { FleetMessage, Subject } from './fleet-message.ts';
import { NEW_METER, withMeterStatus, withSample, type MeterDetail } from './meter-detail.ts';
import { momentOf } from './station-summary.ts';

/** A retained document other than those of meters and lines. */
export type DocumentKind = 'status' | 'state' | 'journal' | 'sync' | 'health' | 'configResult';
export const LOG_WORDS = ['error', 'warning', 'info', 'debug'] as const;

export interface LogLine {
  readonly level: (typeof LOG_WORDS)[number];
  readonly event: string;
  /** What belongs to it, as it was sent. */
  readonly fields: Fields;
  /** Ms since boot; null: not said. */
  readonly sinceBootMs: number | null;
  /** When it was, by the desk's clock; null: not known. */
  readonly atMs: number | null;
}

export interface HealthChangeLine {
  readonly type: 'raise' | 'clear';
  readonly code: string;
  readonly severity: string;
  readonly subject: string | null;
  readonly detail: string;
  readonly sinceBootMs: number | null;
  readonly atMs: number | null;
}

/** Everything that is kept of the one station that is looked at. */
export interface StationDetail {
  readonly documents: Readonly<Partial<Record<DocumentKind, Fields>>>;
  readonly meters: ReadonlyMap<string, MeterDetail>;
  readonly lines: ReadonlyMap<string, Fields>;
  /** Newest last. */
  readonly changes: readonly HealthChangeLine[];
  readonly log: readonly LogLine[];
  /**
   * Where the station's boot stands on the desk's clock, as near as any message has told: the one that was on its way
   * for the shortest time. Null: nothing has told yet.
   */
  readonly booted: { readonly boot: number; readonly atMs: number } | null;
  /** How far the station's date was before the desk's when `state` last came new; null: only an old one was heard. */
  readonly clockAheadMs: number | null;
}

export const MAX_DETAILED_METERS = 32;
const MAX_LINES = 32;
export const MAX_LOG_LINES = 200;
const MAX_CHANGES = 50;

export const NO_DETAIL: StationDetail = {
  ...{ documents: {}, meters: new Map(), lines: new Map(), changes: [], log: [], booted: null },
  clockAheadMs: null,
};

/** What the message makes of the detail; undefined: it is not what such a document is. */
export function withDetail(
  detail: StationDetail,
  subject: Subject,
  fields: Fields,
  message: FleetMessage,
): StationDetail | undefined {
  switch (subject.kind) {
    case 'status':
    case 'state':
    case 'journal':
    case 'sync':
    case 'health':
    case 'configResult': {
      const documents = { ...detail.documents, [subject.kind]: boundedFields(fields) };
      return withBoot(
        { ...detail, documents, ...clockAhead(subject, fields, message) },
        subject,
        fields,
        message,
      );
    }
    case 'meterStatus':
      return withMeter(detail, subject.id, (meter) => withMeterStatus(meter, fields));
    case 'meterSample': {
      const known = withMeter(detail, subject.id, (meter) => withSample(meter, fields));
      return known && withBoot(known, subject, fields, message);
    }
    case 'lineStatus': {
      if (!detail.lines.has(subject.id) && detail.lines.size >= MAX_LINES) return detail;
      return { ...detail, lines: new Map(detail.lines).set(subject.id, boundedFields(fields)) };
    }
    case 'healthChange': {
      const change = changeOf(fields, message);
      return change && { ...detail, changes: appended(detail.changes, change, MAX_CHANGES) };
    }
    case 'log': {
      const line = logLineOf(fields, message);
      return line && { ...detail, log: appended(detail.log, line, MAX_LOG_LINES) };
    }
    case 'ignored':
      return detail;
  }
}

export function withoutDetail(detail: StationDetail, subject: Subject): StationDetail {
  switch (subject.kind) {
    case 'meterStatus':
      return without(detail, 'meters', subject.id);
    case 'lineStatus':
      return without(detail, 'lines', subject.id);
    case 'status':
    case 'state':
    case 'journal':
    case 'sync':
    case 'health':
    case 'configResult': {
      const documents = { ...detail.documents };
      delete documents[subject.kind];
      return { ...detail, documents };
    }
    default:
      return detail;
  }
}

function without(detail: StationDetail, group: 'meters' | 'lines', id: string): StationDetail {
  const left = new Map<string, unknown>(detail[group]);
  left.delete(id);
  return { ...detail, [group]: left };
}

function withMeter(
  detail: StationDetail,
  id: string,
  change: (meter: MeterDetail) => MeterDetail | undefined,
): StationDetail | undefined {
  const known = detail.meters.get(id);
  if (known === undefined && detail.meters.size >= MAX_DETAILED_METERS) return detail;
  const meter = change(known ?? NEW_METER);
  return meter && { ...detail, meters: new Map(detail.meters).set(id, meter) };
}

/** The shortest way from station to desk tells best when the station started. */
function withBoot(
  detail: StationDetail,
  { kind }: Subject,
  fields: Fields,
  message: FleetMessage,
): StationDetail {
  const boot = kind === 'state' ? count(part(fields['boot'])['count']) : count(fields['boot']);
  const sinceBootMs = count(kind === 'state' ? fields['atMs'] : fields['readEndMs']);
  const madeAtMs = momentOf(fields, message);
  if (boot === null || sinceBootMs === null || madeAtMs === null) return detail;
  const atMs = madeAtMs - sinceBootMs;
  const { booted } = detail;
  const isBetter = booted === null || boot > booted.boot || (boot === booted.boot && atMs < booted.atMs);
  return isBetter ? { ...detail, booted: { boot, atMs } } : detail;
}

function clockAhead(
  { kind }: Subject,
  fields: Fields,
  { retained, atMs }: FleetMessage,
): { readonly clockAheadMs?: number } {
  const time = count(fields['time']);
  return kind !== 'state' || retained || time === null ? {} : { clockAheadMs: time - atMs };
}

function changeOf(fields: Fields, message: FleetMessage): HealthChangeLine | undefined {
  const type = oneOf(fields['type'], ['raise', 'clear']);
  const code = text(fields['code'], 64);
  if (type === null || code === null) return undefined;
  return {
    type,
    code,
    severity: text(fields['severity'], 16) ?? '',
    subject: text(fields['subject'], 64),
    detail: text(fields['detail'], 240) ?? '',
    sinceBootMs: count(fields['atMs']),
    atMs: momentOf(fields, message),
  };
}

function logLineOf(fields: Fields, message: FleetMessage): LogLine | undefined {
  const level = oneOf(fields['level'], LOG_WORDS);
  const event = text(fields['event'], 80);
  if (level === null || event === null) return undefined;
  const own = part(boundedFields({ fields: fields['fields'] })['fields']);
  const sinceBootMs = count(fields['atMs']);
  return { level, event, fields: own, sinceBootMs, atMs: momentOf(fields, message) };
}

interface Said {
  readonly sinceBootMs: number | null;
}

/** A line that the broker delivers twice is the same word at the same millisecond. */
function appended<Line extends Said>(lines: readonly Line[], line: Line, most: number): readonly Line[] {
  const words = wordsOf(line);
  const isSaid = line.sinceBootMs !== null && lines.some((known) => wordsOf(known) === words);
  return isSaid ? lines : [...lines, line].slice(-most);
}

/** Without the moment of arrival, which is another one the second time. */
function wordsOf(line: Said): string {
  return JSON.stringify({ ...line, atMs: undefined });
}
