// `npm run devnet`: the network, alone, until Ctrl-C.
import { parseArgs } from 'node:util';
import { cryptoWaitReady, decodeAddress } from '@polkadot/util-crypto';
import { type Devnet, DevnetError, type DevnetOptions, type Endowment, startDevnet } from './index.ts';

const HELP = `npm run devnet -- [options]

A relay chain and a parachain on loopback that light clients really follow. Ends on Ctrl-C.

  --directory DIR          write relay.json and para.json there (default: a temporary directory)
  --port-rpc N             serve JSON-RPC on ws://127.0.0.1:N (0: any port)
  --endow SS58[=AMOUNT]    give an account money at genesis, in the smallest unit (default 10^16; 10^12 are one ROC)
  --heartbeat MS           milliseconds between empty blocks (default 3000)
  --json                   print JSON lines
  --verbose                tell what peers and the RPC server remark
  --help

//Alice has 10^18. docs/devnet.md explains the rest.`;

const DEFAULT_ENDOWMENT = 10n ** 16n;
const STATUS_EVERY_MS = 10_000;
const USAGE = 2;

function readOptions(): { json: boolean; help: boolean; options: DevnetOptions } {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string' },
      'port-rpc': { type: 'string' },
      endow: { type: 'string', multiple: true, default: [] },
      heartbeat: { type: 'string' },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rpcPort = values['port-rpc'];
  return {
    json: values.json,
    help: values.help,
    options: {
      ...(values.directory === undefined ? {} : { directory: values.directory }),
      ...(rpcPort === undefined ? {} : { rpc: { port: wholeNumber('--port-rpc', rpcPort, 65_535) } }),
      ...(values.heartbeat === undefined
        ? {}
        : { heartbeatMs: wholeNumber('--heartbeat', values.heartbeat, 3_600_000) }),
      ...(values.verbose ? { log: (line: string) => console.error(line) } : {}),
      endow: values.endow.map(readEndowment),
    },
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most) {
    throw new DevnetError('devnet.bad_input', `${name} takes a whole number up to ${most}, not "${text}"`);
  }
  return value;
}

function readEndowment(text: string): Endowment {
  const [address = '', amount] = text.split('=');
  if (amount !== undefined && !/^\d+$/.test(amount)) {
    throw new DevnetError(
      'devnet.bad_input',
      `--endow ${text}: the amount is a whole number of the smallest unit`,
    );
  }
  try {
    const balance = amount === undefined ? DEFAULT_ENDOWMENT : BigInt(amount);
    return { publicKey: decodeAddress(address), balance };
  } catch (cause) {
    throw new DevnetError('devnet.bad_input', `--endow ${text}: not an SS58 address`, cause);
  }
}

function printReady(devnet: Devnet, json: boolean): void {
  const { relaySpecPath: relaySpec, paraSpecPath: paraSpec, rpcUrl, genesisHash } = devnet;
  if (json) {
    console.log(JSON.stringify({ event: 'ready', relaySpec, paraSpec, rpcUrl: rpcUrl ?? null, genesisHash }));
    return;
  }
  console.log(`relay chain   ${relaySpec}`);
  console.log(`parachain     ${paraSpec}`);
  console.log(`genesis       ${genesisHash}`);
  console.log(`JSON-RPC      ${rpcUrl ?? 'none (--port-rpc N)'}`);
}

async function printStatus(devnet: Devnet, json: boolean): Promise<void> {
  const { relay, parachain, peers } = await devnet.status();
  const connections = peers.reduce((sum, peer) => sum + peer.connections, 0);
  const extrinsics = peers.reduce((sum, peer) => sum + peer.extrinsics, 0);
  if (json) {
    console.log(JSON.stringify({ event: 'status', relay, parachain, connections, extrinsics }));
    return;
  }
  const heights = ({ best, finalized }: typeof relay) => `best ${best} final ${finalized}`;
  console.log(
    `relay ${heights(relay)} · parachain ${heights(parachain)} · ${connections} connections · ${extrinsics} extrinsics`,
  );
}

async function untilSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function main(): Promise<void> {
  await cryptoWaitReady();
  const { json, help, options } = readOptions();
  if (help) {
    console.log(HELP);
    return;
  }
  const signalled = untilSignal();
  const devnet = await startDevnet(options);
  printReady(devnet, json);
  const failed = new Promise<never>((_, reject) => {
    const tick = () => void printStatus(devnet, json).catch(reject);
    setInterval(tick, STATUS_EVERY_MS).unref();
    tick();
  });
  try {
    await Promise.race([signalled, failed]);
  } finally {
    await devnet.stop();
  }
}

try {
  await main();
} catch (thrown) {
  const usage =
    (thrown instanceof DevnetError && thrown.code === 'devnet.bad_input') ||
    (thrown instanceof TypeError && 'code' in thrown);
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = usage ? USAGE : 1;
}
