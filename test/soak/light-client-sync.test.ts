// The product as it ships, through its light client, against chains to which things happen.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_LINK } from '../devnet/index.ts';
import { anchored, nextStatus } from '../support/sync/light-client-story.ts';
import { productJson, runProduct, ServiceProcess } from '../support/product.ts';
import { committed, committedSize } from '../support/running-world.ts';
import { anchorWhatIsLeft } from '../support/sync/sync-kill-loop.ts';
import { auditAnchors } from '../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../support/sync/sync-world.ts';

interface Report {
  readonly checks: readonly { readonly name: string; readonly result: string; readonly detail: string }[];
}

describe('a station that syncs through the light client', { timeout: 400_000 }, () => {
  let world: SyncWorld;
  let service: ServiceProcess;
  beforeAll(async () => {
    const devnet = { heartbeatMs: 500, rpc: false, peers: { relay: 2, parachain: 2 } };
    world = await startSyncWorld({ transport: 'light-client', devnet });
    service = ServiceProcess.start(world.configPath, world.stateDirectory);
  }, 120_000);
  afterAll(async () => {
    await service.stop('SIGKILL');
    await world.stop();
  });

  it('anchors from a cold start, and a receipt of it passes with a light client of its own', async () => {
    await committed(service, 3);
    await anchored(service);
    const file = path.join(world.stateDirectory, '..', 'cold.receipt.json');
    const made = await runProduct(['receipt', 'create', world.stateDirectory, '--index', '1', '-o', file]);
    expect(made).toMatchObject({ status: 0 });
    const { paraSpecPath, relaySpecPath } = world.devnet;
    const chain = ['--chain', paraSpecPath, '--relay', relaySpecPath, '--key', world.publicKey];
    const { checks } = await productJson<Report>(['receipt', 'verify', file, ...chain], 180_000);
    expect(checks.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(checks.find(({ name }) => name === 'finality')).toMatchObject({ result: 'pass' });
    rmSync(file);
  });

  it('goes on where it was when its peers are lost in the middle of a sync and come back', async () => {
    await nextStatus(service, ({ open }) => open?.state === 'broadcast' || open?.state === 'inBlock');
    await world.devnet.cut();
    await committed(service, committedSize(service) + 2);
    await world.devnet.restore();
    await anchored(service);
  });

  it('anchors once when the block that held the anchor is retracted and the extrinsic is lost with it', async () => {
    const { devnet } = world;
    await devnet.setFinality('stalled');
    await nextStatus(service, ({ open }) => open?.state === 'inBlock');
    const { parachain } = (await devnet.status()) as { parachain: { best: number; finalized: number } };
    const { retracted } = await devnet.reorg({
      depth: parachain.best - parachain.finalized,
      keepTransactions: false,
    });
    expect(retracted.length).toBeGreaterThan(0);
    await devnet.setFinality('live');
    await anchored(service);
  });

  it('starts again with what it has kept, over a slow link', async () => {
    const { devnet } = world;
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await devnet.setLink({ bitsPerSecond: 100_000, delayMs: 50, lossPercent: 2 });
    service = ServiceProcess.start(world.configPath, world.stateDirectory);
    await committed(service, 1);
    await anchored(service);
    await devnet.setLink(OPEN_LINK);
  });

  it('follows the chain when the voters of its finality change', async () => {
    await world.devnet.changeVoters();
    await anchored(service);
  });

  it('anchors by the honest peer when the other forges proofs, headers and signatures', async () => {
    const lies = { storageProofs: true, forgedHeaders: true, grandpaSignatures: true };
    await world.devnet.setFaults(lies, 'relay-1');
    await world.devnet.setFaults(lies, 'parachain-1');
    await anchored(service);
    await world.devnet.setFaults({ storageProofs: false, forgedHeaders: false, grandpaSignatures: false });
  });

  it('has every intent exactly once on chain after all of that, and none stuck', async () => {
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await anchorWhatIsLeft(world, 90_000)).toEqual([]);
    const audit = await auditAnchors(world.devnet, world);
    expect(audit.problems).toEqual([]);
    expect(audit.onChain).toBeGreaterThanOrEqual(3);
  });
});
