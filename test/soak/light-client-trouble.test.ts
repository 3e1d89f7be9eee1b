// The product through its light client while the network does what it should not: what it says meanwhile, and that it goes on
// by itself when that is over, every intent exactly once on chain.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, type Faults, noFaults } from '../devnet/index.ts';
import { anchored, nextStatus } from '../support/sync/light-client-story.ts';
import { ServiceProcess } from '../support/product.ts';
import { committed, committedSize, type SyncEvent } from '../support/running-world.ts';
import { anchorWhatIsLeft } from '../support/sync/sync-kill-loop.ts';
import { auditAnchors } from '../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld } from '../support/sync/sync-world.ts';

/** Finality that stands still is told after two minutes; a session that goes nowhere ends after three. */
const TOLD_MS = 210_000;
/** What a station says that has not just begun. */
const STATES_OF_TROUBLE = ['no-peers', 'stale-finality', 'stalled', 'retrying', 'unreachable'];
/** Otherwise it says how long it has been trying. */
const LIE_FOR_MS = 60_000;

const isState =
  (...names: readonly string[]) =>
  ({ words }: SyncEvent): boolean =>
    names.includes(words[0].state);

describe('a station whose light client meets a bad network', { timeout: 420_000 }, () => {
  let world: SyncWorld;
  let devnet: Devnet;
  let service: ServiceProcess;
  let startedAt = 0;
  beforeAll(async () => {
    const options = { heartbeatMs: 500, rpc: false, peers: { relay: 2, parachain: 2 } };
    world = await startSyncWorld({ transport: 'light-client', devnet: options });
    ({ devnet } = world);
    service = ServiceProcess.start(world.configPath, world.stateDirectory);
    await committed(service, 3);
    await anchored(service);
  }, 240_000);
  afterAll(async () => {
    await service.stop('SIGKILL');
    await world.stop();
  });
  afterEach(({ task }) => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    process.stdout.write(`${task.name}: ${startedAt === 0 ? 'no time taken' : `${seconds} s`}\n`);
    startedAt = 0;
  });

  /** What was on disk when the trouble was over is anchored. Returns how many seconds that took. */
  async function recovers(what: string): Promise<void> {
    const overAt = performance.now();
    await committed(service, committedSize(service) + 1);
    await anchored(service, 180_000);
    process.stdout.write(
      `${what}: anchored ${Math.round((performance.now() - overAt) / 1_000)} s after its end\n`,
    );
  }

  it('sends again what peers took and kept to themselves', async () => {
    startedAt = performance.now();
    await devnet.setFaults({ withheldTransactions: true });
    await nextStatus(service, ({ open }) => open?.state === 'broadcast');
    const { parachain } = await devnet.status();
    const withheld = committedSize(service);
    while ((await devnet.status()).parachain.finalized < parachain.best + 10) await devnet.step();
    expect(last(service).anchoredSize).toBeLessThanOrEqual(withheld);
    await devnet.setFaults({ withheldTransactions: false });
    await recovers('withheld transactions');
  });

  it('goes by the peer that is not stale', async () => {
    startedAt = performance.now();
    await devnet.setFaults({ stale: true }, 'parachain-1');
    await devnet.setFaults({ stale: true }, 'relay-1');
    await recovers('one stale peer a chain');
    await devnet.setFaults({ stale: false });
    await recovers('stale peers that catch up');
  });

  it('waits for finality that has stopped, says so, and goes on', async () => {
    startedAt = performance.now();
    await devnet.setFinality('stalled');
    await nextStatus(service, isState('in-block'));
    const told = await nextStatus(service, isState('stale-finality', 'stalled'), TOLD_MS);
    expect(told.words[0].severity).toBe('waiting');
    process.stdout.write(`stalled finality: ${told.words[0].text}\n`);
    await devnet.setFinality('live');
    await recovers('stalled finality');
  });

  it('goes on when the runtime is another one by the time its extrinsic arrives', async () => {
    startedAt = performance.now();
    await nextStatus(service, ({ open }) => open?.state === 'signed');
    const { specVersion } = await devnet.upgradeRuntime();
    await recovers('a runtime upgrade');
    expect(last(service).seen?.specVersion).toBe(specVersion);
  });

  it.each([
    ['forge headers', { forgedHeaders: true }],
    ['forge signatures of finality', { grandpaSignatures: true }],
    ['forge proofs of storage', { storageProofs: true }],
  ] as const satisfies readonly (readonly [string, Partial<Faults>])[])(
    'believes none when all its peers %s, and goes on when they are honest',
    async (what, faults) => {
      startedAt = performance.now();
      await devnet.setFaults(faults);
      await service.stop('SIGTERM');
      service = ServiceProcess.start(world.configPath, world.stateDirectory);
      await committed(service, 1);
      const before = last(service).anchoredSize;
      await nextStatus(service, isState(...STATES_OF_TROUBLE), LIE_FOR_MS).catch(() => {});
      const { anchoredSize, words } = last(service);
      process.stdout.write(`all peers ${what}: ${words[0].state}: ${words[0].text}\n`);
      expect(words[0].severity).not.toBe('good');
      expect(anchoredSize).toBe(before);
      await devnet.setFaults(noFaults());
      await recovers(`all peers ${what}`);
    },
  );

  it('has every intent exactly once on chain after all of that, and none stuck', async () => {
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await anchorWhatIsLeft(world, 120_000)).toEqual([]);
    const audit = await auditAnchors(devnet, world);
    expect(audit.problems).toEqual([]);
    expect(audit.onChain).toBeGreaterThanOrEqual(6);
  });
});

function last(service: ServiceProcess): SyncEvent {
  return service.last('sync')?.['status'] as SyncEvent;
}
