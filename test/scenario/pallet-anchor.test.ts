import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, encodeAnchorCall } from '../../src/chain/index.ts';
import {
  anchorCovering,
  type ChainOptions,
  openSync,
  readSyncStatus,
  type Sync,
} from '../../src/sync/index.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { GrowingLog, syncOptions, testAccount } from '../support/sync-station.ts';

const HOUR = 3_600_000;
let devnet: Devnet;
const directories: string[] = [];
const running: Sync[] = [];

beforeAll(async () => {
  const endow = [1, 2, 3].map((fill) => ({ publicKey: testAccount(fill).publicKey, balance: 10n ** 15n }));
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
  return { sync, directory };
}

describe('a checkpoint in the call of a pallet, in a real runtime', () => {
  it('is encoded by what the metadata tell, anchored, and its evidence says how', async () => {
    const pallet = { name: 'System', call: 'remark', arguments: { remark: 'checkpoint' as const } };
    const { sync, directory } = station(1, { call: 'pallet', pallet });
    expect(await sync.syncNow()).toMatchObject({ outcome: 'anchored', anchor: { size: 12 } });
    const evidence = anchorCovering(directory, 11);
    expect(evidence?.call).toMatchObject({ pallet: 'System', name: 'remark' });
    if (evidence?.call === undefined) return;
    const call = bytesToHex(encodeAnchorCall(evidence.call, evidence.checkpoint));
    expect(evidence.extrinsic.endsWith(call.slice(2))).toBe(true);
    const [intent] = readSyncStatus(directory).intents;
    expect(intent?.outcome).toMatchObject({ success: true, error: null });
    expect(BigInt(intent?.outcome?.fee ?? 0)).toBeGreaterThan(0n);
  });

  it('is no anchor when the runtime refuses it, whose error is named', async () => {
    const fields = { id: 'size', name: 'origin', symbol: 'origin', decimals: 'size' } as const;
    const pallet = { name: 'Assets', call: 'set_metadata', arguments: fields };
    const { sync, directory } = station(2, { call: 'pallet', pallet });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'sync.call_refused' });
    const [intent] = readSyncStatus(directory).intents;
    expect(intent?.outcome).toMatchObject({
      success: false,
      error: expect.stringMatching(/^Assets\./) as string,
    });
    expect(anchorCovering(directory, 0)).toBeUndefined();
  });

  it('is not signed while an upgraded runtime lacks the call; it stays planned', async () => {
    await devnet.upgradeRuntime({ without: 'remark_with_event' });
    const { sync, directory } = station(3, { call: 'remark' });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.call_missing' });
    expect(readSyncStatus(directory).intents).toMatchObject([{ state: 'planned', attempt: null }]);
  });
});
