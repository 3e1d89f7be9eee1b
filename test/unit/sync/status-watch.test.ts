import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ChainError, type GatewayEvent } from '../../../src/chain/index.ts';
import {
  type FaultEffect,
  openSync,
  SyncDesk,
  type Sync,
  type SyncOptions,
  type SyncStatus,
} from '../../../src/sync/index.ts';
import { ModelWorld } from '../../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../../support/sync/sync-station.ts';
import { problemsOf } from '../../support/telemetry/contract-check.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { syncDocument } from '../../../src/station/telemetry/sync-document.ts';
import { SYNC_DOCUMENT } from '../../../src/telemetry/contract/schemas/index.ts';
import { hasCode } from '../../support/has-code.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'status-watch-'));
const open: Sync[] = [];
/** Of all tests of this file, one of each kind. */
const shown = new Map<string, SyncStatus>();
afterEach(async () => {
  await Promise.all(open.splice(0).map((sync) => sync.stop()));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Progress = Extract<GatewayEvent, { type: 'progress' }>;
const progress = (more: Partial<Progress>): GatewayEvent => ({
  ...{ type: 'progress', stage: 'finding-peers', peers: 0, best: null, finalized: null },
  ...{ finalizedAtMs: null, clock: null },
  ...more,
});

function station(more: Partial<SyncOptions> = {}) {
  const world = new ModelWorld();
  const clock = new VirtualClock();
  const log = new GrowingLog('watched', 3);
  const seen: SyncStatus[] = [];
  const faults: FaultEffect[] = [];
  const sync = openSync(
    syncOptions({
      stateDirectory: mkdtempSync(path.join(root, 's-')),
      source: log,
      account: testAccount(1),
      chain: {
        transport: 'light-client',
        relaySpec: 'r',
        paraSpec: 'p',
        call: 'remark',
        anchorEveryMs: HOUR,
      },
      gatewayEntry: world.open,
      clock,
      wallClock: { nowWallMs: () => 1_800_000_000_000, status: () => 'S' },
      onStatus: (status) => {
        seen.push(status);
        shown.set(
          JSON.stringify([status.phase, status.open?.state, status.words[0]?.state, status.failure?.code]),
          status,
        );
      },
      onFault: (effect) => faults.push(effect),
      timing: { firstRetryMs: 2 * SECOND, maxRetryMs: 10 * MINUTE },
      ...more,
    }),
  );
  open.push(sync);
  const pass = async (durationMs: number, mine = true): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += 6 * SECOND) {
      await clock.advance(6 * SECOND);
      if (mine) world.mine();
    }
    await clock.advance(1);
  };
  return { world, clock, log, seen, faults, sync, pass };
}

/** As a real one, it says so when it is ended meanwhile. */
function neverConnects(world: ModelWorld): void {
  const ended = (): Promise<never> =>
    (world.alive[0]?.ended ?? Promise.reject(new Error('no gateway'))).then((why) => {
      throw why;
    });
  world.fault = (operation, result) => (operation === 'connect' ? ended() : result);
}

const states = ({ words }: SyncStatus): string[] => words.map(({ state }) => state);

