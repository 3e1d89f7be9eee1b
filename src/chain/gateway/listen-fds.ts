/**
 * Whether a socket activator has handed over one accepted connection, as file descriptor 3 (sd_listen_fds(3)). The variables
 * must name this very process: a program that was started by an activated one may have inherited them, and the descriptor
 * under that number is another one then.
 */
export function isHandedOver(
  { LISTEN_PID, LISTEN_FDS }: Readonly<Record<string, string | undefined>>,
  ownPid: number,
): boolean {
  return LISTEN_PID === String(ownPid) && LISTEN_FDS === '1';
}

/** What an activator sets; to be taken out of the environment once it is read. */
export const LISTEN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;
