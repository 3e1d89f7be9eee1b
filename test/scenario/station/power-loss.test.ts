import { describe, expect, it } from 'vitest';
import { productJson } from '../../support/product.ts';
import {
  committed,
  committedSize,
  exportedEntries,
  serviceForTest,
  syncStatus,
  timesOnChain,
  verifiedJournal,
  worldForTest,
  type StoredIntent,
} from '../../support/running-world.ts';

describe('the whole runtime killed with SIGKILL in mid-run', () => {
  it('comes back with the journal verified, no index twice, nothing acknowledged lost, and each anchor on chain once', async () => {
    const world = await worldForTest();
    let acknowledged = 0;
    // Each life ends at another step of the outbox; the last one goes on until its anchor is final.
    for (const step of ['planned', 'signed', 'broadcast', 'inBlock']) {
      const service = serviceForTest(world);
      await committed(service, acknowledged + 5);
      await syncStatus(service, ({ open }) => open?.state === step);
      await service.stop('SIGKILL');
      acknowledged = Math.max(acknowledged, committedSize(service));

      const journal = await verifiedJournal(world.stateDirectory);
      expect(journal).toMatchObject({ ok: true, firstBad: null });
      expect(journal.size, `entries after the kill at ${step}`).toBeGreaterThanOrEqual(acknowledged);
    }
    const last = serviceForTest(world);
    await committed(last, acknowledged + 5);
    await syncStatus(last, ({ anchoredSize }) => anchoredSize >= acknowledged);
    expect(await last.stop('SIGTERM')).toEqual({ code: 0, signal: null });

    expect(await verifiedJournal(world.stateDirectory)).toMatchObject({ ok: true });
    const indices = (await exportedEntries(world.stateDirectory)).map(({ index }) => index);
    expect(indices).toEqual(indices.map((_, position) => position));
    const boots = (await exportedEntries(world.stateDirectory)).filter(({ kind }) => kind === 'boot');
    expect(boots).toHaveLength(5);

    const { intents } = await productJson<{ intents: StoredIntent[] }>([
      'sync',
      'status',
      world.stateDirectory,
    ]);
    expect(intents.filter(({ state }) => state === 'final').length).toBeGreaterThan(0);
    for (const intent of intents) {
      const times = await timesOnChain(world, intent);
      if (intent.state === 'final')
        expect(times, `the checkpoint of ${intent.size} entries is on chain`).toBe(1);
      else expect(times, `an intent that is ${intent.state}`).toBeLessThanOrEqual(1);
    }
  }, 240_000);
});
