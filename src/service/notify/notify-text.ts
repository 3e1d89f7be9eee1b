// What a service tells its manager, as sd_notify(3) has it: lines of NAME=VALUE in one datagram.

/** Assignments of one datagram; those of one change of state belong together. */
export interface NotifyAssignments {
  readonly ready?: true;
  readonly stopping?: true;
  /** CLOCK_MONOTONIC at which the reload began, in microseconds. */
  readonly reloadingAtUs?: bigint;
  /** One line for people, shown by `systemctl status`. */
  readonly status?: string;
  readonly watchdog?: true;
  /** So much longer, from now on, in milliseconds, may what is under way take. */
  readonly extendTimeoutMs?: number;
}

/** A terminal's width or two; the whole datagram stays far below what any socket takes. */
const MAX_STATUS_CHARACTERS = 240;

/** The datagram. */
export function notifyText(said: NotifyAssignments): string {
  const { ready, stopping, reloadingAtUs, status, watchdog, extendTimeoutMs } = said;
  const lines: string[] = [];
  if (reloadingAtUs !== undefined) lines.push('RELOADING=1', `MONOTONIC_USEC=${reloadingAtUs}`);
  if (stopping) lines.push('STOPPING=1');
  if (ready) lines.push('READY=1');
  if (status !== undefined) lines.push(`STATUS=${statusLine(status)}`);
  if (extendTimeoutMs !== undefined) lines.push(`EXTEND_TIMEOUT_USEC=${Math.ceil(extendTimeoutMs) * 1_000}`);
  if (watchdog) lines.push('WATCHDOG=1');
  return lines.join('\n');
}

/**
 * One line, whatever is in the text: a line end in a name from the configuration would be an assignment of its own, and the
 * status is printed on terminals.
 */
export function statusLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const characters = [...line];
  if (characters.length <= MAX_STATUS_CHARACTERS) return line;
  return `${characters
    .slice(0, MAX_STATUS_CHARACTERS - 1)
    .join('')
    .trimEnd()}…`;
}
