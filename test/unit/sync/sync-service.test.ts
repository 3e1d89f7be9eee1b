import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  ChainError,
  type Hex,
  type OperationResult,
  type PreparedExtrinsic,
} from '../../../src/chain/index.ts';
import {
  anchorCovering,
  openSync,
  readSyncStatus,
  type Sync,
  type SyncOptions,
  type SyncStatus,
} from '../../../src/sync/index.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';
import { syncDocument } from '../../../src/station/telemetry/sync-document.ts';
import { SYNC_DOCUMENT } from '../../../src/telemetry/contract/schemas/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { ModelWorld } from '../../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../../support/sync/sync-station.ts';
import { problemsOf } from '../../support/telemetry/contract-check.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'sync-service-'));
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

/** The first anchor half a minute after the start; nothing is spread after that. */
function firstThen(first: number, later: number): () => number {
  let given = false;
  return () => {
    if (given) return later;
    given = true;
    return first;
  };
}

function station(size: number, more: Partial<SyncOptions> = {}) {
  const world = new ModelWorld();
  const clock = new VirtualClock();
  const log = new GrowingLog('model', size);
  const directory = more.stateDirectory ?? mkdtempSync(path.join(root, 's-'));
  const seen: SyncStatus[] = [];
  const account = testAccount(1);
  const signed: Uint8Array[] = [];
  const options = syncOptions({
    stateDirectory: directory,
    source: log,
    account: {
      ...account,
      sign: (bytes) => {
        signed.push(bytes);
        return account.sign(bytes);
      },
    },
    chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: HOUR },
    gatewayEntry: world.open,
    clock,
    random: firstThen(0.1, 0.5),
    onStatus: (status) => {
      seen.push(status);
      shown.set(
        JSON.stringify([status.phase, status.open?.state, status.words[0]?.state, status.failure?.code]),
        status,
      );
    },
    timing: { firstRetryMs: 2 * SECOND, maxRetryMs: 10 * MINUTE },
    ...more,
  });
  const sync = openSync(options);
  open.push(sync);
  /** Time in which the chain makes a block every six seconds. */
  const pass = async (durationMs: number): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += 6 * SECOND) {
      await clock.advance(6 * SECOND);
      world.mine();
    }
    await clock.advance(1);
  };
  return { world, clock, log, directory, seen, signed, sync, pass, options };
}

