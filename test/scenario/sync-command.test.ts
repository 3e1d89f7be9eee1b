import { nameOf, type HealthItem } from '../../src/health/index.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/index.ts';
import { decodeEntry, openJournal, openJournalReader } from '../../src/journal/index.ts';
import { silentLog } from '../../hal/contract/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { bytesToHex } from '../../src/chain/index.ts';
import { anchorCovering, type SyncRound, type SyncStatus } from '../../src/sync/index.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { PRODUCT, productJson, runProduct, ServiceProcess } from '../support/product.ts';

interface FaultBody {
  readonly code: string;
  readonly message: string;
}

interface Shown {
  readonly live: SyncStatus | null;
  readonly round: SyncRound | null;
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'sync-command-'));
const state = path.join(directory, 'state');
const configFile = path.join(directory, 'station.yaml');
let devnet: Devnet;

function writeConfig(chain: string): void {
  writeFileSync(configFile, `station: { name: TEST-0001 }\nlines: []\nmeters: []\nchain:\n${chain}`);
}

beforeAll(async () => {
  await runProduct(['key', 'init', state]);
  const identity = await loadIdentity(state);
  const journal = await openJournal({
    directory: state,
    origin: `delmonicos/${identity.chainAccount.ss58}`,
    signer: identity,
    clock: {
      stamp: () => ({ wallTimeMs: Date.now(), clockStatus: 'U', sinceBootMs: 1 }),
      sleep: (durationMs, signal) => systemMonotonicClock.sleep(durationMs, signal),
    },
    log: silentLog,
  });
  await journal.recordBoot('test');
  await journal.close();
  const { publicKey } = identity.chainAccount;
  devnet = await startDevnet({ endow: [{ publicKey, balance: 10n ** 15n }], heartbeatMs: 1_000, rpc: true });
});

