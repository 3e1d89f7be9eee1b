import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { StationError } from '../../hal/contract/index.ts';
import type { StationConfig } from '../config/index.ts';
import type { ClockStatus } from '../service/index.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

/** The product did not exist before: a clock that says so was never set. */
const EARLIEST_TIME_MS = Date.UTC(2025, 0, 1);
/** Below this, SQLite's write-ahead log alone may not fit. */
const LEAST_FREE_BYTES = 64 * 2 ** 20;

export function checkClock({ nowMs, status }: { nowMs: number; status: ClockStatus }): Finding {
  const shown = new Date(nowMs).toISOString();
  const advice =
    'Switch time synchronisation on (timedatectl set-ntp true), and let UDP port 123 out; a battery-backed clock bridges restarts.';
  if (nowMs < EARLIEST_TIME_MS) return failed('clock', `it shows ${shown}: it was never set`, advice);
  return status === 'S'
    ? ok('clock', `synchronised, ${shown}`)
    : warning('clock', `not known to be synchronised, ${shown}; readings will say so`, advice);
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
  const { journalDiskBytes } = await import('../journal/index.ts');
  const missing = maxJournalBytes - journalDiskBytes(directory) - free;
  return missing > 0
    ? warning('disk', `${shown}, less than journal.maxSize may need`, 'Make room, or lower journal.maxSize.')
    : ok('disk', shown);
}

export async function checkKey(directory: string, config: StationConfig): Promise<Finding> {
  const { loadIdentity } = await import('../identity/index.ts');
  try {
    const identity = loadIdentity(directory, {
      credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
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
