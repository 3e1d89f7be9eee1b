import type { ClockStatus, JournalEntry } from '../journal/index.ts';
import { fail, notChecked, pass, type Finding } from './check.ts';
import { sessionEnds, type SessionEnds } from './session.ts';
import { CLOCK_WORDS } from './statement.ts';

/**
 * How far the two clocks of a station may come apart without a step: a second for rounding and the moments between two
 * calls, and what an NTP client may slew by (500 ppm for the kernel, chrony up to 1/12; 1 % is between the two).
 */
const TOLERANCE_MS = 2_000;
const TOLERANCE_SHARE = 0.01;

/** Which of OCMF's letters means that the wall clock was set by something that knows the time. */
const TRUSTED: readonly ClockStatus[] = ['S'];

/**
 * What the times are worth. Passes when the station's clock was synchronised at every moment that counts (begin and
 * end of a session, otherwise every entry), and when wall clock and running clock agree about how long a session took.
 */
export function checkTimes(entries: readonly JournalEntry[]): Finding {
  const ends = sessionEnds(entries);
  const contradiction = ends === undefined ? undefined : whyContradictory(ends, entries);
  if (contradiction !== undefined) return fail(contradiction);
  const counting = ends === undefined ? entries : [ends.begin, ends.end];
  const doubtful = counting.filter(({ clock }) => !TRUSTED.includes(clock));
  const [first] = doubtful;
  if (first !== undefined) {
    return notChecked(
      `the station's clock was ${CLOCK_WORDS[first.clock]} at entry ${first.index}${others(doubtful.length - 1)}; the order of entries and the time since boot do not depend on it`,
    );
  }
  const steps = stepsBetween(ends, entries);
  const set = steps === 0 ? '' : `; it was set ${steps} times in between, which the log tells`;
  return pass(`the station's clock was synchronised${ends === undefined ? '' : ' at begin and end'}${set}`);
}

function whyContradictory({ begin, end }: SessionEnds, entries: readonly JournalEntry[]): string | undefined {
  const known = entries.reduce(
    (sum, entry) =>
      entry.kind === 'clock-step' && entry.index > begin.index && entry.index < end.index
        ? sum + entry.body.stepMs
        : sum,
    0,
  );
  if (begin.bootCount !== end.bootCount) {
    const isBackwards = end.timeMs - begin.timeMs - known < -TOLERANCE_MS;
    const isTrusted = TRUSTED.includes(begin.clock) && TRUSTED.includes(end.clock);
    return isBackwards && isTrusted
      ? 'by the wall clock, which was synchronised at both, the session ended before it began'
      : undefined;
  }
  const ran = end.sinceBootMs - begin.sinceBootMs;
  const apart = Math.abs(end.timeMs - begin.timeMs - known - ran);
  if (apart <= TOLERANCE_MS + TOLERANCE_SHARE * Math.abs(ran)) return undefined;
  return `by the wall clock the session took ${end.timeMs - begin.timeMs} ms, by the clock that never jumps ${ran} ms, and no clock step in the receipt explains it`;
}

function stepsBetween(ends: SessionEnds | undefined, entries: readonly JournalEntry[]): number {
  if (ends === undefined) return 0;
  return entries.filter(
    ({ kind, index }) => kind === 'clock-step' && index > ends.begin.index && index < ends.end.index,
  ).length;
}

function others(count: number): string {
  return count === 0 ? '' : ` and ${count} more`;
}
