import type { StationSummary } from './station-summary.ts';

/**
 * What a desk has to do with a station, what matters most first. What is not online says nothing any more of its health:
 * the list that the broker kept is old (docs/telemetry.md).
 */
export const TROUBLES = ['fault', 'lost', 'warning', 'unknown', 'stopped', 'ok'] as const;
export type Trouble = (typeof TROUBLES)[number];

export function troubleOf({ presence, health }: StationSummary): Trouble {
  if (presence === null) return 'unknown';
  if (!presence.online) return presence.reason === 'stopped' ? 'stopped' : 'lost';
  return health?.state ?? 'unknown';
}

export type Totals = Readonly<Record<Trouble | 'stations' | 'online', number>>;

/** Whether a filter lets a station through: each word of it must be somewhere in its name, version, state or fault. */
export function matches(station: StationSummary, filter: string): boolean {
  if (filter === '') return true;
  const { name, version, health } = station;
  const text = [name, version, troubleOf(station), health?.worst?.code, health?.worst?.name].join(' ');
  const lower = text.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

/** Stations by trouble, then by name; the totals are of all, the list is of those that match. */
export function inOrder(
  stations: Iterable<StationSummary>,
  filter: string,
): { readonly list: readonly StationSummary[]; readonly totals: Totals } {
  const totals = { stations: 0, online: 0, fault: 0, lost: 0, warning: 0, unknown: 0, stopped: 0, ok: 0 };
  const groups = new Map<Trouble, StationSummary[]>(TROUBLES.map((trouble) => [trouble, []]));
  for (const station of stations) {
    const trouble = troubleOf(station);
    totals.stations++;
    totals[trouble]++;
    if (station.presence?.online === true) totals.online++;
    if (matches(station, filter)) groups.get(trouble)?.push(station);
  }
  const byName = (one: StationSummary, other: StationSummary): number =>
    one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
  return { list: [...groups.values()].flatMap((group) => group.sort(byName)), totals };
}
