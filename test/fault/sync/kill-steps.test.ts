// Killed at each step of sync that a test can name: real processes, and between them and the chain somebody who stops the
// messages; then at one of the writes to the outbox. All writes, and the gateway alone at each step: test/soak.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FAILING_DISK_NOTE, WHY_NO_FAILING_DISK } from '../../support/journal/failing-disk.ts';
import { RpcMiddleman } from '../../support/sync/rpc-middleman.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { anchorWhatIsLeft } from '../../support/sync/sync-kill-loop.ts';
import { killAtStep, STEPS, type StepName } from '../../support/sync/sync-kill-steps.ts';
import { growLog, writeKiller } from '../../support/sync/sync-kill-writes.ts';
import { auditAnchors } from '../../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../../support/sync/sync-world.ts';

const random = seededRandom('sync-writes');

describe('a station killed at a step of sync', { timeout: 240_000 }, () => {
  let world: SyncWorld;
  let middleman: RpcMiddleman;
  beforeAll(async () => {
    world = await startSyncWorld({ transport: 'rpc', devnet: { heartbeatMs: 500 } });
    middleman = await RpcMiddleman.listen(world.devnet.rpcUrl ?? '');
    world.configure({ url: middleman.url });
  }, 120_000);
  afterAll(async () => {
    await middleman.close();
    await world.stop();
  });

  it.each(Object.keys(STEPS) as StepName[])('when %s leaves what can be gone on from', async (step) => {
    expect(await killAtStep(world, middleman, step, 'station')).toBeUndefined();
  });

  it('has every intent exactly once on chain after all of that, and none stuck', async () => {
    expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
    const audit = await auditAnchors(world.devnet, world);
    expect(audit.problems).toEqual([]);
    expect(audit.onChain).toBeGreaterThanOrEqual(2);
  });

  it.skipIf(WHY_NO_FAILING_DISK !== undefined)(
    `has so when it ends in the middle of a write ${random.note}${FAILING_DISK_NOTE}`,
    async () => {
      const killer = writeKiller(world);
      onTestFinished(() => killer.remove());
      await growLog(world);
      const writes = await killer.countWrites();
      expect(writes.length).toBeGreaterThan(20);
      await growLog(world);
      // The last of them tidy up, after the anchor is on disk.
      await killer.dieAt(writes[random.below(writes.length / 2)] as number);
      expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
      expect((await auditAnchors(world.devnet, world)).problems).toEqual([]);
    },
  );
});
