// The gateway's light client against the dev network: what it keeps, what it tells, and what stops it.
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chainSpec as polkadot } from '@substrate/connect-known-chains/polkadot';
import { chainSpec as polkadotAssetHub } from '@substrate/connect-known-chains/polkadot_asset_hub';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LightClientOptions, startLightClient } from '../../src/chain/gateway/transport/light-client.ts';
import type { ChainLink, LinkProgress } from '../../src/chain/gateway/transport/link.ts';
import { countTraffic } from '../../src/chain/gateway/transport/traffic.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { hasCode } from '../support/has-code.ts';

const REQUEST_TIMEOUT_MS = 30_000;
const DAY = 86_400_000;

let devnet: Devnet;
const directories: string[] = [];
const open: Started[] = [];

beforeAll(async () => {
  devnet = await startDevnet({ heartbeatMs: 1_000 });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await devnet.restore();
  await Promise.all(open.splice(0).map(({ link }) => link.close()));
});
afterAll(async () => {
  await devnet.stop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function temporary(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'light-client-'));
  directories.push(directory);
  return directory;
}

interface Started {
  readonly link: ChainLink;
  readonly progress: LinkProgress[];
  readonly said: string[];
  /** Resolves with the first progress, past or to come, that fits. */
  readonly until: (fits: (progress: LinkProgress) => boolean) => Promise<LinkProgress>;
}

async function start(more: Partial<LightClientOptions> = {}): Promise<Started> {
  const progress: LinkProgress[] = [];
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const link = await startLightClient({
    relaySpec: devnet.relaySpecPath,
    paraSpec: devnet.paraSpecPath,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    log: (_level, source, message) => said.push(`${source}: ${message}`),
    onProgress: (next) => {
      progress.push(next);
      for (const look of [...waiting]) look();
    },
    ...more,
  });
  const until = (fits: (progress: LinkProgress) => boolean): Promise<LinkProgress> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = progress.find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const started = { link, progress, said, until };
  open.push(started);
  return started;
}

async function ready(more: Partial<LightClientOptions> = {}): Promise<Started> {
  const started = await start(more);
  await started.link.provider.send('state_getRuntimeVersion', []);
  await started.link.opened(REQUEST_TIMEOUT_MS);
  return started;
}

const databaseWarnings = ({ said }: Started): string[] =>
  said.filter((line) => line.startsWith('database: '));