describe('the sync service', () => {
  it('anchors the log when it has grown and the interval has passed, and leaves no gateway behind', async () => {
    const { sync, world, log, pass } = station(3);
    sync.start();
    await pass(10 * MINUTE);
    expect(sync.status()).toMatchObject({
      phase: 'idle',
      anchoredSize: 3,
      backlog: 0,
      failure: null,
      gateway: null,
    });
    expect(world.submitted).toHaveLength(1);
    expect(world.alive).toEqual([]);
    await pass(2 * HOUR);
    expect(world.gateways).toHaveLength(1);
    log.grow(5);
    await pass(HOUR);
    expect(sync.status()).toMatchObject({ anchoredSize: 8 });
    expect(world.submitted).toHaveLength(2);
  });

  it('signs nothing while the log is empty', async () => {
    const { sync, world, pass } = station(0);
    sync.start();
    await pass(3 * HOUR);
    expect(world.gateways).toEqual([]);
    expect(await sync.syncNow()).toEqual({ outcome: 'nothing-to-anchor', anchor: null });
  });

  it('makes one anchor of thirty days without a network, and tries more and more rarely', async () => {
    const { sync, world, log, pass, clock } = station(1);
    let tries = 0;
    world.opening = () => {
      tries++;
      throw new ChainError('chain.unreachable', 'no route');
    };
    sync.start();
    for (let hour = 0; hour < 30 * 24; hour++) {
      log.grow(3_600);
      await clock.advance(HOUR);
    }
    // Six an hour at most, and the doubling to get there.
    expect(tries).toBeGreaterThan(30 * 24 * 3);
    expect(tries).toBeLessThan(30 * 24 * 6 + 15);
    expect(sync.status()).toMatchObject({
      phase: 'waiting',
      failure: { code: 'chain.unreachable', failures: tries },
    });
    world.opening = () => {};
    await pass(20 * MINUTE);
    expect(sync.status()).toMatchObject({ anchoredSize: 30 * 24 * 3_600 + 1, failure: null });
    expect(world.submitted).toHaveLength(1);
  }, 60_000);

  it('makes one anchor also when an extrinsic was signed and lost on the day the network went', async () => {
    const { sync, world, log, pass, clock } = station(1);
    sync.start();
    await clock.advance(45 * SECOND);
    expect(world.submitted).toHaveLength(1);
    world.forget();
    world.opening = () => {
      throw new ChainError('chain.unreachable', 'no route');
    };
    world.alive[0]?.crash();
    for (let hour = 0; hour < 48; hour++) {
      log.grow(10);
      await clock.advance(HOUR);
    }
    for (let block = 0; block < 100; block++) world.mine();
    world.opening = () => {};
    await pass(20 * MINUTE);
    expect(sync.status()).toMatchObject({ anchoredSize: 481, backlog: 0 });
    expect(world.nonce).toBe(1);
  });

  it('waits with an unanswered question instead of giving up what the link has synced', async () => {
    const { sync, world, pass } = station(3);
    let down = true;
    world.fault = (operation, result) => {
      if (down && operation === 'account')
        throw new ChainError('chain.bad_answer', 'No node available for storage query');
      return result;
    };
    sync.start();
    await pass(MINUTE);
    down = false;
    await pass(MINUTE);
    expect(sync.status().anchoredSize).toBe(3);
    expect(world.gateways).toHaveLength(1);
  });

  it('takes a link from which nothing comes for stalled, and tries another gateway', async () => {
    const { sync, world, clock, seen, pass } = station(3);
    world.fault = (operation, result) => (operation === 'account' ? new Promise(() => {}) : result);
    sync.start();
    await clock.advance(4 * MINUTE);
    expect(seen.some(({ failure }) => failure?.code === 'sync.stalled')).toBe(true);
    expect(world.gateways.length).toBeGreaterThan(1);
    world.fault = (_operation, result) => result;
    await pass(10 * MINUTE);
    expect(sync.status().anchoredSize).toBe(3);
  });

  it('takes a silent link for stalled also while new checkpoints are planned every minute', async () => {
    const { sync, world, clock, log, seen } = station(3, {
      chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: MINUTE },
    });
    world.fault = (operation, result) => (operation === 'locate' ? new Promise(() => {}) : result);
    sync.start();
    for (let minute = 0; minute < 10; minute++) {
      log.grow(1);
      await clock.advance(MINUTE);
      if (minute === 0) world.mine();
    }
    expect(seen.some(({ failure }) => failure?.code === 'sync.stalled')).toBe(true);
  });

  it('tries another gateway when one question stays unanswered, however well the other ones are answered', async () => {
    const { sync, world, pass, seen } = station(3);
    world.fault = (operation, result) => {
      // A light client that has picked a peer which serves wrong bodies asks that same peer again.
      if (operation === 'locate' && world.gateways.length === 1)
        throw new ChainError('chain.bad_answer', 'the answer is not a block');
      return result;
    };
    sync.start();
    await pass(10 * MINUTE);
    expect(seen.some(({ failure }) => failure?.code === 'chain.bad_answer')).toBe(true);
    expect(sync.status().anchoredSize).toBe(3);
    expect(world.submitted).toHaveLength(1);
  });

  it('stops at once while a gateway is being started that never gets ready', async () => {
    let signal: AbortSignal | undefined;
    const { sync, clock } = station(3, {
      gatewayEntry: (_onEvent, given) => {
        signal = given;
        return new Promise((_resolve, reject) =>
          given.addEventListener('abort', () =>
            reject(new ChainError('chain.gateway_start_failed', 'ended')),
          ),
        );
      },
    });
    sync.start();
    await clock.advance(MINUTE);
    expect(signal?.aborted).toBe(false);
    await sync.stop();
    expect(signal?.aborted).toBe(true);
  });

  it('does not wait for ever for a chain to be as high as a server once claimed', async () => {
    const first = station(3);
    first.sync.start();
    await first.pass(10 * MINUTE);
    await first.sync.stop();
    const store = OutboxStore.open(first.directory);
    const anchor = store.lastFinal();
    if (!anchor?.evidence) throw new Error('there is an anchor');
    store.commit([{ ...anchor, evidence: { ...anchor.evidence, blockNumber: 4_000_000_000 } }]);
    store.close();
    first.log.grow(1);
    const events: string[] = [];
    const random = firstThen(0.1, 0.5);
    const again = openSync({ ...first.options, random, log: (_level, event) => events.push(event) });
    open.push(again);
    again.start();
    await first.pass(HOUR);
    await first.pass(2 * MINUTE);
    expect(again.status().anchoredSize).toBe(3);
    expect(events).toContain('sync.chain_behind');
    await first.pass(3 * MINUTE);
    expect(again.status()).toMatchObject({ anchoredSize: 4, failure: null });
  });

  it('goes on when whoever is told its status throws', async () => {
    const { sync, pass } = station(3, {
      onStatus: () => {
        throw new Error('no reader');
      },
    });
    sync.start();
    await pass(10 * MINUTE);
    expect(sync.status().anchoredSize).toBe(3);
  });

  it('stops in the middle of anything, and goes on with it after the next start', async () => {
    const first = station(3);
    first.sync.start();
    await first.clock.advance(45 * SECOND);
    expect(first.sync.status().open).toMatchObject({ state: 'broadcast' });
    await first.sync.stop();
    expect(first.world.alive).toEqual([]);
    const again = openSync({ ...first.options, onStatus: () => {} });
    open.push(again);
    again.start();
    await first.pass(MINUTE);
    expect(again.status().anchoredSize).toBe(3);
    expect(first.world.nonce).toBe(1);
    expect(new Set(first.world.submitted).size).toBe(1);
  });

  it('goes on in its own turn after a start, and at once when somebody asks', async () => {
    const first = station(3);
    first.sync.start();
    await first.clock.advance(45 * SECOND);
    await first.sync.stop();
    const gateways = (): number => first.world.gateways.length;
    const before = gateways();

    const spread = { ...first.options, random: () => 0.5, timing: { startSpreadMs: 4 * MINUTE } };
    const again = openSync({ ...spread, onStatus: () => {} });
    again.start();
    await first.pass(MINUTE);
    expect(again.status()).toMatchObject({ phase: 'waiting', failure: null, retryInMs: MINUTE - 1 });
    expect(gateways()).toBe(before);
    await first.pass(MINUTE);
    expect(gateways()).toBe(before + 1);
    await again.stop();

    first.log.grow(2);
    const third = openSync({ ...spread, onStatus: () => {} });
    open.push(third);
    third.start();
    const asked = third.syncNow();
    await first.pass(MINUTE);
    expect(await asked).toMatchObject({ outcome: 'anchored', anchor: { size: 5 } });
  });

  it('signs anew for the chain that it was moved to by configuration, and only then', async () => {
    const first = station(3);
    first.sync.start();
    await first.clock.advance(45 * SECOND);
    expect(first.sync.status().open).toMatchObject({ state: 'broadcast', attempts: 1 });
    await first.sync.stop();
    const store = OutboxStore.open(first.directory);
    store.setProperty('genesisHash', `0x${'0d'.repeat(32)}`);
    store.close();

    const astray = openSync(first.options);
    const refused = astray.syncNow().catch((error: unknown) => error);
    await first.clock.advance(SECOND);
    expect(await refused).toMatchObject({ code: 'chain.wrong_chain', remedy: 'operator' });
    await astray.stop();

    first.world.forget();
    const { genesisHash } = first.world;
    const moved = openSync({ ...first.options, chain: { ...first.options.chain, genesisHash } });
    open.push(moved);
    moved.start();
    await first.pass(MINUTE);
    expect(moved.status()).toMatchObject({ anchoredSize: 3, failure: null });
    expect(readSyncStatus(first.directory)).toMatchObject({
      genesisHash,
      intents: [{ state: 'final', attempt: { ordinal: 2 } }],
    });
  });

  it.each([
    ['final', 10 * MINUTE],
    ['broadcast', 45 * SECOND],
    ['planned', 0],
  ])('anchors a log that took the place of a longer one, whose last intent was %s', async (state, forMs) => {
    const first = station(300);
    first.world.opening = () => {
      if (forMs === 0) throw new ChainError('chain.unreachable', 'no route');
    };
    first.sync.start();
    if (forMs > MINUTE) await first.pass(forMs);
    else await first.clock.advance(45 * SECOND);
    await first.sync.stop();
    expect(readSyncStatus(first.directory).intents).toMatchObject([{ state, size: 300 }]);
    const signedBefore = first.signed.length;

    first.world.opening = () => {};
    const log = new GrowingLog('another', 4);
    const again = openSync({ ...first.options, source: log });
    open.push(again);
    expect(again.status()).toMatchObject({ anchoredSize: 0, backlog: 4, lastAnchor: null });
    expect(anchorCovering(first.directory, 0)).toBeUndefined();
    again.start();
    await first.pass(2 * HOUR);
    expect(again.status()).toMatchObject({ anchoredSize: 4, backlog: 0, failure: null });
    expect(anchorCovering(first.directory, 0)).toMatchObject({ size: 4 });
    expect(anchorCovering(first.directory, 200)).toBeUndefined();
    expect(first.signed.length - signedBefore).toBe(1);
    expect(first.world.nonce).toBe(state === 'planned' ? 1 : 2);
    await again.stop();
    const third = openSync({ ...first.options, source: log });
    open.push(third);
    expect(third.status()).toMatchObject({ anchoredSize: 4, backlog: 0 });
  });

  it('never signs anew what is left of a log that was set aside', async () => {
    const first = station(300);
    first.sync.start();
    await first.clock.advance(45 * SECOND);
    await first.sync.stop();
    first.world.forget();
    const again = openSync({ ...first.options, source: new GrowingLog('another', 4) });
    open.push(again);
    again.start();
    first.world.fault = (operation, result) => {
      if (operation === 'submit') first.world.forget();
      return result;
    };
    await first.pass(7 * MINUTE);
    first.world.fault = (_operation, result) => result;
    await first.pass(2 * HOUR);
    expect(again.status()).toMatchObject({ anchoredSize: 4, failure: null });
    expect(first.world.nonce).toBe(1);
    expect(readSyncStatus(first.directory).intents.map(({ state, size }) => [state, size])).toEqual([
      ['final', 4],
      ['superseded', 300],
    ]);
  });

  it('drives one outbox only once', () => {
    const { directory, options } = station(3);
    expect(() => openSync({ ...options, stateDirectory: directory })).toThrow(hasCode('sync.locked'));
  });
});

