import { stat } from 'node:fs/promises';
import type { AskTime, TimeReading } from './time-reading.ts';

/** systemd-timesyncd touches this file each time it has set or steered the clock, systemd-timesyncd.service(8). */
const MARKER = '/run/systemd/timesync/synchronized';
/** What the kernel lets the error grow by since then: the tolerance of adjtimex(2), 500 ppm. */
const TOLERANCE = 500e-6;
/** PollIntervalMaxSec= is 2,048 s unless configured; two polls missed, and timesyncd is no longer sure either. */
const LONGEST_AGE_MS = 3 * 2_048_000;

/** By the age of timesyncd's marker. One of the future was touched before the clock was set back: it says nothing. */
export function timesyncdReading(touchedAtMs: number, nowWallMs: number): TimeReading {
  const ageMs = nowWallMs - touchedAtMs;
  const synchronised = ageMs >= 0 && ageMs <= LONGEST_AGE_MS;
  return {
    source: 'timesyncd',
    synchronised,
    maxErrorMs: synchronised ? ageMs * TOLERANCE : null,
    leap: 'none',
    detail: `marker touched ${Math.round(ageMs / 1e3)} s ago`,
  };
}

/** Asks for timesyncd's marker file; undefined where there is none. */
export function askTimesyncd({
  marker = MARKER,
  nowWallMs = (): number => Date.now(),
}: { readonly marker?: string; readonly nowWallMs?: () => number } = {}): AskTime {
  return async () => {
    try {
      return timesyncdReading((await stat(marker)).mtimeMs, nowWallMs());
    } catch {
      return undefined;
    }
  };
}
