import { readFileSync } from 'node:fs';

/** One look at a process. Bytes; CPU time in ms since it started. */
export interface ProcessLook {
  readonly rssBytes: number;
  /** Memory that belongs to no file: heap, stacks, buffers. What a process costs besides the code it shares. */
  readonly anonymousBytes: number;
  readonly cpuMs: number;
}

/** USER_HZ of every Linux that Node runs on, proc(5). */
const MS_PER_TICK = 10;

/** Undefined when the process is gone. */
export function lookAt(pid: number): ProcessLook | undefined {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return {
      rssBytes: kilobytes(rollup, 'Rss'),
      anonymousBytes: kilobytes(rollup, 'Anonymous'),
      cpuMs: cpu(stat),
    };
  } catch {
    return undefined;
  }
}

function kilobytes(rollup: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1];
  if (found === undefined) throw new Error(`smaps_rollup has no ${field}`);
  return Number(found) * 1024;
}

/** utime and stime, the 14th and 15th field; the second is a name in brackets that may contain blanks. */
function cpu(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
