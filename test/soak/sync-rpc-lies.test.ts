// The product behind a JSON-RPC server that cannot be trusted.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anchored } from '../support/sync/light-client-story.ts';
import { ServiceProcess } from '../support/product.ts';
import { LIES, type Lie, outlive } from '../support/sync/rpc-lies.ts';
import { committed } from '../support/running-world.ts';
import { anchorWhatIsLeft } from '../support/sync/sync-kill-loop.ts';
import { auditAnchors } from '../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../support/sync/sync-world.ts';

describe('a station behind a server that lies', { timeout: 360_000 }, () => {
  let world: SyncWorld;
  let service: ServiceProcess;
  beforeAll(async () => {
    world = await startSyncWorld({ transport: 'rpc', devnet: { heartbeatMs: 500 } });
    service = ServiceProcess.start(world.configPath, world.stateDirectory);
    await committed(service, 3);
    await anchored(service);
  }, 180_000);
  afterAll(async () => {
    await service.stop('SIGKILL');
    await world.stop();
  });

  it.each(Object.keys(LIES) as Lie[])('goes on when a server that %s becomes honest', async (lie) => {
    await outlive(world, service, lie, 240_000);
  });

  it('has every intent exactly once on chain after all of that, and none stuck', async () => {
    await service.stop('SIGTERM');
    expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
    expect((await auditAnchors(world.devnet, world)).problems).toEqual([]);
  });
});
