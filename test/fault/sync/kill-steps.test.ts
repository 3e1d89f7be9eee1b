// Killed at each step of sync that a test can name: real processes, and between them and the chain somebody who stops the
// messages. What lies between two writes to the disk: kill-at-writes.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcMiddleman } from '../../support/rpc-middleman.ts';
import { anchorWhatIsLeft } from '../../support/sync-kill-loop.ts';
import { killAtStep, STEPS, type StepName } from '../../support/sync-kill-steps.ts';
import { auditAnchors } from '../../support/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../../support/sync-world.ts';

describe('a station killed at a step of sync', { timeout: 120_000 }, () => {
  let world: SyncWorld;
  let middleman: RpcMiddleman;
  beforeAll(async () => {
    world = await startSyncWorld({ transport: 'rpc', devnet: { heartbeatMs: 500 } });
    middleman = await RpcMiddleman.listen(world.devnet.rpcUrl ?? '');
    world.configure({ url: middleman.url });
  });
  afterAll(async () => {
    await middleman.close();
    await world.stop();
  });

  it.each(Object.keys(STEPS) as StepName[])('when %s leaves what can be gone on from', async (step) => {
    expect(await killAtStep(world, middleman, step, 'station')).toBeUndefined();
  });

  it('has every intent exactly once on chain after all of that, and none stuck', async () => {
    expect(await anchorWhatIsLeft(world, 60_000)).toEqual([]);
    const audit = await auditAnchors(world.devnet, world);
    expect(audit.problems).toEqual([]);
    expect(audit.onChain).toBeGreaterThanOrEqual(2);
  });
});
