import type { LeapState, TimeReading } from './time-reading.ts';

// What the kernel knows of its clock, adjtimex(2), in the words of the programs that print it.

/** `struct timex` status bits (linux/timex.h). */
const STA_UNSYNC = 0x40;
const STA_NANO = 0x2000;
/** NTP_PHASE_LIMIT: when nobody has set it for long, or the clock was set by hand, maxerror stands here. In µs. */
const MAX_ERROR_LIMIT_US = 16_000_000;
/** Return values of adjtimex(2). */
const LEAP_BY_STATE: Readonly<Record<number, LeapState>> = {
  1: 'insert',
  2: 'delete',
  3: 'in-progress',
  4: 'done',
};

/**
 * Reads what `adjtimex --print` of Debian's adjtimex prints, or BusyBox's adjtimex without options. Undefined when the text is
 * neither.
 *
 * A clock counts as synchronised while maxerror is below its limit, as systemd decides it too: a daemon that does not want the
 * kernel to write the battery-backed clock leaves STA_UNSYNC set, so that bit says less than the error that the daemon
 * reported and that the kernel lets grow by 500 ppm since. Setting the clock by hand puts maxerror back to its limit.
 */
export function parseAdjtimex(text: string): TimeReading | undefined {
  const value = (name: RegExp): number | undefined => {
    const found = new RegExp(`^(?:-\\w)?\\s*${name.source}\\s*[:=]\\s*(-?\\d+)`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const [maxErrorUs, status, offset, state] = [
    value(/maxerror/),
    value(/status/),
    value(/offset/),
    value(/return value/),
  ];
  if (maxErrorUs === undefined || status === undefined || state === undefined) return undefined;
  const offsetMs = Math.abs(offset ?? 0) / ((status & STA_NANO) === 0 ? 1e3 : 1e6);
  const synchronised = maxErrorUs < MAX_ERROR_LIMIT_US;
  const bits = `status 0x${status.toString(16)}${(status & STA_UNSYNC) === 0 ? '' : ' (unsync)'}`;
  return {
    source: 'kernel',
    synchronised,
    maxErrorMs: synchronised ? maxErrorUs / 1e3 + offsetMs : null,
    leap: LEAP_BY_STATE[state] ?? 'none',
    detail: `maxerror ${maxErrorUs} µs, ${bits}`,
  };
}

/**
 * Reads what `timedatectl show -p NTPSynchronized` prints. It tells of the same maxerror only that it is below 16 s, so that
 * is all that can be said of the error. Undefined when the text is something else.
 */
export function parseTimedatectl(text: string): TimeReading | undefined {
  const answer = /^NTPSynchronized=(yes|no)\s*$/m.exec(text)?.[1];
  if (answer === undefined) return undefined;
  const synchronised = answer === 'yes';
  return {
    source: 'kernel',
    synchronised,
    maxErrorMs: synchronised ? MAX_ERROR_LIMIT_US / 1e3 : null,
    leap: 'none',
    detail: `NTPSynchronized=${answer}`,
  };
}