/** What follows the call: era (2), nonce (1 while small), genesis hash and birth hash (32 each). */
function callLength({ payload }: PreparedExtrinsic): number {
  return (payload.length - 2) / 2 - 2 - 1 - 64;
}

describe('a gateway that is not to be trusted', () => {
  it.each<[string, (prepared: PreparedExtrinsic) => PreparedExtrinsic]>([
    ['a transfer', (prepared) => ({ ...prepared, payload: `0x0403${prepared.payload.slice(6)}` })],
    ['another nonce', (prepared) => ({ ...prepared, fields: { ...prepared.fields, nonce: 5 } })],
    [
      'another chain',
      (prepared) => ({ ...prepared, fields: { ...prepared.fields, genesisHash: `0x${'99'.repeat(32)}` } }),
    ],
    [
      'an extension named twice, of which the second would be read as a tip',
      (prepared) => {
        const { fields, payload } = prepared;
        const at = 2 + 2 * (callLength(prepared) + 3);
        const twice = `${payload.slice(0, at)}${payload.slice(at - 2, at)}${payload.slice(at)}`;
        const signedExtensions = [...fields.signedExtensions, 'CheckNonce'];
        return { fields: { ...fields, signedExtensions }, payload: twice as Hex };
      },
    ],
    ['an extension with a payload', (prepared) => ({ ...prepared, payload: `${prepared.payload}00` })],
  ])('gets no signature for %s', async (_name, forge) => {
    const { sync, world, clock, signed } = station(3);
    const asked: string[] = [];
    world.fault = (operation, result) => {
      asked.push(operation);
      return operation === 'prepare' ? forge(result as OperationResult<'prepare'>) : result;
    };
    const failed = sync.syncNow().catch((error: unknown) => error);
    await clock.advance(SECOND);
    expect(await failed).toMatchObject({ code: 'sync.payload_refused', remedy: 'operator' });
    expect(asked.slice(-2), 'metadata that were kept may be the reason').toEqual([
      'prepare',
      'doubtMetadata',
    ]);
    expect(signed).toEqual([]);
    expect(world.submitted).toEqual([]);
  });

  it('has nothing sent that is not what was signed', async () => {
    const { sync, world, clock } = station(3);
    world.fault = (operation, result) =>
      operation === 'assemble'
        ? { extrinsic: `${(result as OperationResult<'assemble'>).extrinsic}00` }
        : result;
    const failed = sync.syncNow().catch((error: unknown) => error);
    await clock.advance(SECOND);
    expect(await failed).toMatchObject({ code: 'sync.extrinsic_refused' });
    expect(world.submitted).toEqual([]);
    expect(sync.status().open).toMatchObject({ state: 'planned', attempts: 0 });
  });

  it('is not believed when its evidence does not hold; the anchor is found by the next one', async () => {
    const { sync, world, pass, directory, seen } = station(3);
    let lies = true;
    world.fault = (operation, result) => {
      const located = result as OperationResult<'locate'>;
      if (!lies || operation !== 'locate' || located.outcome !== 'found') return result;
      return { ...located, evidence: { ...located.evidence, blockHash: `0x${'00'.repeat(32)}` } };
    };
    sync.start();
    await pass(MINUTE);
    expect(seen.some(({ failure }) => failure?.code === 'sync.evidence_refused')).toBe(true);
    expect(anchorCovering(directory, 0)).toBeUndefined();
    expect(readSyncStatus(directory).failure).toMatchObject({ code: 'sync.evidence_refused' });
    lies = false;
    await pass(30 * MINUTE);
    expect(anchorCovering(directory, 0)).toMatchObject({ size: 3 });
    expect(world.nonce).toBe(1);
  });

  it('cannot spend the account by saying again and again that nothing of what was sent is there', async () => {
    const { sync, world, pass, signed } = station(3);
    let told = 0;
    world.fault = (operation, result) => {
      if (operation === 'locate') return { outcome: 'absent', from: 1, to: 2 };
      return operation === 'account' ? { finalized: world.finalized, nonce: told++, free: '9' } : result;
    };
    sync.start();
    await pass(HOUR);
    // Once an era of 64 blocks: before its end an absence is of no account.
    expect(signed.length).toBeGreaterThan(1);
    expect(signed.length).toBeLessThan(12);
  });

  it('cannot spend it by saying again and again that an era is over', async () => {
    const { sync, world, pass, signed, seen } = station(3);
    let told = 0;
    world.fault = (operation, result) => {
      if (operation !== 'account') return result;
      const { hash } = world.finalized;
      return { finalized: { number: (told += 100), hash }, nonce: 0, free: '9' };
    };
    sync.start();
    await pass(HOUR);
    expect(signed.length).toBeGreaterThan(20);
    expect(signed.length).toBeLessThan(20 + 60 + 1);
    expect(seen.some(({ failure }) => failure?.code === 'sync.too_many_signatures')).toBe(true);
  });

  it('is asked about an account without money, which is the operator’s to fill', async () => {
    const { sync, world, clock, pass } = station(3);
    world.free = '0';
    const failed = sync.syncNow().catch((error: unknown) => error);
    await clock.advance(SECOND);
    expect(await failed).toMatchObject({ code: 'sync.no_funds', remedy: 'operator' });
    world.free = '5';
    await pass(MINUTE);
    expect(sync.status().anchoredSize).toBe(3);
  });
});

describe('each status that was told in these tests', () => {
  it('makes a telemetry document of the contract', () => {
    expect(shown.size).toBeGreaterThan(5);
    const sent = (status: SyncStatus): unknown => JSON.parse(JSON.stringify(syncDocument(status)));
    expect([...shown.values()].flatMap((status) => problemsOf(SYNC_DOCUMENT, sent(status)))).toEqual([]);
  });
});
