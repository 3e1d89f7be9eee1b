// Each step and each write of sync, one death each; the short form is test/fault/sync/kill-steps.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILING_DISK_NOTE, WHY_NO_FAILING_DISK } from '../support/journal/failing-disk.ts';
import { RpcMiddleman } from '../support/sync/rpc-middleman.ts';
import { anchorWhatIsLeft, type Target } from '../support/sync/sync-kill-loop.ts';
import { killAtStep, STEPS, type StepName } from '../support/sync/sync-kill-steps.ts';
import { growLog, writeKiller } from '../support/sync/sync-kill-writes.ts';
import { auditAnchors } from '../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../support/sync/sync-world.ts';

const TARGETS: readonly Target[] = ['station', 'core', 'gateway'];

describe('a station that ends at a step of sync', { timeout: 1_800_000 }, () => {
  let world: SyncWorld;
  let middleman: RpcMiddleman;
  beforeAll(async () => {
    world = await startSyncWorld({ transport: 'rpc' });
    middleman = await RpcMiddleman.listen(world.devnet.rpcUrl ?? '');
    world.configure({ url: middleman.url });
  });
  afterAll(async () => {
    await middleman.close();
    await world.stop();
  });

  it.each(TARGETS)('when the %s is killed: exactly once, none stuck', async (target) => {
    const problems: (string | undefined)[] = [];
    for (const step of Object.keys(STEPS) as StepName[])
      problems.push(await killAtStep(world, middleman, step, target));
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
    expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
    expect((await auditAnchors(world.devnet, world)).problems).toEqual([]);
  });

  it.skipIf(WHY_NO_FAILING_DISK !== undefined)(
    `when the process ends at any write of its outbox: exactly once, none stuck${FAILING_DISK_NOTE}`,
    async () => {
      const killer = writeKiller(world);
      await growLog(world);
      const writes = await killer.countWrites();
      let deaths = 0;
      const problems: string[] = [];
      for (const write of writes) {
        await growLog(world);
        if (await killer.dieAt(write)) deaths++;
        problems.push(
          ...(await anchorWhatIsLeft(world, 120_000)).map((problem) => `write ${write}: ${problem}`),
        );
      }
      killer.remove();
      problems.push(...(await auditAnchors(world.devnet, world)).problems);
      process.stdout.write(
        `ended before a write of the outbox: ${deaths} of ${writes.length} times, ${problems.length} problems\n`,
      );
      expect(problems).toEqual([]);
      expect(deaths).toBeGreaterThan(writes.length / 2);
    },
  );
});
