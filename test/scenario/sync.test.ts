import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeHeader, hexToBytes, verifyExtrinsicProof, bytesToHex } from '../../src/chain/index.ts';
import {
  anchorCovering,
  type ChainOptions,
  openSync,
  readSyncStatus,
  type Sync,
  type SyncOptions,
  type SyncStatus,
} from '../../src/sync/index.ts';
import { type Devnet, OPEN_LINK, startDevnet } from '../devnet/index.ts';
import type { DriverOrder } from '../support/sync/sync-driver.ts';
import { startActivator } from '../support/system/socket-activator.ts';
import { GATEWAY, GrowingLog, remarkOf, syncOptions, testAccount } from '../support/sync/sync-station.ts';

const HOUR = 3_600_000;
const BALANCE = 10n ** 15n;
const ACCOUNTS = Array.from({ length: 12 }, (_, i) => i + 1);

let devnet: Devnet;
let lightClient: ChainOptions & { transport: 'light-client' };
let rpc: ChainOptions & { transport: 'rpc' };
const directories: string[] = [];
const running: Sync[] = [];

beforeAll(async () => {
  const endow = ACCOUNTS.map((fill) => ({ publicKey: testAccount(fill).publicKey, balance: BALANCE }));
  devnet = await startDevnet({ endow, heartbeatMs: 1_000, rpc: true });
  const { relaySpecPath: relaySpec, paraSpecPath: paraSpec, rpcUrl: url = '' } = devnet;
  lightClient = { transport: 'light-client', relaySpec, paraSpec, call: 'remark', anchorEveryMs: HOUR };
  rpc = { transport: 'rpc', url, call: 'remark', anchorEveryMs: HOUR };
});

