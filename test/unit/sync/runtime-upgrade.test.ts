import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { ChainFacts, PreparedExtrinsic } from '../../../src/chain/index.ts';
import { openSync, readSyncStatus, type Sync } from '../../../src/sync/index.ts';
import { ModelWorld } from '../../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../../support/sync/sync-station.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const root = mkdtempSync(path.join(os.tmpdir(), 'runtime-upgrade-'));
const open: Sync[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sync) => sync.stop()));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A station on a chain whose runtime is upgraded to what is set in `chain`. */
function station() {
  const world = new ModelWorld();
  const clock = new VirtualClock();
  const log = new GrowingLog('model', 3);
  const chain = { specVersion: 1, hasCall: true };
  const preparedFor: number[] = [];
  world.fault = (operation, result) => {
    const { specVersion } = chain;
    if (operation === 'connect' || operation === 'facts') {
      const facts = { ...(result as ChainFacts), specVersion };
      if (chain.hasCall) return facts;
      return { ...facts, call: null, missing: { what: 'call', nearest: ['remark'] }, remark: null };
    }
    if (operation !== 'prepare') return result;
    preparedFor.push(specVersion);
    const { fields, payload } = result as PreparedExtrinsic;
    return { fields: { ...fields, specVersion }, payload };
  };
  const stateDirectory = mkdtempSync(path.join(root, 's-'));
  const sync = openSync(
    syncOptions({
      ...{ stateDirectory, source: log, account: testAccount(1), gatewayEntry: world.open, clock },
      chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: 60 * MINUTE },
      timing: { firstRetryMs: 2 * SECOND, maxRetryMs: 10 * MINUTE },
    }),
  );
  open.push(sync);
  const upgrade = (to: Partial<typeof chain>): void => {
    Object.assign(chain, to);
    for (const gateway of world.alive) gateway.tell({ type: 'runtime', specVersion: chain.specVersion });
  };
  const pass = async (durationMs: number): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += 6 * SECOND) {
      await clock.advance(6 * SECOND);
      world.mine();
    }
    await clock.advance(1);
  };
  return { world, clock, log, sync, upgrade, pass, preparedFor, stateDirectory };
}

describe('a runtime upgrade while a session runs', () => {
  it('costs what is in flight nothing, and the same session signs the next anchor for the new runtime', async () => {
    const { world, clock, log, sync, upgrade, pass, preparedFor } = station();
    const first = sync.syncNow();
    await clock.advance(SECOND);
    expect(sync.status().open).toMatchObject({ state: 'broadcast', attempts: 1 });
    upgrade({ specVersion: 2 });
    await pass(12 * SECOND);
    expect(await first).toMatchObject({ outcome: 'anchored', anchor: { size: 3 } });

    log.grow(2);
    const second = sync.syncNow();
    await pass(12 * SECOND);
    expect(await second).toMatchObject({ outcome: 'anchored', anchor: { size: 5 } });
    expect(preparedFor).toEqual([1, 2]);
    expect(world.gateways).toHaveLength(1);
    expect(new Set(world.submitted).size).toBe(2);
  });

  it('that loses what is in flight has it signed anew when its era is over, for the new runtime', async () => {
    const { world, clock, sync, upgrade, pass, preparedFor, stateDirectory } = station();
    const asked = sync.syncNow();
    await clock.advance(SECOND);
    expect(world.submitted).toHaveLength(1);
    const [lost] = world.submitted;
    upgrade({ specVersion: 2 });
    // No pool takes it any more, however often it is handed over again.
    while (preparedFor.length < 2) {
      world.forget();
      await pass(6 * SECOND);
    }
    await pass(MINUTE);
    expect(await asked).toMatchObject({ outcome: 'anchored', anchor: { size: 3 } });
    expect(preparedFor).toEqual([1, 2]);
    expect(world.nonce).toBe(1);
    const [intent] = readSyncStatus(stateDirectory).intents;
    expect(intent).toMatchObject({ state: 'final', attempt: { ordinal: 2 } });
    expect(world.submitted.at(-1)).not.toBe(lost);
  });

  it('that takes the call away keeps the anchor planned; it is made by itself when another upgrade brings it back', async () => {
    const { world, sync, upgrade, pass, stateDirectory } = station();
    upgrade({ specVersion: 2, hasCall: false });
    const failed = sync.syncNow().catch((error: unknown) => error);
    await pass(MINUTE);
    expect(await failed).toMatchObject({ code: 'chain.call_missing' });
    expect(world.submitted).toEqual([]);
    expect(readSyncStatus(stateDirectory).intents).toMatchObject([{ state: 'planned', attempt: null }]);
    upgrade({ specVersion: 3, hasCall: true });
    await pass(30 * MINUTE);
    expect(sync.status()).toMatchObject({ anchoredSize: 3, failure: null });
    expect(world.submitted).toHaveLength(1);
  });
});
