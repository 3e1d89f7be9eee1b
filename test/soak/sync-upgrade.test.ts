import { describe, expect, it, vi } from 'vitest';
import { readSyncStatus } from '../../src/sync/index.ts';
import { rpcStations } from '../support/sync/rpc-stations.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const stations = rpcStations(2);

describe('a runtime upgrade', () => {
  it('while an anchor is in a block that is not final costs no second one, and the next is signed for the new runtime', async () => {
    const pallet = { name: 'System', call: 'remark', arguments: { remark: 'checkpoint' as const } };
    const { sync, log, directory } = stations.station(1, { call: 'pallet', pallet });
    await stations.devnet.setFinality('stalled');
    const asked = sync.syncNow();
    asked.catch(() => {});
    await vi.waitFor(() => expect(sync.status().open).toMatchObject({ state: 'inBlock' }), PATIENCE);
    const { specVersion } = await stations.devnet.upgradeRuntime();
    await vi.waitFor(() => expect(sync.status().chain).toMatchObject({ specVersion }), PATIENCE);
    await stations.devnet.setFinality('live');
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
    await stations.devnet.upgradeRuntime({ without: 'remark_with_event' });
    const { sync, directory } = stations.station(2, { call: 'remark' });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.call_missing' });
    expect(readSyncStatus(directory).intents).toMatchObject([{ state: 'planned', attempt: null }]);
    await stations.devnet.upgradeRuntime();
    // By itself: the loop tries again.
    await vi.waitFor(
      () => expect(sync.status()).toMatchObject({ anchoredSize: 12, failure: null }),
      PATIENCE,
    );
  });
});