afterAll(async () => {
  await Promise.all(running.map((sync) => sync.stop()));
  await devnet.stop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function stateDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sync-'));
  directories.push(directory);
  return directory;
}

interface Station {
  readonly sync: Sync;
  readonly directory: string;
  readonly log: GrowingLog;
  readonly seen: SyncStatus[];
  /** Resolves with the first status, from now on, that fits. */
  readonly until: (fits: (status: SyncStatus) => boolean) => Promise<SyncStatus>;
}

function station(fill: number, size: number, chain: ChainOptions, more: Partial<SyncOptions> = {}): Station {
  const directory = stateDirectory();
  const log = new GrowingLog(`station-${fill}`, size);
  const seen: SyncStatus[] = [];
  const waiting = new Set<(status: SyncStatus) => void>();
  const sync = openSync(
    syncOptions({
      stateDirectory: directory,
      source: log,
      account: testAccount(fill),
      chain,
      onStatus: (status) => {
        seen.push(status);
        for (const look of waiting) look(status);
      },
      ...more,
    }),
  );
  running.push(sync);
  const until = (fits: (status: SyncStatus) => boolean): Promise<SyncStatus> =>
    new Promise((resolve) => {
      const look = (status: SyncStatus): void => {
        if (!fits(status)) return;
        waiting.delete(look);
        resolve(status);
      };
      waiting.add(look);
    });
  return { sync, directory, log, seen, until };
}

/** A process that has ended; one that nobody has waited for yet (a zombie) has, too. */
function isGone(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('an anchor through the light client', () => {
  it('is final in the block that its evidence proves, and the gateway goes when it is idle', async () => {
    const { sync, directory, until } = station(1, 42, lightClient, { timing: { idleMs: 300 } });
    const idle = until(({ phase, anchoredSize }) => phase === 'idle' && anchoredSize === 42);
    const { outcome, anchor } = await sync.syncNow();
    expect(outcome).toBe('anchored');
    const pid = sync.status().gateway?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);

    const evidence = anchorCovering(directory, 41);
    expect(evidence).toMatchObject({ via: 'light-client', size: 42, genesisHash: devnet.genesisHash });
    if (evidence === undefined) return;
    const block = await devnet.block(evidence.blockNumber);
    expect(block).toMatchObject({ hash: evidence.blockHash, header: evidence.header, finalized: true });
    expect(block?.extrinsics[evidence.extrinsicIndex]).toBe(evidence.extrinsic);
    const { extrinsicsRoot } = decodeHeader(hexToBytes(evidence.header));
    const proof = evidence.extrinsicProof.map(hexToBytes);
    const { extrinsicIndex, extrinsic } = evidence;
    expect(verifyExtrinsicProof(extrinsicsRoot, extrinsicIndex, hexToBytes(extrinsic), proof)).toEqual({
      ok: true,
    });
    expect(bytesToHex(new TextEncoder().encode(evidence.checkpoint))).toBe(remarkOf('station-1', 42));
    const found = await devnet.findExtrinsics(remarkOf('station-1', 42));
    expect(found.map(({ succeeded }) => succeeded)).toEqual([true]);

    expect(anchorCovering(directory, 42)).toBeUndefined();
    expect(anchor).toMatchObject({ size: 42, blockHash: evidence.blockHash });
    await idle;
    expect(isGone(pid)).toBe(true);
    expect(await sync.syncNow()).toMatchObject({ outcome: 'nothing-to-anchor', anchor });
  });

  it('covers the whole backlog with one extrinsic after the chain was cut off', async () => {
    const { sync, log, until } = station(2, 10, { ...lightClient, anchorEveryMs: 500 });
    await sync.syncNow();
    await devnet.cut();
    try {
      log.grow(5);
      await until(({ open }) => open?.size === 15);
      log.grow(1_000_000);
      await until(({ open }) => open?.size === 1_000_015);
    } finally {
      await devnet.restore();
    }
    await until(({ backlog }) => backlog === 0);
    const sizes = [10, 15, 1_000_015];
    const found = await Promise.all(sizes.map((size) => devnet.findExtrinsics(remarkOf('station-2', size))));
    expect(found.map(({ length }) => length)).toEqual([1, 0, 1]);
    await sync.stop();
  });

  it('is made by another gateway when the first is killed in the middle', async () => {
    const { sync, until, seen } = station(3, 7, lightClient);
    const broadcast = until(({ open }) => open?.state === 'broadcast' || open?.state === 'inBlock');
    const first = sync.syncNow().catch((error: unknown) => error);
    const { gateway } = await broadcast;
    const anchored = until(({ anchoredSize }) => anchoredSize === 7);
    process.kill(gateway?.pid ?? 0, 'SIGKILL');
    expect(await first).toMatchObject({ code: 'chain.gateway_exited' });
    const done = await anchored;
    expect(done.failure).toBeNull();
    expect(
      seen.some(({ phase, failure }) => phase === 'waiting' && failure?.code === 'chain.gateway_exited'),
    ).toBe(true);
    expect(await devnet.findExtrinsics(remarkOf('station-3', 7))).toHaveLength(1);
    await sync.stop();
  });

  it('is made through a socket as well, by two gateways of another user', { timeout: 120_000 }, async () => {
    const own = stateDirectory();
    const activator = await startActivator({ program: GATEWAY.pathname, env: { STATE_DIRECTORY: own } });
    const gatewayEntry = { socket: activator.socket };
    const { sync, directory, until } = station(10, 7, lightClient, { gatewayEntry });
    try {
      const broadcast = until(({ open }) => open?.state === 'broadcast' || open?.state === 'inBlock');
      const asked = sync.syncNow().catch((error: unknown) => error);
      const { gateway } = await broadcast;
      const [first] = activator.children;
      expect(gateway?.pid).toBe(first?.pid);
      expect(gateway?.rssBytes).toBeGreaterThan(0);
      const anchored = until(({ anchoredSize }) => anchoredSize === 7);
      first?.kill('SIGKILL');
      expect(await asked).toMatchObject({ code: 'chain.gateway_exited' });
      expect((await anchored).failure).toBeNull();
      expect(activator.children).toHaveLength(2);
      expect(await devnet.findExtrinsics(remarkOf('station-10', 7))).toHaveLength(1);
      const kept = (where: string): boolean => existsSync(path.join(where, 'light-client'));
      expect([kept(own), kept(directory)]).toEqual([true, false]);
    } finally {
      await sync.stop();
      await activator.stop();
    }
  });
});

async function drive(
  order: DriverOrder,
): Promise<{ lines: Record<string, unknown>[]; signal: string | null }> {
  const program = path.resolve(import.meta.dirname, '../support/sync/sync-driver.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { lines, signal };
}

describe('the whole process killed by SIGKILL', () => {
  it.each([
    ['signed', 4],
    ['handed-over', 5],
    ['inBlock', 6],
    ['accepting', 7],
  ])('at "%s" and started again makes exactly one anchor', async (dieAt, accountFill) => {
    const name = `station-${accountFill}`;
    const order = { directory: stateDirectory(), name, accountFill, size: 3, chain: lightClient, dieAt };
    const killed = await drive(order);
    expect(killed.signal).toBe('SIGKILL');
    const pid = Number(killed.lines[0]?.gatewayPid);
    expect(pid).toBeGreaterThan(0);
    const { lines, signal } = await drive({ ...order, dieAt: null });
    expect(signal).toBeNull();
    expect(lines.at(-1)).toMatchObject({ anchor: { size: 3 } });
    expect(await devnet.findExtrinsics(remarkOf(name, 3))).toHaveLength(1);
    expect(readSyncStatus(order.directory).intents.map(({ state }) => state)).toEqual(['final']);
    await expect
      .poll(() => isGone(pid), { message: 'the gateway goes with its core', timeout: 5_000 })
      .toBe(true);
  });
});

describe('an anchor through a node', () => {
  it('is final over RPC, and later over a slow link that loses segments', { timeout: 120_000 }, async () => {
    const { sync, directory, log } = station(8, 12, rpc);
    expect(await sync.syncNow()).toMatchObject({ outcome: 'anchored', anchor: { via: 'rpc', size: 12 } });
    expect(anchorCovering(directory, 0)?.via).toBe('rpc');
    expect(await devnet.findExtrinsics(remarkOf('station-8', 12))).toHaveLength(1);
    await sync.stop();

    log.grow(5);
    const options = { stateDirectory: directory, source: log, account: testAccount(8), chain: rpc };
    const again = openSync(syncOptions(options));
    running.push(again);
    await devnet.setLink({ bitsPerSecond: 100_000, delayMs: 100, lossPercent: 2 });
    try {
      const before = await devnet.linkBytes();
      expect(await again.syncNow()).toMatchObject({ outcome: 'anchored', anchor: { size: 17 } });
      const { down } = await devnet.linkBytes();
      // The metadata, which were kept, are 280 kB.
      expect(down - before.down).toBeLessThan(60_000);
    } finally {
      await devnet.setLink(OPEN_LINK);
      await again.stop();
    }
    expect(await devnet.findExtrinsics(remarkOf('station-8', 17))).toHaveLength(1);
  });

  it('is said to be unreachable, with the next try, while there is none', async () => {
    const { sync, until } = station(9, 12, { ...rpc, url: 'ws://127.0.0.1:9' });
    const waiting = until(({ phase }) => phase === 'waiting');
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.unreachable' });
    const { failure, retryInMs, open } = await waiting;
    expect(failure).toMatchObject({ code: 'chain.unreachable', failures: 1 });
    expect(retryInMs).toBeGreaterThan(0);
    expect(open).toMatchObject({ state: 'planned' });
    await sync.stop();
  });
});

describe('a configuration that does not fit', () => {
  it('names the chain spec that cannot be read', async () => {
    const { sync } = station(9, 12, { ...lightClient, paraSpec: '/nonexistent/para.json' });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.spec_unreadable', remedy: 'operator' });
    await sync.stop();
  });

  it('never signs for another chain than the pinned one', async () => {
    const { sync } = station(9, 12, { ...rpc, genesisHash: `0x${'11'.repeat(32)}` });
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'chain.wrong_chain' });
    await sync.stop();
  });

  it('says which call index the chain has when another one is configured', async () => {
    const { sync } = station(9, 12, { ...rpc, callIndex: '0x0007' });
    await expect(sync.syncNow()).rejects.toMatchObject({
      code: 'chain.call_missing',
      details: { found: '0x0008' },
    });
    await sync.stop();
  });

  it('asks for money when the account has none', async () => {
    const { sync } = station(99, 12, rpc);
    await expect(sync.syncNow()).rejects.toMatchObject({ code: 'sync.no_funds', remedy: 'operator' });
    await sync.stop();
  });
});
