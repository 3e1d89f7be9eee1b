// `delmonicos sync now` that ends at the n-th system call on the files of its state directory: the outbox's, as nothing
// else is written meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { silentLog } from '../../../hal/contract/index.ts';
import { loadIdentity } from '../../../src/identity/index.ts';
import { openJournal } from '../../../src/journal/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { buildFailingDisk, readCalls, type DiskCall } from '../journal/failing-disk.ts';
import { PRODUCT } from '../product.ts';
import type { SyncWorld } from './sync-world.ts';

export interface WriteKiller {
  /** Syncs once, undisturbed. Returns the numbers of those calls that change something on the disk. */
  countWrites(): Promise<readonly number[]>;
  /** Syncs, and ends before that call. Returns whether it did. */
  dieAt(call: number): Promise<boolean>;
  remove(): void;
}

/** What the library ends a process with. */
const DIED = 137;

export function writeKiller(world: SyncWorld): WriteKiller {
  const disk = buildFailingDisk();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sync-writes-'));
  let runs = 0;
  const syncNow = async (at: number): Promise<{ status: number | null; calls: readonly DiskCall[] }> => {
    const log = path.join(folder, `${++runs}`);
    const faults = disk.environment(world.stateDirectory, log, at, 'die');
    const args = [PRODUCT, 'sync', 'now', '--config', world.configPath, '--state', world.stateDirectory];
    const child = spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...faults } });
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, calls: readCalls(log) };
  };
  return {
    countWrites: async () => {
      const { status, calls } = await syncNow(0);
      if (status !== 0) throw new Error(`sync now ended with ${status}`);
      // The number of a call is written down before it; what it changed, after.
      return calls.flatMap(({ op, offset }, at) => {
        const next = calls[at + 1];
        return op === 'c' && next !== undefined && next.op !== 'c' ? [offset] : [];
      });
    },
    dieAt: async (call) => (await syncNow(call)).status === DIED,
    remove: () => {
      disk.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One more entry in the log, so that there is something to anchor. */
export async function growLog({ stateDirectory, origin }: SyncWorld): Promise<void> {
  const journal = await openJournal({
    directory: stateDirectory,
    origin,
    signer: await loadIdentity(stateDirectory),
    clock: {
      stamp: () => ({ wallTimeMs: Date.now(), clockStatus: 'U', sinceBootMs: 1 }),
      sleep: (durationMs, signal) => systemMonotonicClock.sleep(durationMs, signal),
    },
    log: silentLog,
  });
  await journal.recordBoot('test');
  await journal.close();
}
