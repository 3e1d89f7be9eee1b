// Figures as a desk reads them: short, and no more exact than they are.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `now`, `42s`, `12m`, `3h`, `5d`; a dash for what is not known. Below ten seconds it does not move. */
export function age(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 10 * SECOND) return 'now';
  if (ms < 100 * SECOND) return `${Math.floor(ms / SECOND)}s`;
  if (ms < 100 * MINUTE) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < 72 * HOUR) return `${Math.floor(ms / HOUR)}h`;
  return ms < 9_999 * DAY ? `${Math.floor(ms / DAY)}d` : '-';
}

/** How long before `nowMs` something was. */
export function ageOf(atMs: number | null, nowMs: number): string {
  return age(atMs === null ? null : Math.max(0, nowMs - atMs));
}

/**
 * How long something has been so that began at `sinceMs` of the station's boot, by a list that was taken at `asOfMs`; where it
 * is not known when that was (the broker kept it), at least so long.
 */
export function heldFor(
  { asOfMs, takenAtMs }: { readonly asOfMs: number; readonly takenAtMs: number | null },
  sinceMs: number,
  nowMs: number,
): string {
  const before = Math.max(0, asOfMs - sinceMs);
  return takenAtMs === null ? `>${age(before)}` : age(before + Math.max(0, nowMs - takenAtMs));
}

/** `12 345`; a dash for what is not known. */
export function grouped(count: number | null): string {
  return count === null ? '-' : groupedDigits(String(Math.round(count)));
}

/** Thousands of the whole part apart, each digit as it is. */
export function groupedDigits(digits: string): string {
  const [whole = '', ...fraction] = digits.split('.');
  return [whole.replace(/\B(?=(\d{3})+$)/g, ' '), ...fraction].join('.');
}

/** At most five columns: `999`, `12345`, `123k`, `12M`. */
export function short(count: number | null): string {
  if (count === null) return '-';
  if (count < 100_000) return String(count);
  if (count < 10_000_000) return `${Math.floor(count / 1_000)}k`;
  return count < 10_000_000_000 ? `${Math.floor(count / 1_000_000)}M` : '>9G';
}

/** `512 B`, `30 KiB`, `4.2 MiB`. */
export function bytes(count: number | null): string {
  if (count === null) return '-';
  if (count < 1_024) return `${count} B`;
  const steps = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count / 1_024;
  let step = 0;
  while (value >= 1_000 && step < steps.length - 1) {
    value /= 1_024;
    step++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${steps[step]}`;
}

/** `2026-11-23 18:02:11` in UTC, or a dash. */
export function instant(ms: number | null): string {
  if (ms === null || Math.abs(ms) > 8.64e15) return '-';
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** `18:02:11` in UTC. */
export function timeOfDay(ms: number | null): string {
  return ms === null ? '--:--:--' : instant(ms).slice(11);
}

const BARS = '▁▂▃▄▅▆▇█';

/** Bars from zero to the largest magnitude; a gap where nothing is known. */
export function sparkline(trail: readonly (number | null)[]): string {
  const top = Math.max(1, ...trail.map((value) => Math.abs(value ?? 0)));
  return trail
    .map((value) =>
      value === null ? ' ' : (BARS[Math.min(7, Math.round((Math.abs(value) / top) * 7))] ?? ' '),
    )
    .join('');
}
