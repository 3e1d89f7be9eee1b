import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { SyncError, type Sync, type SyncStatus } from '../../../src/sync/index.ts';
import { reopeningSync } from '../../../src/sync/reopening-sync.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;

function station(failures: number, code: 'sync.locked' | 'sync.outbox_damaged' = 'sync.locked') {
  const clock = new VirtualClock();
  const told: string[] = [];
  const shown: SyncStatus[] = [];
  let tries = 0;
  const opened = {
    start: () => void told.push('started'),
    stop: () => Promise.resolve(void told.push('stopped')),
    status: () => ({ phase: 'idle' }),
    syncNow: () => Promise.resolve({ outcome: 'nothing-to-anchor', anchor: null }),
  } as unknown as Sync;
  const sync = reopeningSync({
    open: () =>
      ++tries <= failures ? Promise.reject(new SyncError(code, 'not now')) : Promise.resolve(opened),
    ...{ transport: 'rpc', clock, nowWallMs: () => 5, random: () => 0.5, log: silentLog },
    onStatus: (status) => shown.push(status),
    onFailure: (error) => told.push((error as SyncError).code),
  });
  return { clock, sync, told, shown, tries: () => tries };
}

describe('an outbox that cannot be opened when the service starts', () => {
  it('is tried again, rarer and rarer, and told of once; anchoring begins when it can be opened', async () => {
    const { clock, sync, told, shown, tries } = station(12);
    sync.start();
    await clock.advance(1);
    expect(sync.status()).toMatchObject({
      phase: 'waiting',
      failure: { code: 'sync.locked', failures: 1 },
      retryInMs: 1_999,
    });
    for (let minute = 0; minute < 60; minute++) await clock.advance(MINUTE);
    expect(tries()).toBe(13);
    expect(told).toEqual(['sync.locked', 'started']);
    expect(shown).toHaveLength(1);
    expect(sync.status()).toEqual({ phase: 'idle' });
    await sync.stop();
    expect(told.at(-1)).toBe('stopped');
  });

  it('is tried at once when somebody asks for a round, who is told why it cannot be', async () => {
    const { clock, sync, tries } = station(2, 'sync.outbox_damaged');
    sync.start();
    await clock.advance(1);
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'sync.outbox_damaged' });
    expect(await sync.syncNow()).toMatchObject({ outcome: 'nothing-to-anchor' });
    expect(tries()).toBe(3);
    await sync.stop();
  });

  it('keeps nobody from stopping', async () => {
    const { clock, sync, told } = station(1_000);
    sync.start();
    await clock.advance(5 * MINUTE);
    await sync.stop();
    expect(sync.status().phase).toBe('stopped');
    expect(told).toEqual(['sync.locked']);
  });
});
