// Stations as src/sync sees them, on one dev network, over RPC: for a whole test file.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type ChainOptions, openSync, type Sync } from '../../../src/sync/index.ts';
import { type Devnet, startDevnet } from '../../devnet/index.ts';
import { GrowingLog, syncOptions, testAccount } from './sync-station.ts';

const HOUR = 3_600_000;

export interface RpcStation {
  readonly sync: Sync;
  readonly directory: string;
  /** Of 12 entries to begin with. */
  readonly log: GrowingLog;
}

export interface RpcStations {
  readonly devnet: Devnet;
  /** A station whose account has the seed `fill` in every byte. */
  station(fill: number, chain: Partial<ChainOptions> & Pick<ChainOptions, 'call'>): RpcStation;
}

/** Starts the network before the file's tests, with accounts 1 to `accounts` endowed, and stops all that was made after them. */
export function rpcStations(accounts: number): RpcStations {
  let devnet: Devnet;
  const directories: string[] = [];
  const running: Sync[] = [];

  beforeAll(async () => {
    const fills = Array.from({ length: accounts }, (_, index) => index + 1);
    const endow = fills.map((fill) => ({ publicKey: testAccount(fill).publicKey, balance: 10n ** 15n }));
    devnet = await startDevnet({ endow, heartbeatMs: 1_000, rpc: true });
  });

  afterAll(async () => {
    await Promise.all(running.map((sync) => sync.stop()));
    await devnet.stop();
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });

  return {
    get devnet() {
      return devnet;
    },
    station(fill, chain) {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'rpc-station-'));
      directories.push(directory);
      const rpc = { transport: 'rpc' as const, url: devnet.rpcUrl ?? '', anchorEveryMs: HOUR };
      const log = new GrowingLog(`station-${fill}`, 12);
      const options = { stateDirectory: directory, source: log, account: testAccount(fill) };
      const timing = { firstRetryMs: 300, maxRetryMs: 1_000 };
      const sync = openSync(syncOptions({ ...options, timing, chain: { ...rpc, ...chain } as ChainOptions }));
      running.push(sync);
      return { sync, directory, log };
    },
  };
}
