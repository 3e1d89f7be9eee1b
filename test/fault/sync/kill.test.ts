// The short form of test/soak/sync-kill.test.ts, and the proof that its oracle can say no.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpublished } from '../../support/sync/published-entries.ts';
import { serviceForTest, syncStatus } from '../../support/running-world.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { anchorWhatIsLeft, killWhileSyncing } from '../../support/sync/sync-kill-loop.ts';
import { auditAnchors } from '../../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../../support/sync/sync-world.ts';

const random = seededRandom('sync-kill');
/** With what a reader or writer of it leaves behind. */
const OUTBOX = ['outbox.db', 'outbox.db-wal', 'outbox.db-shm'];

describe(`a station killed while it syncs ${random.note}`, { timeout: 300_000 }, () => {
  let world: SyncWorld;
  beforeAll(async () => {
    const more = ['publish: [reading]'];
    world = await startSyncWorld({ transport: 'rpc', more, devnet: { heartbeatMs: 500 } });
  }, 120_000);
  afterAll(() => world.stop());

  it('has every intent exactly once on chain, and none stuck', async () => {
    const report = await killWhileSyncing(world, { kills: 6, random, maxMs: 1_000, publishes: true });
    expect(report.problems).toEqual([]);
    expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
    const audit = await auditAnchors(world.devnet, world);
    expect(audit.problems).toEqual([]);
    expect(audit.onChain).toBeGreaterThan(0);
    expect(audit.final).toBe(audit.onChain);
    expect(await unpublished(world.stateDirectory, 'reading', audit.published)).toEqual([]);
  });

  it('is caught by the same oracle when its outbox forgets what it had written', async () => {
    const copy = mkdtempSync(path.join(os.tmpdir(), 'old-outbox-'));
    try {
      const first = serviceForTest(world);
      const files = (from: string, to: string): void => {
        for (const name of OUTBOX) {
          rmSync(path.join(to, name), { force: true });
          if (name !== 'outbox.db-shm' && existsSync(path.join(from, name)))
            copyFileSync(path.join(from, name), path.join(to, name));
        }
      };
      await syncStatus(first, ({ open }) => open?.state === 'planned', 120_000);
      files(world.stateDirectory, copy);
      await syncStatus(first, ({ open }) => open?.state === 'inBlock', 120_000);
      await first.stop('SIGKILL');
      files(copy, world.stateDirectory);
      expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
      const { problems } = await auditAnchors(world.devnet, world);
      expect(problems).not.toEqual([]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
