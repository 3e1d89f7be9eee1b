// A link as 2G gives it: what an anchor costs in time and bytes, from nothing and with what an earlier life has kept.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOfOneLife } from '../support/sync/light-client-story.ts';
import { auditAnchors } from '../support/sync/sync-oracle.ts';
import { anchorWhatIsLeft } from '../support/sync/sync-kill-loop.ts';
import { startSyncWorld, type SyncWorld } from '../support/sync/sync-world.ts';
import { OPEN_LINK } from '../devnet/index.ts';

/** 600 ms from request to answer, half of it each way; TCP repeats what is lost, after its time-out. */
const SLOW = { bitsPerSecond: 20_000, delayMs: 300, lossPercent: 5 };
/** Polkadot's parachains make a block in 6 s. */
const HEARTBEAT_MS = 6_000;
const COLD_MS = 900_000;
const WARM_MS = 900_000;
/** SLOW_COLD=1: the light client starts for the first time over the slow link, too, which takes a quarter of an hour. */
const SLOW_COLD = process.env['SLOW_COLD'] === '1';

describe.each(['rpc', 'light-client'] as const)(
  '20 kbit/s, 600 ms, 5 %% loss, %s',
  { timeout: 1_800_000 },
  (transport) => {
    let world: SyncWorld;
    beforeAll(async () => {
      world = await startSyncWorld({
        transport,
        anchorEvery: '20s',
        devnet: { heartbeatMs: HEARTBEAT_MS, rpc: transport === 'rpc', link: SLOW },
      });
    });
    afterAll(() => world.stop());

    it('anchors from a cold start', async () => {
      // A light client fetches the runtime itself: a station is started for the first time where there is a better link.
      if (transport === 'light-client' && !SLOW_COLD) await world.devnet.setLink(OPEN_LINK);
      await anchorsWithin('cold', COLD_MS);
    });

    it('anchors from a warm start', async () => {
      await world.devnet.setLink(SLOW);
      await anchorsWithin('warm', WARM_MS);
    });

    async function anchorsWithin(start: string, withinMs: number): Promise<void> {
      const { down, up, ms } = await bytesOfOneLife(world, withinMs);
      const link =
        start === 'cold' && transport === 'light-client' && !SLOW_COLD
          ? 'open link'
          : '20 kbit/s, 600 ms round trip, 5 % loss';
      process.stdout.write(
        `${link}, ${transport}, ${start}: final after ${Math.round(ms / 1_000)} s, ${down} bytes down, ${up} up\n`,
      );
      expect(ms).toBeLessThan(withinMs);
    }

    it('has every intent exactly once on chain, and none stuck', async () => {
      await world.devnet.setLink(OPEN_LINK);
      expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
      expect((await auditAnchors(world.devnet, world)).problems).toEqual([]);
    });
  },
);
