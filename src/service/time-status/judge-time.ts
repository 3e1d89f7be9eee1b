import type { ClockStatus } from '../system-clock.ts';
import type { TimeReading } from './time-reading.ts';

/** What is known when the wall clock is judged. All times in ms. */
export interface TimeEvidence {
  readonly nowWallMs: number;
  /** No true time is before this: the software was made then, and the journal has synchronised times up to then. */
  readonly floorMs: number;
  /** The newest answer of a source, how old it is, and whether the clock was set since. */
  readonly reading?: { readonly said: TimeReading; readonly ageMs: number; readonly steppedSince: boolean };
  /** The clock was synchronised after the last time that it was set, in this run of the service. */
  readonly wasSynchronised: boolean;
  /** Wall clock less battery-backed clock when both were last looked at; undefined without one. */
  readonly rtcDifferenceMs?: number;
}

export interface TimeBounds {
  /** More than this, and a synchronised clock is only informative. */
  readonly maxErrorMs: number;
  /** An answer older than this says nothing any more. */
  readonly longestAgeMs: number;
}

export interface JudgedTime {
  readonly status: ClockStatus;
  /** Bound of the error, grown since the source said it; null where nothing bounds it. */
  readonly maxErrorMs: number | null;
  /** One clause for people. */
  readonly why: string;
}

/** The kernel's own assumption of how fast a clock that nobody steers goes wrong, adjtimex(2): 500 ppm. */
const TOLERANCE = 500e-6;
/** A battery-backed clock is read in whole seconds. */
const RTC_AGREES_WITHIN_MS = 5_000;

/**
 * What the wall clock is worth, in OCMF's letters (OCMF 1.x, field TM):
 * `S` an outside reference steers it and the error is within the bound;
 * `I` plausible, no more: it was synchronised and is on its own now, the error is above the bound, or a battery-backed clock
 * agrees with it;
 * `U` anything else, above all a clock that nobody has set, and one that nobody answers for.
 * `R` is not given: it would claim that durations are measured under legal control. Durations here are by the time since boot,
 * which every entry carries besides.
 */
export function judgeTime(evidence: TimeEvidence, bounds: TimeBounds): JudgedTime {
  const { nowWallMs, floorMs, reading, wasSynchronised, rtcDifferenceMs } = evidence;
  if (nowWallMs < floorMs) return judged('U', 'it shows a time that has long passed');
  if (reading === undefined) return judged('U', 'nobody answers for it');
  if (reading.ageMs > bounds.longestAgeMs) return judged('U', 'who answers for it has fallen silent');
  if (reading.steppedSince) return judged('U', 'it was set, and nobody has answered for it since');
  const { synchronised, maxErrorMs: said } = reading.said;
  if (synchronised) {
    const maxErrorMs = said === null ? null : said + reading.ageMs * TOLERANCE;
    if (maxErrorMs === null) return judged('I', 'synchronised, but how well is not said');
    return maxErrorMs <= bounds.maxErrorMs
      ? { status: 'S', maxErrorMs, why: 'synchronised' }
      : { status: 'I', maxErrorMs, why: 'synchronised, but not well enough' };
  }
  if (wasSynchronised) return judged('I', 'it was synchronised, and runs on its own now');
  if (rtcDifferenceMs !== undefined && Math.abs(rtcDifferenceMs) <= RTC_AGREES_WITHIN_MS)
    return judged('I', 'not synchronised; the battery-backed clock agrees');
  return judged('U', 'not synchronised');
}

function judged(status: ClockStatus, why: string): JudgedTime {
  return { status, maxErrorMs: null, why };
}
