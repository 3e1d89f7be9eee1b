import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/index.ts';
import { openJournal } from '../../src/journal/index.ts';
import { silentLog } from '../../hal/contract/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { bytesToHex } from '../../src/chain/index.ts';
import { anchorCovering } from '../../src/sync/index.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { productJson, runProduct } from '../support/product.ts';

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
    expect(stderr).toContain('error [chain.unreachable]');
    const shown = await productJson<{ failure: unknown; intents: unknown[] }>(['sync', 'status', state]);
    expect(shown).toMatchObject({
      failure: { code: 'chain.unreachable' },
      intents: [{ state: 'planned', size: 1 }],
    });
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

  it('is a usage error without a chain', async () => {
    writeFileSync(configFile, 'station: { name: TEST-0001 }\nlines: []\nmeters: []\n');
    expect((await runProduct(['sync', 'now', '--config', configFile, '--state', state])).status).toBe(2);
  });
});
