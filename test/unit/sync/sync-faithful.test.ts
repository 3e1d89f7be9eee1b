// What the sync service must not do to its owner: anchor without end because somebody asked once, hammer a chain that is away,
// pass over entries that were to be published.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ChainError } from '../../../src/chain/index.ts';
import { type EntrySource, openSync, readSyncStatus, type Sync } from '../../../src/sync/index.ts';
import { ModelWorld } from '../../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../../support/sync/sync-station.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const root = mkdtempSync(path.join(os.tmpdir(), 'sync-faithful-'));
const open: Sync[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sync) => sync.stop()));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Every entry is a fault of 4,000 bytes. */
class LogOfFaults extends GrowingLog {
  openEntries(): EntrySource {
    return {
      bootIndex: 0,
      entries: (_kinds, from, to) =>
        Array.from({ length: to - from }, (_, i) => from + i).map((index) => ({
          index,
          kind: 'fault',
          cose: new Uint8Array(4_000).fill(index),
        })),
      goneBetween: () => 0,
      close: () => {},
    };
  }
}

interface Given {
  readonly publish?: readonly string[];
  readonly world?: ModelWorld;
  readonly directory?: string;
  readonly anchorEveryMs?: number;
}

function station(given: Given = {}) {
  const { publish = [], world = new ModelWorld(), anchorEveryMs = HOUR } = given;
  const stateDirectory = given.directory ?? mkdtempSync(path.join(root, 's-'));
  const clock = new VirtualClock();
  const log = new LogOfFaults('model', 8);
  const sync = openSync(
    syncOptions({
      ...{ stateDirectory, source: log, account: testAccount(1), clock, gatewayEntry: world.open },
      chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs, publish },
      timing: { firstRetryMs: 2 * SECOND, maxRetryMs: 10 * MINUTE },
    }),
  );
  open.push(sync);
  /** A block becomes final every `blockMs`; an entry comes every six seconds if the log grows. */
  const pass = async (durationMs: number, { blockMs = 6 * SECOND, grows = false } = {}): Promise<void> => {
    for (let passed = 6 * SECOND; passed <= durationMs; passed += 6 * SECOND) {
      await clock.advance(6 * SECOND);
      if (grows) log.grow(1);
      if (passed % blockMs === 0) world.mine();
    }
  };
  return { sync, log, world, pass, directory: stateDirectory };
}

describe('a round that somebody asks for', () => {
  it('is one anchor, of what was on disk then, while entries go on coming', async () => {
    const { sync, world, pass } = station();
    const round = sync.syncNow();
    round.catch(() => {});
    await pass(10 * MINUTE, { blockMs: 30 * SECOND, grows: true });
    expect(world.submitted).toHaveLength(1);
    await expect(round).resolves.toMatchObject({ outcome: 'anchored', anchor: { size: 8 } });
  });

  it('ends also when the next anchor is always on its way before the last one is final', async () => {
    const { sync, pass } = station({ anchorEveryMs: 20 * SECOND });
    const sizes: unknown[] = [];
    sync.syncNow().then(
      ({ anchor }) => sizes.push(anchor?.size),
      () => {},
    );
    await pass(10 * MINUTE, { blockMs: 30 * SECOND, grows: true });
    expect(sizes).toEqual([8]);
  });
});

describe('a gateway that is about to go', () => {
  it('stays when something is planned while it stores what it knows: to start another one costs more', async () => {
    const { sync, log, world, pass } = station({ anchorEveryMs: 60 * SECOND });
    let asked = 0;
    let saved: (result: unknown) => void = () => {};
    world.fault = (operation, result) => {
      if (operation !== 'save' || ++asked !== 2) return result;
      return new Promise((resolve) => (saved = () => resolve(result)));
    };
    sync.start();
    await pass(60 * SECOND);
    expect([asked, world.submitted.length]).toEqual([2, 1]);
    log.grow(1);
    await pass(12 * SECOND, { blockMs: HOUR });
    expect(world.submitted).toHaveLength(2);
    saved(undefined);
    await pass(2 * 60 * SECOND);
    expect(world.submitted).toHaveLength(2);
    expect(world.gateways).toHaveLength(1);
    expect(sync.status()).toMatchObject({ phase: 'idle', anchoredSize: 9, failure: null });
  });
});

describe('entries that wait to be published', () => {
  it('are tried rarer and rarer while the chain is away, as an anchor is', async () => {
    const first = station();
    first.sync.start();
    await first.pass(10 * MINUTE);
    await first.sync.stop();
    const { world, directory } = first;
    world.fault = (operation, result) => {
      if (operation === 'connect') throw new ChainError('chain.unreachable', 'no peer');
      return result;
    };
    const before = world.gateways.length;
    const { sync, pass } = station({ publish: ['fault'], world, directory });
    sync.start();
    await pass(HOUR);
    expect(world.gateways.length - before).toBeGreaterThan(3);
    expect(world.gateways.length - before).toBeLessThan(30);
    expect(sync.status().failure).toMatchObject({ code: 'chain.unreachable' });
  });

  it('are not passed over when the batch cannot be stored', async () => {
    const { sync, world, pass, directory } = station({ publish: ['fault'] });
    const outbox = new Database(path.join(directory, 'outbox.db'));
    outbox.exec(`CREATE TRIGGER refuse BEFORE INSERT ON intent WHEN NEW.kind = 'publish'
      BEGIN SELECT RAISE(ABORT, 'no room'); END`);
    sync.start();
    await pass(10 * MINUTE);
    expect(world.submitted).toHaveLength(1);
    outbox.exec('DROP TRIGGER refuse');
    outbox.close();
    await pass(30 * MINUTE);
    expect(readSyncStatus(directory).intents).toMatchObject([
      { kind: 'publish', fromIndex: 4, toIndex: 8 },
      { kind: 'publish', fromIndex: 0, toIndex: 4 },
      { kind: 'anchor' },
    ]);
    expect(world.submitted).toHaveLength(3);
  });
});
