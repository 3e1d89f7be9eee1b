// The wall clock goes wherever it likes; nothing but what is shown as the time may differ for that.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decimal, ENERGY_IMPORT, silentLog, type EnergyMeter } from '../../hal/contract/index.ts';
import { ChainError } from '../../src/chain/index.ts';
import {
  decodeEntry,
  openJournal,
  openJournalReader,
  verifyJournal,
  type JournalEntry,
} from '../../src/journal/index.ts';
import { keepClock, startMetering } from '../../src/metering/index.ts';
import { openSync } from '../../src/sync/index.ts';
import { journalOptions } from '../support/journal/journal-fixture.ts';
import { ModelWorld } from '../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../support/sync/sync-station.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const root = mkdtempSync(path.join(tmpdir(), 'wall-clock-jumps-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const START_MS = Date.UTC(2027, 0, 1);
type WallClock = (monoMs: number) => number;
const calm: WallClock = (monoMs) => START_MS + monoMs;

/** Jumps at about every third look by up to thirty years to either side, from a seed. */
function wild(seed: number): WallClock {
  let state = seed;
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 2 ** 31;
  let offset = 0;
  return (monoMs) => {
    if (random() < 0.3) offset = Math.round((random() - 0.5) * 2 * 30 * 365 * 86_400_000);
    return START_MS + monoMs + offset;
  };
}

const GROUP_COMMIT_MS = 10_000;

/** A minute of metering into a real journal. */
async function metered(wallClock: WallClock, name: string) {
  const directory = path.join(root, name);
  const clock = new VirtualClock();
  const keeper = keepClock({
    ...{ clock, log: silentLog, nowWallMs: () => wallClock(clock.nowMonoMs()) },
    uptimeMs: () => clock.nowMonoMs(),
    time: {
      status: () => 'U',
      report: () => ({ source: null, maxErrorMs: null, leap: 'none' }),
      poll: async () => {},
      stepped: () => {},
    },
  });
  const sleep = (durationMs: number, signal?: AbortSignal): Promise<void> => clock.sleep(durationMs, signal);
  const journal = await openJournal(
    journalOptions(directory, {
      clock: { stamp: keeper.stamp, settle: keeper.settle, sleep },
      groupCommitMs: GROUP_COMMIT_MS,
    }),
  );
  await journal.recordBoot('test');
  const latencies: number[] = [];
  const evidence: Parameters<typeof keeper.watch>[0] = {
    append: async (kind, body, durability) => {
      const at = clock.nowMonoMs();
      const index = await journal.append(kind, body, durability);
      if (kind === 'reading') latencies.push(clock.nowMonoMs() - at);
      return index;
    },
  };
  let wh = 0;
  const meter: EnergyMeter = {
    id: 'm',
    profileId: 'test',
    identify: async () => ({ serial: 'A1' }),
    readSample: async () => {
      const readBeginMonoMs = clock.nowMonoMs();
      await clock.sleep(20);
      const value = { obis: ENERGY_IMPORT, value: decimal(wh++), unit: 'Wh', quality: 'G' } as const;
      return {
        meterSerial: 'A1',
        profileId: 'test',
        readBeginMonoMs,
        readEndMonoMs: clock.nowMonoMs(),
        values: [value],
      };
    },
  };
  const watch = keeper.watch(evidence);
  const metering = startMetering({
    ...{ meters: [{ meter, everyMs: 1_000 }], evidence, clock, log: silentLog },
    onEvent: () => {},
  });
  await clock.advance(60_000);
  await Promise.all([metering.stop(), watch.stop(), clock.advance(100)]);
  await journal.close();
  const reader = openJournalReader(directory);
  const entries = [...reader.entries()].map(({ cose }) => decodeEntry(cose).entry);
  reader.close();
  return { entries, latencies, audit: await verifyJournal(directory) };
}

/** What of an entry does not come from the wall clock, nor from its place in the log. */
const timeless = ({ kind, body, sinceBootMs, bootCount }: JournalEntry): object => ({
  ...{ kind, body, sinceBootMs, bootCount },
});

describe('a wall clock that jumps by decades', () => {
  it.each([1, 2, 3])(
    'changes no reading, no interval and no order, and every jump is announced (seed %i)',
    async (seed) => {
      const [still, jumping] = [
        await metered(calm, `calm-${seed}`),
        await metered(wild(seed), `wild-${seed}`),
      ];
      const readings = (entries: readonly JournalEntry[]): object[] =>
        entries.filter(({ kind }) => kind !== 'clock-step').map(timeless);
      expect(readings(still.entries).length).toBeGreaterThan(55);
      expect(readings(jumping.entries)).toEqual(readings(still.entries));
      expect(Math.max(...jumping.latencies)).toBeLessThanOrEqual(GROUP_COMMIT_MS + 1);
      expect(jumping.audit).toMatchObject({ ok: true });

      const [first] = jumping.entries;
      let offset = first!.timeMs - first!.sinceBootMs;
      let steps = 0;
      let previous = first!;
      for (const entry of jumping.entries) {
        expect(entry.sinceBootMs).toBeGreaterThanOrEqual(previous.sinceBootMs);
        previous = entry;
        if (entry.kind === 'clock-step') {
          offset += entry.body.stepMs;
          steps++;
        }
        expect(Math.abs(entry.timeMs - entry.sinceBootMs - offset)).toBeLessThanOrEqual(1_001);
      }
      expect(steps).toBeGreaterThan(10);
    },
  );

  /** Two hours of an outbox that cannot connect for the first of them. */
  async function outbox(wallClock: WallClock, name: string): Promise<string[]> {
    const world = new ModelWorld();
    const clock = new VirtualClock();
    const trace: string[] = [];
    let isUp = false;
    world.opening = () => {
      trace.push(`${clock.nowMonoMs()} opens`);
      if (!isUp) throw new ChainError('chain.unreachable', 'no network', { remedy: 'retry' });
    };
    const log = new GrowingLog('model', 3);
    const sync = openSync(
      syncOptions({
        stateDirectory: mkdtempSync(path.join(root, name)),
        source: log,
        account: testAccount(1),
        chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: 600_000 },
        gatewayEntry: world.open,
        clock,
        wallClock: { nowWallMs: () => wallClock(clock.nowMonoMs()) },
        random: () => 0.5,
        onStatus: ({ phase }) => trace.push(`${clock.nowMonoMs()} ${phase}`),
        timing: { firstRetryMs: 2_000, maxRetryMs: 600_000 },
      }),
    );
    sync.start();
    for (let block = 0; block < 1_200; block++) {
      if (block === 600) isUp = true;
      if (block % 100 === 0) log.grow(5);
      await clock.advance(6_000);
      world.mine();
    }
    await sync.stop();
    return trace;
  }

  it('changes no retry of the outbox and no anchoring, nor when they happen', async () => {
    const still = await outbox(calm, 'outbox-calm');
    expect(still.filter((line) => line.endsWith('opens')).length).toBeGreaterThan(10);
    expect(await outbox(wild(4), 'outbox-wild')).toEqual(still);
  });
});
