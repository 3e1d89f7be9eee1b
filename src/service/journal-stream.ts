import { fstatSync } from 'node:fs';

/**
 * Whether a stream goes to journald, which reads a priority in front of each line: `$JOURNAL_STREAM` names the device and inode
 * of what systemd connected (systemd.exec(5)). A child whose output goes elsewhere has inherited the variable all the same.
 */
export function goesToJournald(variable: string | undefined, fd: number): boolean {
  if (variable === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return variable === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