describe('the status of a running sync service', () => {
  it('tells how far the light client is while it connects, with what to do when it finds no peer', async () => {
    const { sync, world, clock } = station();
    neverConnects(world);
    sync.start();
    await clock.advance(5 * MINUTE);
    const tell = (event: GatewayEvent): void => world.alive[0]?.tell(event);
    tell(progress({ stage: 'starting', peers: null }));
    expect(states(sync.status())).toEqual(['gateway-starting']);
    tell(progress({}));
    await clock.advance(10 * SECOND);
    expect(states(sync.status())).toEqual(['finding-peers']);
    await clock.advance(30 * SECOND);
    expect(sync.status()).toMatchObject({ phase: 'connecting', link: { peers: 0, peerlessForMs: 40_000 } });
    expect(states(sync.status())).toEqual(['no-peers']);
    expect(sync.status().words[0].advice).toContain('boot nodes');
    tell(progress({ stage: 'syncing', peers: 4, best: 120, finalized: 100 }));
    expect(states(sync.status())).toEqual(['catching-up']);
    tell(progress({ stage: 'loading-runtime', peers: 1, best: 140, finalized: 130 }));
    expect(states(sync.status())).toEqual(['loading-runtime', 'few-peers']);
    expect(sync.status().link).toMatchObject({ best: 140, finalized: 130, peers: 1, peerlessForMs: null });
  });

  it('keeps what was seen of the chain when the gateway has gone, and grows old by the monotonic clock', async () => {
    const { sync, pass, clock } = station();
    sync.start();
    await pass(10 * MINUTE);
    const before = sync.status();
    expect(before).toMatchObject({ phase: 'idle', link: null, chain: null, gateway: null, anchoredSize: 3 });
    expect(before.seen).toMatchObject({ specName: 'model', free: '1000' });
    expect(before.seen?.finalizedNumber).toBeGreaterThan(0);
    await clock.advance(7 * SECOND);
    const ageMs = sync.status().seen?.finalizedAgeMs ?? 0;
    expect(ageMs - (before.seen?.finalizedAgeMs ?? 0)).toBe(7_000);
  });

  it('says what the wall clock is off by, as the chain sees it', async () => {
    const { sync, world, clock } = station();
    neverConnects(world);
    sync.start();
    await clock.advance(5 * MINUTE);
    world.alive[0]?.tell(progress({ peers: 5, finalizedAtMs: 1_800_000_090_000, clock: 'behind' }));
    expect(sync.status().clock).toEqual({ trusted: true, problem: 'behind', aheadMs: -90_000 });
    expect(states(sync.status())).toContain('clock-wrong');
  });

  it('is not told again while nothing but ages changes', async () => {
    const { sync, seen, pass } = station();
    sync.start();
    await pass(10 * MINUTE);
    const told = seen.length;
    await pass(30 * MINUTE, false);
    expect(sync.status().phase).toBe('idle');
    expect(seen.length).toBe(told);
  });
});

describe('the faults of a running sync service', () => {
  it('raises a light client that finds no peer over many tries once, and clears it when one is there', async () => {
    const { sync, world, faults, clock, pass } = station();
    world.fault = (operation, result) => {
      if (operation !== 'connect') return result;
      world.alive[0]?.tell(progress({}));
      throw new ChainError('chain.timeout', 'no peers');
    };
    sync.start();
    await clock.advance(2 * HOUR);
    const ofPeers = (): string[] =>
      faults.filter(({ code }) => code === 'sync.no_peers').map(({ type }) => type);
    expect(ofPeers()).toEqual(['raise']);
    expect(sync.status().faults).toEqual(['sync.no_peers']);
    expect(states(sync.status())).toEqual(['no-peers']);
    world.fault = (operation, result) => {
      if (operation === 'connect') world.alive[0]?.tell(progress({ stage: 'ready', peers: 4 }));
      return result;
    };
    await pass(30 * MINUTE);
    expect(ofPeers()).toEqual(['raise', 'clear']);
    expect(sync.status().faults).toEqual([]);
  });

  it('raises a balance below the limit before it is nothing, and forgets nothing over a restart', async () => {
    const chain = {
      transport: 'rpc',
      url: 'ws://model',
      call: 'remark',
      anchorEveryMs: HOUR,
      lowBalance: { amount: '1001' },
    } as const;
    const { sync, faults, pass } = station({ chain });
    sync.start();
    await pass(10 * MINUTE);
    expect(faults).toMatchObject([{ type: 'raise', code: 'sync.low_balance' }]);
    expect(faults[0]?.facts).toEqual([
      { name: 'free', value: '1000' },
      { name: 'lowBelow', value: '1001' },
    ]);
    expect(sync.status().balance).toEqual({ free: '1000', lowBelow: '1001', low: true });
    expect(states(sync.status())).toContain('low-balance');

    const again = station({ chain, raisedFaults: new Set(['sync.low_balance']) });
    again.sync.start();
    await again.pass(10 * MINUTE);
    expect(again.faults).toEqual([]);
    again.world.free = '5000';
    again.log.grow(1);
    await again.pass(2 * HOUR);
    expect(again.faults).toMatchObject([{ type: 'clear', code: 'sync.low_balance' }]);
  });

  it('raises entries that wait too long for an anchor, and clears it with the anchor', async () => {
    const { sync, world, log, faults, pass, clock } = station({
      chain: {
        ...{ transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: HOUR },
        maxAgeMs: 3 * HOUR,
      },
    });
    world.opening = () => {
      throw new ChainError('chain.unreachable', 'no route');
    };
    sync.start();
    await clock.advance(3 * HOUR);
    expect(faults).toEqual([]);
    log.grow(10);
    await clock.advance(HOUR);
    expect(faults).toMatchObject([{ type: 'raise', code: 'sync.anchor_overdue' }]);
    expect(states(sync.status())).toEqual(['unreachable', 'overdue']);
    world.opening = () => {};
    await pass(30 * MINUTE);
    expect(sync.status().anchoredSize).toBe(13);
    expect(faults.map(({ type }) => type)).toEqual(['raise', 'clear']);
  });

  it('raises a chain that does not finalize although there are peers', async () => {
    const { sync, world, log, faults, pass } = station();
    world.fault = (operation, result) => {
      if (operation === 'connect') world.alive[0]?.tell(progress({ stage: 'ready', peers: 4 }));
      return result;
    };
    sync.start();
    await pass(10 * MINUTE);
    log.grow(1);
    await pass(3 * HOUR, false);
    expect(faults.map(({ code, type }) => [code, type])).toEqual([['sync.finality_stale', 'raise']]);
    await pass(30 * MINUTE);
    expect(faults.map(({ type }) => type)).toEqual(['raise', 'clear']);
  });
});

