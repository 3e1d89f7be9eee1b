import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ChainOptions, openSync, readSyncStatus, type Sync } from '../../src/sync/index.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { GrowingLog, syncOptions, testAccount } from '../support/sync-station.ts';

const HOUR = 3_600_000;
const PATIENCE = { timeout: 60_000, interval: 100 };
let devnet: Devnet;
const directories: string[] = [];
const running: Sync[] = [];

beforeAll(async () => {
  const endow = [1, 2].map((fill) => ({ publicKey: testAccount(fill).publicKey, balance: 10n ** 15n }));
  devnet = await startDevnet({ endow, heartbeatMs: 1_000, rpc: true });
});

afterAll(async () => {
  await Promise.all(running.map((sync) => sync.stop()));
  await devnet.stop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function station(fill: number, chain: Partial<ChainOptions> & Pick<ChainOptions, 'call'>) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pallet-'));
  directories.push(directory);
  const rpc = { transport: 'rpc' as const, url: devnet.rpcUrl ?? '', anchorEveryMs: HOUR };
  const source = new GrowingLog(`station-${fill}`, 12);
  const options = { stateDirectory: directory, source, account: testAccount(fill) };
  const timing = { firstRetryMs: 300, maxRetryMs: 1_000 };
  const sync = openSync(syncOptions({ ...options, timing, chain: { ...rpc, ...chain } as ChainOptions }));
  running.push(sync);
  return { sync, directory, log: source };
}

describe('a runtime upgrade', () => {
  it('while an anchor is in a block that is not final costs no second one, and the next is signed for the new runtime', async () => {
    const pallet = { name: 'System', call: 'remark', arguments: { remark: 'checkpoint' as const } };
    const { sync, log, directory } = station(1, { call: 'pallet', pallet });
    await devnet.setFinality('stalled');
    const asked = sync.syncNow();
    asked.catch(() => {});
    await vi.waitFor(() => expect(sync.status().open).toMatchObject({ state: 'inBlock' }), PATIENCE);
    const { specVersion } = await devnet.upgradeRuntime();
    await vi.waitFor(() => expect(sync.status().chain).toMatchObject({ specVersion }), PATIENCE);
    await devnet.setFinality('live');
    expect(await asked).toMatchObject({ outcome: 'anchored', anchor: { size: 12 } });

    log.grow(3);
    expect(await sync.syncNow()).toMatchObject({ outcome: 'anchored', anchor: { size: 15 } });
    const { intents } = readSyncStatus(directory);
    expect(intents.map(({ attempt, outcome }) => [attempt?.ordinal, outcome?.success])).toEqual([
      [1, true],
      [1, true],
    ]);
    for (const { outcome } of intents) expect(BigInt(outcome?.fee ?? 0)).toBeGreaterThan(0n);
  });

  it('that takes the call away keeps an anchor planned until another one brings it back', async () => {
    await devnet.upgradeRuntime({ without: 'remark_with_event' });
    const { sync, directory } = station(2, { call: 'remark' });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.call_missing' });
    expect(readSyncStatus(directory).intents).toMatchObject([{ state: 'planned', attempt: null }]);
    await devnet.upgradeRuntime();
    // By itself: the loop tries again.
    await vi.waitFor(
      () => expect(sync.status()).toMatchObject({ anchoredSize: 12, failure: null }),
      PATIENCE,
    );
  });
});
