import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** USER_HZ, in which Linux tells the time of a process's start, on every architecture we run on (proc(5)). */
const TICKS_A_SECOND = 100;

export interface WrittenBytes {
  /** What the process caused to be sent to the storage layer since it started. */
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * What a process has written, from /proc/PID/io; undefined where that cannot be read (another user's process, no Linux). The
 * file system's own journal comes on top.
 */
export function writtenBytes(pid: number | 'self'): WrittenBytes | undefined {
  try {
    const bytes = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the command's name, which may hold anything: the start is field 22, the first one behind the name is 3.
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3];
    const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;
    const sinceMs = uptimeMs - (Number(startTicks) / TICKS_A_SECOND) * 1_000;
    return bytes === undefined || !(sinceMs >= 0) ? undefined : { bytes: Number(bytes), sinceMs };
  } catch {
    return undefined;
  }
}

/** What an eMMC says of its own wear (JESD84-B51 §7.4: DEVICE_LIFE_TIME_EST_TYP_A/B, PRE_EOL_INFO). */
export interface EmmcHealth {
  readonly device: string;
  /** Percent of its life that is used, in steps of ten; of its two kinds of memory the worse. Null: it does not say. */
  readonly lifeUsedPercent: number | null;
  readonly reserveBlocks: 'normal' | 'warning' | 'urgent' | null;
}

const PRE_END_OF_LIFE = { 1: 'normal', 2: 'warning', 3: 'urgent' } as const;

/** Every eMMC of this machine that tells its wear. @param blockDevices /sys/block */
export function emmcHealth(blockDevices = '/sys/block'): EmmcHealth[] {
  let names: string[];
  try {
    names = readdirSync(blockDevices).filter((name) => /^mmcblk\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((device) => {
    const lives = hexadecimals(path.join(blockDevices, device, 'device/life_time'));
    const [preEnd] = hexadecimals(path.join(blockDevices, device, 'device/pre_eol_info'));
    if (lives.length === 0 && preEnd === undefined) return [];
    const worst = Math.max(0, ...lives);
    return {
      device,
      // 1: up to 10 percent used, … 10: up to 100, 11: beyond; 0: not defined.
      lifeUsedPercent: worst === 0 ? null : worst * 10,
      reserveBlocks: PRE_END_OF_LIFE[preEnd as keyof typeof PRE_END_OF_LIFE] ?? null,
    };
  });
}

function hexadecimals(file: string): number[] {
  try {
    return [...readFileSync(file, 'utf8').matchAll(/0x([0-9a-f]+)/gi)].map(([, digits]) =>
      Number.parseInt(digits ?? '', 16),
    );
  } catch {
    return [];
  }
}
