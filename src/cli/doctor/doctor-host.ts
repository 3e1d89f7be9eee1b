import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { StationError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import type { TimeReport } from '../../service/index.ts';
import { ownIdentity } from '../own-identity.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

/** Below this, SQLite's write-ahead log alone may not fit. */
const LEAST_FREE_BYTES = 64 * 2 ** 20;

/** Asks the sources of time once, as the service does. */
export async function checkClock({ clock: { source, maxErrorMs } }: StationConfig): Promise<Finding> {
  const { openTimeStatus, systemMonotonicClock } = await import('../../service/index.ts');
  const nowWallMs = (): number => Date.now();
  const time = openTimeStatus({
    ...{ source, maxErrorMs, nowWallMs, log: () => {} },
    nowMonoMs: () => systemMonotonicClock.nowMonoMs(),
  });
  await time.poll();
  return judgeClock(time.report(), { source, shown: new Date(nowWallMs()).toISOString() });
}

/** What to do about it depends on who answered, and what they said. */
export function judgeClock(
  { status, why, source: by, maxErrorMs, detail }: TimeReport,
  { source, shown }: { readonly source: string; readonly shown: string },
): Finding {
  const said = by === null ? '' : ` (${by}: ${detail ?? ''})`;
  if (status === 'S')
    return ok('clock', `synchronised within ${Math.ceil(maxErrorMs ?? 0)} ms, ${shown}${said}`);
  const text = `status ${status}, ${why}: ${shown}${said}; entries will say so`;
  if (by === null) {
    const where = source === 'auto' ? 'Install adjtimex (or BusyBox with it)' : `clock.source is ${source}`;
    return warning(
      'clock',
      text,
      `${where}, or run chronyd or systemd-timesyncd: nothing here says whether the clock is right.`,
    );
  }
  return warning(
    'clock',
    text,
    'Switch time synchronisation on (timedatectl set-ntp true), and let UDP port 123 out; a battery-backed clock bridges restarts.',
  );
}

/** Free space, and whether this user may write. */
export async function checkDisk(directory: string, maxJournalBytes: number): Promise<Finding> {
  let free: number;
  try {
    const { bavail, bsize } = await statfs(directory);
    free = bavail * bsize;
  } catch {
    return failed(
      'disk',
      `there is no state directory ${directory}`,
      `Make it: delmonicos key init ${directory}`,
    );
  }
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch {
    const advice =
      'Run doctor as the user of the service, or give that user the directory (StateDirectory= in the unit).';
    return failed('disk', `this user may not write to ${directory}`, advice);
  }
  const shown = `${mebibytes(free)} free in ${directory}`;
  if (free < LEAST_FREE_BYTES)
    return failed('disk', shown, 'Make room: without it no reading can be stored.');
  const { journalDiskBytes } = await import('../../journal/index.ts');
  const missing = maxJournalBytes - journalDiskBytes(directory) - free;
  return missing > 0
    ? warning('disk', `${shown}, less than journal.maxSize may need`, 'Make room, or lower journal.maxSize.')
    : ok('disk', shown);
}

export async function checkKey(directory: string, config: StationConfig): Promise<Finding> {
  try {
    const identity = await ownIdentity(directory, {
      ...config.identity,
      ...(config.chain && { ss58Prefix: config.chain.ss58Prefix }),
    });
    return ok('key', `account ${identity.chainAccount.ss58}`);
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    const advice = error.hint ?? `Make one with delmonicos key init ${directory}, and back it up.`;
    return failed('key', `[${error.code}] ${error.message}`, advice);
  }
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