describe('a light client that starts', { timeout: 60_000 }, () => {
  it('tells how far it is until it follows the chain, and the block it is at', async () => {
    const { progress, until } = await ready();
    const synced = await until(
      ({ stage, finalized, relayPeers }) => stage === 'ready' && finalized !== null && relayPeers === 1,
    );
    expect(synced.peers).toBe(1);
    expect(synced.best).toBeGreaterThanOrEqual(synced.finalized ?? Infinity);
    const stages = progress.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]);
    expect(stages[0]).toBe('starting');
    expect(stages.at(-1)).toBe('ready');
    expect(stages).toContain('loading-runtime');
    const next = await until(({ finalized }) => (finalized ?? 0) > (synced.finalized ?? 0));
    expect((next.finalizedAtMs ?? 0) - (synced.finalizedAtMs ?? 0)).toBe(
      12_000 * ((next.finalized ?? 0) - (synced.finalized ?? 0)),
    );
  });

  it('downloads the runtime of the parachain once, whatever is asked of it', async () => {
    const traffic = countTraffic();
    const before = traffic().bytesIn;
    const { link } = await ready();
    const codeBytes = 604_843;
    for (let round = 0; round < 2; round++) {
      const metadata = await link.provider.send<string>('state_getMetadata', []);
      expect(metadata.startsWith('0x6d657461')).toBe(true);
      await link.provider.send('state_call', ['Core_version', '0x']);
      await devnet.step();
    }
    const bytes = traffic().bytesIn - before;
    expect(bytes).toBeGreaterThan(codeBytes);
    expect(bytes).toBeLessThan(1.5 * codeBytes);
    // What the network has sent, less what is on its way.
    const received = traffic().bytesIn;
    const { down } = await devnet.linkBytes();
    expect(received).toBeLessThanOrEqual(down);
    expect(traffic().bytesIn).toBeGreaterThan(0.9 * down);
  });

  it('begins where an earlier one ended, and says nothing about it', async () => {
    const stateDirectory = temporary();
    const cold = await ready({ stateDirectory });
    expect(await cold.link.save()).toBeGreaterThan(1_000);
    await cold.link.close();
    const warm = await ready({ stateDirectory });
    expect(databaseWarnings(warm)).toEqual([]);
    expect(await warm.link.save()).toBeGreaterThan(0);
  });

  it('finds its peers when they come late, and loses and finds them again', async () => {
    await devnet.cut();
    const { link, until, progress } = await start();
    await until(({ stage }) => stage === 'finding-peers');
    await devnet.restore();
    await link.provider.send('state_getRuntimeVersion', []);
    await link.opened(REQUEST_TIMEOUT_MS);
    await until(({ stage }) => stage === 'ready');
    const seen = progress.length;
    await devnet.cut();
    await until((next) => progress.indexOf(next) >= seen && next.stage === 'finding-peers');
  });

  it('goes to the boot nodes it is told of instead of those in the spec', async () => {
    const nobody = (file: string): string => {
      const copy = path.join(temporary(), 'spec.json');
      writeFileSync(copy, JSON.stringify({ ...specOf(file), bootNodes: [] }));
      return copy;
    };
    const bootNodes = {
      relay: specOf(devnet.relaySpecPath).bootNodes,
      para: specOf(devnet.paraSpecPath).bootNodes,
    };
    const files = { relaySpec: nobody(devnet.relaySpecPath), paraSpec: nobody(devnet.paraSpecPath) };
    await ready({ ...files, bootNodes });
    expect(specOf(files.paraSpec).bootNodes).toEqual([]);
  });

  it('follows a chain that is part of no relay chain by its spec alone', async () => {
    const { link, until } = await start({ relaySpec: undefined, paraSpec: devnet.relaySpecPath });
    expect(await link.provider.send('state_getRuntimeVersion', [])).toMatchObject({ specVersion: 1 });
    await link.opened(REQUEST_TIMEOUT_MS);
    const synced = await until(({ stage, finalized }) => stage === 'ready' && finalized !== null);
    expect(synced).not.toHaveProperty('relayPeers');
  });
});

function specOf(file: string): { bootNodes: string[] } {
  return JSON.parse(readFileSync(file, 'utf8')) as { bootNodes: string[] };
}

describe('the specifications of a live network', { timeout: 60_000 }, () => {
  it('are taken, and without a peer the client says so and stops', async () => {
    const directory = temporary();
    const files = {
      relaySpec: path.join(directory, 'relay.json'),
      paraSpec: path.join(directory, 'para.json'),
    };
    writeFileSync(files.relaySpec, polkadot);
    writeFileSync(files.paraSpec, polkadotAssetHub);
    const { link, until } = await start({ ...files, bootNodes: { relay: [], para: [] } });
    await until(({ stage }) => stage === 'finding-peers');
    await link.close();
    await link.lost;
  });
});

describe('a wrong clock', { timeout: 60_000 }, () => {
  const shift = (ms: number): void => {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  };

  it('that was never set is named at once', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(0);
    await expect(start()).rejects.toThrow(hasCode('chain.clock_wrong'));
  });

  it('that is behind the chain is named as soon as the chain has told its time', async () => {
    // The dev network's slots are about a week in the past.
    shift(-30 * DAY);
    const { link, until } = await start();
    await link.provider.send('state_getRuntimeVersion', []);
    await expect(link.opened(REQUEST_TIMEOUT_MS)).rejects.toThrow(hasCode('chain.clock_wrong'));
    await until(({ clock }) => clock === 'behind');
  });

  it('that is a year ahead is no obstacle, and said', async () => {
    shift(365 * DAY);
    const { until } = await ready();
    await until(({ stage, clock }) => stage === 'ready' && clock === 'ahead-or-chain-stalled');
  });
});
