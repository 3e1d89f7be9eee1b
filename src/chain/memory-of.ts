import { readFileSync } from 'node:fs';

/**
 * Resident memory of a process in bytes, as the kernel counts it; undefined where there is no /proc, or no such process. What
 * a process says of itself is no measure for one that has gone mad.
 */
export function residentBytesOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
