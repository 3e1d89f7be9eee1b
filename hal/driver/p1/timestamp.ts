/**
 * DSMR's time stamps, `YYMMDDhhmmssX` (P1 5.0.2 §6.4): local time of Central Europe, X is `S` for summer time (UTC+2) or
 * `W` for winter time (UTC+1). Returned as ISO 8601 with its offset. Null for anything else, for the stamps that mean
 * "none yet", and for those of DSMR 2.2 and 3.0, which do not say whether it was summer.
 */
export function parseTimestamp(text: string): string | null {
  const match = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW])$/.exec(text);
  if (match === null) return null;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', season] = match;
  // 1970 and 2000 are where clocks begin that were never set.
  if (Number(year) === 0 || Number(year) >= 70) return null;
  const local = `20${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const instant = new Date(`${local}Z`);
  if (Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(local)) return null;
  return `${local}${season === 'S' ? '+02:00' : '+01:00'}`;
}
