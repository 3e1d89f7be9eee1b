// A log that cannot be continued without forking is followed by another of the same station: `<origin>/2`, then `/3`.
// Pure.

/** Which log of a station an origin names: 1 for the first, undefined for a log of somebody else. */
export function logNumber(stationOrigin: string, origin: string): number | undefined {
  if (origin === stationOrigin) return 1;
  if (!origin.startsWith(`${stationOrigin}/`)) return undefined;
  const text = origin.slice(stationOrigin.length + 1);
  if (!/^[1-9]\d{0,8}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= 2 ? number : undefined;
}

export function logOrigin(stationOrigin: string, number: number): string {
  return number === 1 ? stationOrigin : `${stationOrigin}/${number}`;
}

/** The station's first log, given the name of any of its logs. */
export function firstLogOrigin(origin: string): string {
  return /^(.+)\/(?:[2-9]|[1-9]\d{1,8})$/.exec(origin)?.[1] ?? origin;
}
