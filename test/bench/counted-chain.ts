// The dev network behind proxies that count and that can cut: what a station reaches of it, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Devnet, type Endowment, startDevnet } from '../devnet/index.ts';
import { type Bytes, CountingProxy } from './counting-proxy.ts';

export type Transport = 'rpc' | 'light client';

export interface CountedChain {
  readonly devnet: Devnet;
  /** Lines of the configuration's `chain`. */
  lines(transport: Transport, anchorEvery: string): string[];
  /** Everything that passed so far, whoever caused it. */
  passed(): Bytes;
  cut(): Promise<void>;
  restore(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCountedChain(
  directory: string,
  endow: readonly Endowment[],
): Promise<CountedChain> {
  const devnet = await startDevnet({ directory, endow, rpc: true, heartbeatMs: 1_000 });
  const counted: CountingProxy[] = [];
  const inFront = async (port: number): Promise<number> => {
    const proxy = await CountingProxy.before(port);
    counted.push(proxy);
    return proxy.port;
  };
  const relaySpec = await throughProxies(devnet.relaySpecPath, inFront);
  const paraSpec = await throughProxies(devnet.paraSpecPath, inFront);
  const rpcPort = await inFront(Number(new URL(devnet.rpcUrl ?? '').port));
  const each = async (act: (proxy: CountingProxy) => Promise<void>): Promise<void> => {
    await Promise.all(counted.map(act));
  };
  return {
    devnet,
    lines: (transport, anchorEvery) => [
      'chain:',
      ...(transport === 'rpc'
        ? ['  transport: rpc', `  url: "ws://127.0.0.1:${rpcPort}"`]
        : ['  transport: light-client', `  relaySpec: ${relaySpec}`, `  paraSpec: ${paraSpec}`]),
      `  anchorEvery: ${anchorEvery}`,
    ],
    passed: () => ({
      in: counted.reduce((sum, proxy) => sum + proxy.passed.in, 0),
      out: counted.reduce((sum, proxy) => sum + proxy.passed.out, 0),
    }),
    cut: () => each((proxy) => proxy.down()),
    restore: () => each((proxy) => proxy.up()),
    stop: async () => {
      await each((proxy) => proxy.down());
      await devnet.stop();
    },
  };
}

/** Writes the specification beside itself, with a proxy in the place of each boot node. */
async function throughProxies(file: string, inFront: (port: number) => Promise<number>): Promise<string> {
  const spec = JSON.parse(readFileSync(file, 'utf8')) as { bootNodes: readonly string[] };
  const bootNodes: string[] = [];
  for (const address of spec.bootNodes) {
    const port = /^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)\/ws\/p2p\//.exec(address)?.[1];
    if (port === undefined) throw new Error(`${address} is no boot node of the dev network`);
    bootNodes.push(address.replace(`/tcp/${port}/`, `/tcp/${await inFront(Number(port))}/`));
  }
  const counted = path.join(path.dirname(file), `counted-${path.basename(file)}`);
  writeFileSync(counted, JSON.stringify({ ...spec, bootNodes }));
  return counted;
}