describe('what a client of the control socket is answered about sync', () => {
  it('begins one round at a time and tells how it ended', async () => {
    const { sync, pass } = station();
    const desk = new SyncDesk(sync, '/state');
    expect(desk.answer({ sync: 'status' }).sync).toMatchObject({ stateDirectory: '/state', round: null });
    expect(desk.answer({ sync: 'now' }).sync.round).toMatchObject({ id: 1, state: 'running' });
    expect(desk.answer({ sync: 'now' }).sync.round).toMatchObject({ id: 1, state: 'running' });
    await pass(MINUTE);
    expect(desk.answer({ sync: 'status' }).sync.round).toMatchObject({
      ...{ id: 1, state: 'anchored', error: null },
      anchor: { size: 3 },
    });
    desk.answer({ sync: 'now' });
    await pass(MINUTE);
    expect(desk.answer({ sync: 'status' }).sync.round).toMatchObject({ id: 2, state: 'nothing-to-anchor' });
  });

  it('tells why a round failed, while the service goes on', async () => {
    const { sync, world, pass } = station();
    world.opening = () => {
      throw new ChainError('chain.unreachable', 'no route');
    };
    const desk = new SyncDesk(sync, '/state');
    desk.answer({ sync: 'now' });
    await pass(6 * SECOND);
    const { round } = desk.answer({ sync: 'status' }).sync;
    expect(round).toMatchObject({ state: 'failed', error: { code: 'chain.unreachable' } });
    world.opening = () => {};
    await pass(5 * MINUTE);
    expect(sync.status().anchoredSize).toBe(3);
  });

  it('refuses what is no request', () => {
    const { sync } = station();
    const desk = new SyncDesk(sync, '/state');
    for (const request of [{ sync: 'stop' }, { sync: 'now', force: true }, { sync: null }]) {
      expect(() => desk.answer(request)).toThrow(hasCode('sync.bad_request'));
    }
  });
});

describe('each status that was told in these tests', () => {
  it('makes a telemetry document of the contract', () => {
    expect(shown.size).toBeGreaterThan(5);
    const sent = (status: SyncStatus): unknown => JSON.parse(JSON.stringify(syncDocument(status)));
    expect([...shown.values()].flatMap((status) => problemsOf(SYNC_DOCUMENT, sent(status)))).toEqual([]);
  });
});
