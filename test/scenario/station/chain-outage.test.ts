import { describe, expect, it } from 'vitest';
import { productJson } from '../../support/product.ts';
import {
  committed,
  committedSize,
  serviceForTest,
  syncStatus,
  timesOnChain,
  worldForTest,
  type StoredIntent,
} from '../../support/running-world.ts';

describe('a chain that is away for a while', () => {
  it('costs one anchor when it is back, which covers the whole backlog; readings never stop', async () => {
    const world = await worldForTest();
    const service = serviceForTest(world);
    const before = await syncStatus(service, ({ anchoredSize }) => anchoredSize > 0);
    await world.devnet.cut();
    const atCut = committedSize(service);
    await committed(service, atCut + 60);
    const backlog = committedSize(service);
    const statusWhileCut = await productJson<{ intents: StoredIntent[] }>([
      'sync',
      'status',
      world.stateDirectory,
    ]);

    await world.devnet.restore();
    const after = await syncStatus(service, ({ anchoredSize }) => anchoredSize >= backlog, 120_000);
    await service.stop('SIGTERM');

    const { intents } = await productJson<{ intents: StoredIntent[] }>([
      'sync',
      'status',
      world.stateDirectory,
    ]);
    // What was already signed when the link broke is finished first; everything since then goes in one.
    const signedBefore = statusWhileCut.intents.filter(
      ({ state }) => state !== 'planned' && state !== 'superseded',
    );
    const known = new Set(signedBefore.map(({ id }) => id));
    const anchorsSince = intents.filter(
      ({ id, state, size }) => state === 'final' && !known.has(id) && size <= after.anchoredSize,
    );
    expect(anchorsSince.map(({ size }) => size)).toEqual([after.anchoredSize]);
    expect(after.anchoredSize).toBeGreaterThan(before.anchoredSize);
    for (const anchor of anchorsSince) expect(await timesOnChain(world, anchor)).toBe(1);
  }, 240_000);
});
