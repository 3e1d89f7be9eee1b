import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import type { Gateway } from '../../../src/sync/index.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';
import { TrafficMeter } from '../../../src/sync/planning/traffic-meter.ts';

const HOUR = 3_600_000;
const root = mkdtempSync(path.join(os.tmpdir(), 'traffic-meter-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A station that is switched on and off again, and that nobody tells the time. */
function switchedOn(store: OutboxStore) {
  let monoMs = 1_000;
  const clock = { nowMonoMs: () => monoMs, sleep: () => Promise.resolve() };
  const wallClock = { nowWallMs: () => 0, status: () => 'U' };
  const meter = new TrafficMeter({ store, clock, wallClock, log: silentLog, bytesPerDay: 1_000 });
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      monoMs += 10_000;
      meter.look();
    }
  };
  const carry = (bytesIn: number): void => {
    meter.follow({ traffic: { bytesIn, bytesOut: 0 } } as Gateway);
    meter.follow(null);
  };
  return { meter, pass, carry };
}

describe('the bytes of a day', () => {
  it('are free again after a day of running, however often the station was switched off in between', () => {
    const store = OutboxStore.open(mkdtempSync(path.join(root, 's-')));
    switchedOn(store).carry(1_000);
    for (const ran of [10, 20]) {
      const { meter, pass } = switchedOn(store);
      expect(meter.usedBytes, `after ${ran - 10} hours`).toBe(1_000);
      pass(10 * HOUR);
    }
    const { meter, pass } = switchedOn(store);
    pass(6 * HOUR);
    expect(meter.usedBytes).toBe(0);
    store.close();
  });

  it('are written seldom: what is not carried is not stored more than once an hour', () => {
    const store = OutboxStore.open(mkdtempSync(path.join(root, 's-')));
    const { pass, carry } = switchedOn(store);
    carry(1_000);
    let writes = 0;
    const counted = { ...storeOf(store), setProperty: () => void writes++ } as unknown as OutboxStore;
    const again = switchedOn(counted);
    again.pass(30 * HOUR);
    expect(writes).toBeLessThanOrEqual(24);
    pass(0);
    store.close();
  });
});

function storeOf(store: OutboxStore) {
  return { property: (name: string) => store.property(name) };
}
