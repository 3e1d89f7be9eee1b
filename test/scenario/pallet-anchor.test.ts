import { describe, expect, it } from 'vitest';
import { bytesToHex, encodeAnchorCall } from '../../src/chain/index.ts';
import { anchorCovering, readSyncStatus } from '../../src/sync/index.ts';
import { rpcStations } from '../support/sync/rpc-stations.ts';

const stations = rpcStations(3);

describe('a checkpoint in the call of a pallet, in a real runtime', () => {
  it('is encoded by what the metadata tell, anchored, and its evidence says how', async () => {
    const pallet = { name: 'System', call: 'remark', arguments: { remark: 'checkpoint' as const } };
    const { sync, directory } = stations.station(1, { call: 'pallet', pallet });
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
    const { sync, directory } = stations.station(2, { call: 'pallet', pallet });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'sync.call_refused' });
    const [intent] = readSyncStatus(directory).intents;
    expect(intent?.outcome).toMatchObject({
      success: false,
      error: expect.stringMatching(/^Assets\./) as string,
    });
    expect(anchorCovering(directory, 0)).toBeUndefined();
  });

  it('is not signed while an upgraded runtime lacks the call; it stays planned', async () => {
    await stations.devnet.upgradeRuntime({ without: 'remark_with_event' });
    const { sync, directory } = stations.station(3, { call: 'remark' });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.call_missing' });
    expect(readSyncStatus(directory).intents).toMatchObject([{ state: 'planned', attempt: null }]);
  });
});