afterAll(async () => {
  await devnet.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('delmonicos sync', () => {
  it('says that nothing is anchored where nothing ever was', async () => {
    const { status, stdout } = await runProduct(['sync', 'status', state]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing is anchored yet\n' });
  });

  it('ends with 1 and the reason when the node is not there, and keeps the reason for later', async () => {
    writeConfig('  { transport: rpc, url: "ws://127.0.0.1:9" }\n');
    const { status, stderr } = await runProduct(['sync', 'now', '--config', configFile, '--state', state]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/error \[chain.unreachable\]: no link to 127.0.0.1:9: .*ECONNREFUSED/);
    const shown = await productJson<{ failure: unknown; intents: unknown[] }>(['sync', 'status', state]);
    expect(shown).toMatchObject({
      failure: { code: 'chain.unreachable' },
      intents: [{ state: 'planned', size: 1 }],
    });
  });

  it('asks the chain what an anchor costs, and signs none that costs more than it may', async () => {
    writeConfig(`  { transport: rpc, url: "${devnet.rpcUrl}", callIndex: "0x0008", maxFee: "1" }\n`);
    const { status, stderr } = await runProduct(['sync', 'now', '--config', configFile, '--state', state]);
    expect({ status, stderr }).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining('error [sync.fee_too_high]') as string },
    });
    const shown = await productJson<{ intents: unknown[] }>(['sync', 'status', state]);
    expect(shown.intents).toMatchObject([{ state: 'planned', attempts: 0 }]);
  });

  it('anchors the journal through the light client and shows it', async () => {
    const { relaySpecPath, paraSpecPath } = devnet;
    writeConfig(
      `  { transport: light-client, relaySpec: ${relaySpecPath}, paraSpec: ${paraSpecPath}, callIndex: "0x0008" }\n`,
    );
    const round = ['sync', 'now', '--config', configFile, '--state', state];
    const done = await productJson<{ outcome: string; anchor: { size: number; blockHash: string } }>(round);
    expect(done).toMatchObject({ outcome: 'anchored', anchor: { size: 1, via: 'light-client' } });
    const evidence = anchorCovering(state, 0);
    const remark = bytesToHex(new TextEncoder().encode(evidence?.checkpoint ?? ''));
    expect(await devnet.findExtrinsics(remark)).toMatchObject([
      { blockHash: done.anchor.blockHash, succeeded: true },
    ]);

    const shown = await productJson<object>(['sync', 'status', state]);
    expect(shown).toMatchObject({
      lastAnchor: { size: 1 },
      failure: null,
      intents: [{ state: 'final', attempts: 1 }],
    });
    expect((await productJson<{ outcome: string }>(round)).outcome).toBe('nothing-to-anchor');
  });

  it('is found in order by doctor, which asks the chain as a light client does', async () => {
    const { status, stdout } = await runProduct([
      'doctor',
      '--config',
      configFile,
      '--state',
      state,
      '--json',
    ]);
    const { items } = (JSON.parse(stdout) as { health: { items: HealthItem[] } }).health;
    const results = Object.fromEntries(items.map((item) => [nameOf(item), item.state]));
    expect({ status, ...results }).toMatchObject({
      ...{ status: 0, 'chain relaySpec': 'ok', 'chain paraSpec': 'ok', chain: 'ok', 'chain genesis': 'ok' },
      ...{ 'chain relay boot nodes': 'ok', 'chain para boot nodes': 'ok', 'chain peers': 'warning' },
      ...{ 'chain call': 'ok', 'chain account': 'ok' },
      // The dev network's blocks are of the past (docs/devnet.md).
      'chain finality': 'warning',
    });
    const account = items.find((item) => nameOf(item) === 'chain account');
    expect(account?.detail).toMatch(/has \d+ .*; an anchor costs about [1-9]\d+, enough for \d+ anchors/);
  });

  describe('beside a running service', () => {
    const socket = path.join(directory, 'control.sock');
    let service: ServiceProcess;

    beforeAll(async () => {
      writeConfig(
        `  { transport: rpc, url: "${devnet.rpcUrl}", callIndex: "0x0008", anchorEvery: 720h, lowBalance: "1000000000000000000" }\n`,
      );
      appendFileSync(configFile, `control: { socket: ${socket} }\n`);
      service = ServiceProcess.start(configFile, state);
      await service.event((event) => event['event'] === 'sync' || event['event'] === 'started', 30_000);
    });
    afterAll(async () => void (await service.stop()));

    /** Until the service has come to sync; before that it says that it is starting. */
    async function live(): Promise<Shown> {
      for (;;) {
        const shown = await productJson<Shown>(['sync', 'status', state, '--socket', socket]);
        if (shown.live !== null) return shown;
      }
    }

    /** Those of syncing, as soon as they are what is waited for. */
    async function faultsInJournal(fits: (faults: FaultBody[]) => boolean): Promise<FaultBody[]> {
      for (;;) {
        const reader = openJournalReader(state);
        try {
          const faults = [...reader.newestOfKind('fault')].map(
            ({ cose }) => decodeEntry(cose).entry.body as FaultBody,
          );
          const own = faults.filter(({ code }) => code.startsWith('sync.'));
          if (fits(own)) return own;
        } finally {
          reader.close();
        }
        await systemMonotonicClock.sleep(100);
      }
    }

    it('says what sync does, live, and asks that service to sync now', async () => {
      const before = await live();
      expect(before.live).toMatchObject({ phase: 'idle', transport: 'rpc', anchoredSize: 1, gateway: null });
      expect(before.live?.words[0]).toMatchObject({ state: 'idle', severity: 'good' });

      const round = ['sync', 'now', '--config', configFile, '--state', state, '--timeout', '60s'];
      const { status, stdout, stderr } = await runProduct([...round, '--json']);
      expect({ status, stderr: stderr.includes('error') }).toEqual({ status: 0, stderr: false });
      const done = JSON.parse(stdout) as { outcome: string; anchor: { size: number; blockHash: string } };
      expect(done).toMatchObject({ outcome: 'anchored', anchor: { via: 'rpc' } });
      expect(done.anchor.size).toBeGreaterThan(1);
      expect(service.child.exitCode).toBeNull();

      const after = await live();
      expect(after.live?.lastAnchor).toMatchObject({ blockHash: done.anchor.blockHash });
      expect(after.live?.seen?.free).toMatch(/^\d+$/);
      expect(after.round).toMatchObject({ id: 1, state: 'anchored' });
    });

    it('puts a low balance into the journal as a fault, and ends with 1 while somebody has to act', async () => {
      const { status, stdout } = await runProduct(['sync', 'status', state, '--socket', socket, '--json']);
      const shown = JSON.parse(stdout) as Shown;
      expect(status).toBe(1);
      expect(shown.live?.words.map((words) => words.state)).toContain('low-balance');
      const text = await runProduct(['sync', 'status', state, '--socket', socket]);
      expect(text.stdout).toMatch(/^low-balance +/m);
      expect(text.stdout).toMatch(/^ +-> /m);
      expect(shown.live?.faults).toEqual(['sync.low_balance']);
      const [fault] = await faultsInJournal((faults) => faults.length > 0);
      expect(fault).toMatchObject({ code: 'sync.low_balance', message: 'raised' });
    });

    it('follows with --watch until it is interrupted', async () => {
      const args = [PRODUCT, 'sync', 'status', state, '--socket', socket, '--watch', '--json'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout });
      const [first] = (await once(lines, 'line')) as [string];
      expect(JSON.parse(first)).toMatchObject({ live: { transport: 'rpc' } });
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
    });

    it('says so when another state directory is asked for', async () => {
      const other = mkdtempSync(path.join(directory, 'other-'));
      const { status, stdout, stderr } = await runProduct(['sync', 'status', other, '--socket', socket]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing is anchored yet\n' });
      expect(stderr).toContain('another state directory');
    });
  });

  it('is a usage error without a chain', async () => {
    writeFileSync(configFile, 'station: { name: TEST-0001 }\nlines: []\nmeters: []\n');
    expect((await runProduct(['sync', 'now', '--config', configFile, '--state', state])).status).toBe(2);
  });
});
