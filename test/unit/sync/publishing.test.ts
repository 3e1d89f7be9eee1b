import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { encodeRemarkCall, bytesToHex, concatBytes } from '../../../src/chain/index.ts';
import {
  openSync,
  readPublishedSize,
  readSyncStatus,
  type EntrySource,
  type Sync,
} from '../../../src/sync/index.ts';
import {
  packEntries,
  parseSince,
  publishedSince,
  storedSince,
} from '../../../src/sync/planning/publication.ts';
import { ModelWorld } from '../../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../../support/sync/sync-station.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const root = mkdtempSync(path.join(os.tmpdir(), 'publishing-'));
const open: Sync[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sync) => sync.stop()));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Every tenth entry is a `fault` of 3,000 bytes, the others are readings. */
class LogWithFaults extends GrowingLog {
  opened = 0;

  openEntries(): EntrySource {
    this.opened++;
    return {
      bootIndex: 0,
      entries: (kinds, from, to) =>
        Array.from({ length: to - from }, (_, i) => from + i)
          .map((index) => ({ index, kind: index % 10 === 0 ? 'fault' : 'reading', cose: entryOf(index) }))
          .filter(({ kind }) => kinds.includes(kind)),
      goneBetween: () => 0,
      close: () => void this.opened--,
    };
  }
}

function entryOf(index: number): Uint8Array {
  return new Uint8Array(3_000).fill(index % 251);
}

function station(size: number, publish: readonly string[], world = new ModelWorld(), directory?: string) {
  const clock = new VirtualClock();
  const log = new LogWithFaults('model', size);
  const stateDirectory = directory ?? mkdtempSync(path.join(root, 's-'));
  const sync = openSync(
    syncOptions({
      ...{ stateDirectory, source: log, account: testAccount(1), clock, gatewayEntry: world.open },
      chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: HOUR, publish },
    }),
  );
  open.push(sync);
  const pass = async (durationMs: number): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += 6 * SECOND) {
      await clock.advance(6 * SECOND);
      world.mine();
    }
  };
  return { sync, log, world, pass, directory: stateDirectory };
}

const remarkOf = (...indices: readonly number[]): string =>
  bytesToHex(encodeRemarkCall([0, 7], concatBytes(indices.map(entryOf)))).slice(2);

describe('entries of a kind that is published', () => {
  it('go on chain after the anchor that covers them, a batch an extrinsic, each once and in order', async () => {
    const { sync, world, log, pass, directory } = station(100, ['fault']);
    sync.start();
    await pass(20 * 60 * SECOND);
    expect(world.submitted).toHaveLength(3);
    expect(world.submitted[1]).toContain(remarkOf(0, 10, 20, 30, 40));
    expect(world.submitted[2]).toContain(remarkOf(50, 60, 70, 80, 90));
    expect(readSyncStatus(directory).intents).toMatchObject([
      { kind: 'publish', state: 'final', fromIndex: 50, toIndex: 100, entriesSoFar: 10, skippedSoFar: 0 },
      { kind: 'publish', state: 'final', fromIndex: 0, toIndex: 50, entriesSoFar: 5 },
      { kind: 'anchor', state: 'final', size: 100 },
    ]);
    expect(readPublishedSize(directory)).toBe(100);
    expect([log.opened, sync.status().phase]).toEqual([0, 'idle']);
    log.grow(9);
    await pass(HOUR + 300 * SECOND);
    expect(world.submitted).toHaveLength(5);
    expect(world.submitted[4]).toContain(remarkOf(100));
  });

  it('are published from the start of the service on at which they were configured, and not twice after a restart', async () => {
    const first = station(100, ['fault']);
    first.sync.start();
    await first.pass(20 * 60 * SECOND);
    await first.sync.stop();
    const again = station(100, ['fault'], first.world, first.directory);
    again.sync.start();
    again.log.grow(11);
    await again.pass(2 * HOUR);
    expect(first.world.submitted).toHaveLength(5);
    expect(first.world.submitted[4]).toContain(remarkOf(100, 110));
  });

  it('need no gateway of their own when there are none', async () => {
    const { sync, world, pass } = station(100, ['tariff']);
    sync.start();
    await pass(30 * 60 * SECOND);
    expect(world.submitted).toHaveLength(1);
    expect(world.gateways).toHaveLength(1);
  });
});

describe('a batch', () => {
  const entry = (index: number, length: number) => ({ index, kind: 'fault', cose: new Uint8Array(length) });
  const limits = { packedBytes: 100, entryBytes: 250 };

  it('takes what fits, one that is large goes alone, one that is too large for an extrinsic is skipped and counted', () => {
    const entries = [entry(1, 60), entry(2, 60), entry(3, 200), entry(4, 300), entry(5, 1)];
    const from = (index: number) => packEntries(entries.slice(index - 1), { fault: 0 }, 9, limits);
    expect(from(1)).toMatchObject({ entries: 1, tooLarge: 0, toIndex: 2 });
    expect(from(2)).toMatchObject({ entries: 1, tooLarge: 0, toIndex: 3 });
    expect(from(3)).toMatchObject({ entries: 1, tooLarge: 1, toIndex: 5 });
    expect(from(5)).toMatchObject({ entries: 1, tooLarge: 0, toIndex: 9 });
    expect(packEntries(entries, { fault: 5 }, 9, limits)).toMatchObject({
      entries: 1,
      tooLarge: 0,
      toIndex: 9,
    });
    expect(packEntries(entries, {}, 9, limits)).toMatchObject({ payload: '0x', entries: 0, toIndex: 9 });
  });

  it('knows since when a kind is published; a kind that comes back, or another log, begins anew', () => {
    const since = publishedSince(['fault', 'boot'], { fault: 3 }, 70);
    expect(since).toEqual({ boot: 70, fault: 3 });
    expect(parseSince(storedSince(since, 4), 4)).toEqual(since);
    expect(parseSince(storedSince(since, 4), 5)).toEqual({});
    expect(publishedSince(['boot'], since, 90)).toEqual({ boot: 70 });
    for (const text of [undefined, '', 'null', '{"ownFrom":0,"since":{"fault":-1}}'])
      expect(parseSince(text, 0)).toEqual({});
  });
});
