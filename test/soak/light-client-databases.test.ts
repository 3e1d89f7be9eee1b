// What the light client keeps must never keep it from following the chain: every kind of wrong database, and each of the
// registry's specifications.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as knownChains from '@substrate/connect-known-chains';
import { afterAll, describe, expect, it } from 'vitest';
import { startLightClient } from '../../src/chain/gateway/transport/light-client.ts';
import type { ChainLink, LinkProgress } from '../../src/chain/gateway/transport/link.ts';
import { type Devnet, startDevnet } from '../devnet/index.ts';

const REQUEST_TIMEOUT_MS = 60_000;
const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function temporary(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'light-client-'));
  directories.push(directory);
  return directory;
}

async function follow(
  devnet: Devnet,
  stateDirectory: string,
  timeoutMs = REQUEST_TIMEOUT_MS,
): Promise<ChainLink> {
  const link = await startLightClient({
    relaySpec: devnet.relaySpecPath,
    paraSpec: devnet.paraSpecPath,
    stateDirectory,
    requestTimeoutMs: timeoutMs,
    log: () => {},
  });
  try {
    await link.provider.send('state_getRuntimeVersion', []);
    await link.opened(timeoutMs);
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

async function keep(devnet: Devnet): Promise<string> {
  const stateDirectory = temporary();
  const link = await follow(devnet, stateDirectory);
  expect(await link.save()).toBeGreaterThan(0);
  await link.close();
  return stateDirectory;
}

describe('a kept database', () => {
  it(
    'that is damaged, swapped or old does not keep the client from syncing',
    { timeout: 300_000 },
    async () => {
      const devnet = await startDevnet({ heartbeatMs: 500 });
      try {
        const damages: ((file: (name: string) => string) => void)[] = [
          (file) => truncateSync(file('relay'), 100),
          (file) => writeFileSync(file('para'), readFileSync(file('relay'))),
          (file) => writeFileSync(file('relay-code'), 'x'),
          () => {},
        ];
        for (const damage of damages) {
          const stateDirectory = await keep(devnet);
          damage((name) => path.join(stateDirectory, 'light-client', name));
          for (let step = 0; step < 10; step++) await devnet.step();
          await (await follow(devnet, stateDirectory)).close();
        }
      } finally {
        await devnet.stop();
      }
    },
  );

  it('of a network that began anew holds up no start', { timeout: 300_000 }, async () => {
    const first = await startDevnet({ heartbeatMs: 500 });
    for (let step = 0; step < 12; step++) await first.step();
    const stateDirectory = await keep(first);
    await first.stop();
    const reset = await startDevnet({ heartbeatMs: 2_000 });
    try {
      await (await follow(reset, stateDirectory)).close();
    } finally {
      await reset.stop();
    }
  });
});

const specs = Object.values(knownChains).map((text) => ({
  text,
  spec: JSON.parse(text) as { id: string; relay_chain?: string },
}));

describe('every specification of the registry', () => {
  it.each(specs.map(({ spec, text }) => [spec.id, spec, text] as const))(
    '%s starts without a peer, says so, and stops',
    { timeout: 60_000 },
    async (_id, spec, text) => {
      const directory = temporary();
      const relay = specs.find((other) => other.spec.id === spec.relay_chain)?.text;
      const write = (name: string, content: string): string => {
        const file = path.join(directory, name);
        writeFileSync(file, content);
        return file;
      };
      let link: ChainLink | undefined;
      const progress = await new Promise<LinkProgress>((resolve, reject) => {
        startLightClient({
          ...(relay !== undefined && { relaySpec: write('relay.json', relay) }),
          paraSpec: write('para.json', text),
          bootNodes: { relay: [], para: [] },
          stateDirectory: directory,
          requestTimeoutMs: REQUEST_TIMEOUT_MS,
          log: () => {},
          onProgress: (next) => next.stage === 'finding-peers' && resolve(next),
        }).then((started) => (link = started), reject);
      });
      expect(progress.finalized).toBeNull();
      await link?.close();
      await link?.lost;
    },
  );
});
