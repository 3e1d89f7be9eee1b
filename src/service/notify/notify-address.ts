/** Where `$NOTIFY_SOCKET` points to. */
export type NotifyAddress =
  | { readonly kind: 'none' }
  /** The bytes of sun_path as text; an abstract name begins with a zero character (unix(7)). */
  | { readonly kind: 'socket'; readonly address: string }
  /** Given, and not to be reached from here. */
  | { readonly kind: 'unreachable'; readonly why: string };

/** sun_path has 108 bytes, and a path ends with a zero byte. */
const MAX_ADDRESS_BYTES = 107;

/** `$NOTIFY_SOCKET` as sd_notify(3) has it: an absolute path, or `@` and an abstract name; `vsock:` is for virtual machines. */
export function notifyAddress(variable: string | undefined): NotifyAddress {
  if (variable === undefined || variable === '') return { kind: 'none' };
  const isAbstract = variable.startsWith('@');
  if (!isAbstract && !variable.startsWith('/'))
    return { kind: 'unreachable', why: 'no path and no abstract name' };
  if (variable.includes('\0')) return { kind: 'unreachable', why: 'a zero byte within' };
  const address = isAbstract ? `\0${variable.slice(1)}` : variable;
  if (Buffer.byteLength(address) > MAX_ADDRESS_BYTES || address.length < 2)
    return { kind: 'unreachable', why: `not 2 to ${MAX_ADDRESS_BYTES} bytes` };
  return { kind: 'socket', address };
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
