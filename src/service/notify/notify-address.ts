/** Where `$NOTIFY_SOCKET` points to. */
export type NotifyAddress =
  | { readonly kind: 'none' }
  | { readonly kind: 'path'; readonly path: string }
  /** Given, and not to be reached from here. */
  | { readonly kind: 'unreachable'; readonly why: string };

/** sun_path has 108 bytes, one of them for the end (unix(7)). */
const MAX_PATH_BYTES = 107;

/**
 * `$NOTIFY_SOCKET` as sd_notify(3) has it: an absolute path, `@` and an abstract name, or `vsock:`. systemd gives a service a
 * path. What we send with always sends to the whole sun_path, so that an abstract name, which has a length, is never met
 * (decision 0023).
 */
export function notifyAddress(variable: string | undefined): NotifyAddress {
  if (variable === undefined || variable === '') return { kind: 'none' };
  if (variable.startsWith('@')) return { kind: 'unreachable', why: 'abstract addresses are not supported' };
  if (!variable.startsWith('/')) return { kind: 'unreachable', why: 'it is no absolute path' };
  if (variable.includes('\0')) return { kind: 'unreachable', why: 'it is no path' };
  if (Buffer.byteLength(variable) > MAX_PATH_BYTES)
    return { kind: 'unreachable', why: `a path has at most ${MAX_PATH_BYTES} bytes` };
  return { kind: 'path', path: variable };
}

/**
 * The watchdog's period in milliseconds from `$WATCHDOG_USEC` and `$WATCHDOG_PID` (sd_watchdog_enabled(3)); undefined when there
 * is none, or when it is for another process.
 */
export function watchdogPeriodMs(
  { usec, pid }: { readonly usec: string | undefined; readonly pid: string | undefined },
  ownPid: number,
): number | undefined {
  if (usec === undefined || !/^[0-9]{1,15}$/.test(usec)) return undefined;
  if (pid !== undefined && pid !== '' && pid !== String(ownPid)) return undefined;
  const periodMs = Number(usec) / 1_000;
  return periodMs > 0 ? periodMs : undefined;
}
