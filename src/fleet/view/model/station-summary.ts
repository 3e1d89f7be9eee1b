import { ownCopy, type FleetMessage, type Subject } from './fleet-message.ts';
import { count, figure, oneOf, part, parts, text, texts, type Fields } from './fields.ts';

/** From good to bad, as in the health document. */
export const HEALTH_WORDS = ['ok', 'unknown', 'warning', 'fault'] as const;
export type HealthWord = (typeof HEALTH_WORDS)[number];
export const METER_WORDS = ['unknown', 'answering', 'failing', 'silent'] as const;
export type MeterWord = (typeof METER_WORDS)[number];

/** Online, or since when by whose word not. A will speaks of one session only (docs/telemetry.md). */
export interface Presence {
  readonly online: boolean;
  /** `connection lost` or `stopped`; null while online. */
  readonly reason: string | null;
  readonly boot: number | null;
  readonly session: number | null;
}

export interface HealthSummary {
  readonly state: HealthWord;
  readonly faults: number;
  readonly warnings: number;
  /** The first of the worst that is raised. */
  readonly worst: {
    readonly code: string;
    readonly name: string;
    readonly state: HealthWord;
    readonly sinceMs: number | null;
  } | null;
  /** Ms since boot at which the figures were taken, and when that was by the desk's clock, if it can be known. */
  readonly asOfMs: number;
  readonly takenAtMs: number | null;
}

export interface AnchorSummary {
  readonly size: number | null;
  readonly block: number | null;
  readonly via: string | null;
  /** When the anchor was final, by the desk's clock; null: the document does not say. */
  readonly atMs: number | null;
}

/** What one row of the list needs, and no more: there are ten thousand of them. */
export interface StationSummary {
  readonly name: string;
  readonly presence: Presence | null;
  readonly version: string | null;
  readonly bootReason: string | null;
  readonly health: HealthSummary | null;
  readonly meters: ReadonlyMap<string, MeterWord>;
  /** There are meters that had no room. */
  readonly hasMoreMeters: boolean;
  readonly journal: { readonly size: number | null; readonly backlog: number | null } | null;
  readonly sync: { readonly states: readonly string[]; readonly anchor: AnchorSummary | null } | null;
  readonly state: { readonly uptimeMs: number | null } | null;
  /** The latest moment at which the station is known to have spoken. */
  readonly lastSeenMs: number | null;
}

export const MAX_METERS = 32;

export function newSummary(name: string): StationSummary {
  return {
    ...{ name, presence: null, version: null, bootReason: null, health: null, meters: new Map() },
    ...{ hasMoreMeters: false, journal: null, sync: null, state: null, lastSeenMs: null },
  };
}

/** A summary of which no document is left: the station was taken off the broker. */
export function isEmpty({ presence, health, meters, journal, sync, state }: StationSummary): boolean {
  return [presence, health, journal, sync, state].every((document) => document === null) && meters.size === 0;
}

/** What the message makes of a summary; undefined: it is not what such a document is. */
export function withDocument(
  summary: StationSummary,
  subject: Subject,
  fields: Fields,
  message: FleetMessage,
): StationSummary | undefined {
  const known = reduce(summary, subject, fields, message);
  if (known === undefined) return undefined;
  const spokenAtMs = spokenAt(subject, fields, message);
  if (spokenAtMs === null || spokenAtMs <= (known.lastSeenMs ?? -Infinity)) return known;
  return { ...known, lastSeenMs: spokenAtMs };
}

/** What is left when the broker was told to forget a document (an empty retained payload). */
export function withoutDocument(summary: StationSummary, subject: Subject): StationSummary {
  switch (subject.kind) {
    case 'status':
      return { ...summary, presence: null, version: null, bootReason: null };
    case 'health':
    case 'journal':
    case 'sync':
    case 'state':
      return summary[subject.kind] === null ? summary : { ...summary, [subject.kind]: null };
    case 'meterStatus': {
      if (!summary.meters.has(subject.id)) return summary;
      const meters = new Map(summary.meters);
      meters.delete(subject.id);
      return { ...summary, meters };
    }
    default:
      return summary;
  }
}

function reduce(
  summary: StationSummary,
  subject: Subject,
  fields: Fields,
  message: FleetMessage,
): StationSummary | undefined {
  switch (subject.kind) {
    case 'status':
      return withStatus(summary, fields);
    case 'health': {
      const health = healthSummary(fields, message, summary.health);
      return health && { ...summary, health };
    }
    case 'journal':
      return {
        ...summary,
        journal: { size: count(fields['size']), backlog: count(fields['backlog']) },
      };
    case 'sync':
      return {
        ...summary,
        sync: { states: texts(fields['states'], 4, 32), anchor: anchorSummary(fields, message, summary) },
      };
    case 'state':
      return { ...summary, state: { uptimeMs: count(fields['uptimeMs']) } };
    case 'meterStatus':
      return withMeter(summary, subject.id, oneOf(fields['state'], METER_WORDS));
    default:
      return summary;
  }
}

function withStatus(summary: StationSummary, fields: Fields): StationSummary | undefined {
  const word = oneOf(fields['status'], ['online', 'offline']);
  if (word === null) return undefined;
  const boot = part(fields['boot']);
  const spoken = { boot: count(boot['count']), session: count(fields['session']) };
  if (word === 'online') {
    return {
      ...summary,
      presence: { online: true, reason: null, ...spoken },
      version: text(fields['version'], 32),
      bootReason: text(boot['reason'], 32),
    };
  }
  const { presence } = summary;
  const isOldNews =
    presence !== null && (presence.boot !== spoken.boot || presence.session !== spoken.session);
  if (isOldNews && presence.online) return summary;
  return { ...summary, presence: { online: false, reason: text(fields['reason'], 32), ...spoken } };
}

function withMeter(summary: StationSummary, id: string, state: MeterWord | null): StationSummary | undefined {
  if (state === null) return undefined;
  if (summary.meters.get(id) === state) return summary;
  if (!summary.meters.has(id) && summary.meters.size >= MAX_METERS)
    return { ...summary, hasMoreMeters: true };
  return { ...summary, meters: new Map(summary.meters).set(id, state) };
}

function healthSummary(
  fields: Fields,
  message: FleetMessage,
  before: HealthSummary | null,
): HealthSummary | undefined {
  const state = oneOf(fields['state'], HEALTH_WORDS);
  const asOfMs = count(fields['asOfMs']) ?? 0;
  if (state === null || !Array.isArray(fields['items'])) return undefined;
  const items = parts(fields['items'], 64);
  const first = items.find((item) => item['state'] === state && typeof item['code'] === 'string');
  // What is said again was new when it came first.
  const isSame = message.retained && before?.asOfMs === asOfMs && before.takenAtMs !== null;
  return {
    state,
    faults: items.filter((item) => item['state'] === 'fault').length,
    warnings: items.filter((item) => item['state'] === 'warning').length,
    worst:
      first === undefined || state === 'ok'
        ? null
        : {
            code: text(first['code'], 48) ?? '',
            name: ownCopy(
              [text(first['check'], 24), text(first['subject'], 40)].filter((word) => word).join(' '),
            ),
            state,
            sinceMs: count(first['sinceMs']),
          },
    asOfMs,
    takenAtMs: isSame ? before.takenAtMs : momentOf(fields, message),
  };
}

/** When a document was made: by the station's clock where that is worth it, otherwise when it came, if it came new. */
export function momentOf(fields: Fields, message: FleetMessage): number | null {
  const time = count(fields['time']);
  if (fields['clock'] === 'S' && time !== null) return Math.min(time, message.atMs);
  return message.retained ? null : message.atMs;
}

function anchorSummary(
  fields: Fields,
  message: FleetMessage,
  { sync }: StationSummary,
): AnchorSummary | null {
  const anchor = part(fields['lastAnchor']);
  const block = count(anchor['block']);
  if (block === null) return null;
  const before = sync?.anchor ?? null;
  const size = count(anchor['size']);
  return {
    ...{ size, block, via: text(anchor['via'], 16) },
    atMs:
      anchoredAt(anchor, message) ?? (before?.block === block && before.size === size ? before.atMs : null),
  };
}

/** A later version of the contract may say it; until then an age is not made up. */
function anchoredAt(anchor: Fields, message: FleetMessage): number | null {
  const time = figure(anchor['time']);
  if (time !== null) return Math.min(time, message.atMs);
  const ageMs = figure(anchor['ageMs']);
  return ageMs === null || message.retained ? null : message.atMs - ageMs;
}

function spokenAt(subject: Subject, fields: Fields, message: FleetMessage): number | null {
  // The will is the broker's word.
  if (subject.kind === 'status' && fields['status'] === 'offline') return null;
  if (!message.retained) return message.atMs;
  return subject.kind === 'state' || subject.kind === 'health' ? momentOf(fields, message) : null;
}
