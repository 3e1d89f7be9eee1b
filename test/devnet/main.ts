// `npm run devnet`: the network, alone, until Ctrl-C.
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type CommandLine, HELP, readCommandLine } from './command-line.ts';
import { readCommands } from './control/console.ts';
import { ControlServer } from './control/control-server.ts';
import { type Devnet, DevnetError, startDevnet } from './index.ts';

const STATUS_EVERY_MS = 10_000;
const USAGE = 2;

function printReady(devnet: Devnet, controlUrl: string | undefined, json: boolean): void {
  const { relaySpecPath: relaySpec, paraSpecPath: paraSpec, rpcUrl = null, genesisHash } = devnet;
  if (json) {
    const ready = {
      event: 'ready',
      relaySpec,
      paraSpec,
      rpcUrl,
      genesisHash,
      controlUrl: controlUrl ?? null,
    };
    console.log(JSON.stringify(ready));
    return;
  }
  console.log(`relay chain   ${relaySpec}`);
  console.log(`parachain     ${paraSpec}`);
  console.log(`genesis       ${genesisHash}`);
  console.log(`JSON-RPC      ${rpcUrl ?? 'none (--port-rpc N)'}`);
  console.log(`control       ${controlUrl ?? 'none (--port-control N)'}`);
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

/** Resolves when somebody has said `quit`. */
async function untilQuit(devnet: Devnet): Promise<void> {
  const ended = await readCommands({
    devnet,
    input: process.stdin,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
  });
  if (ended === 'ended') await new Promise(() => undefined);
}

/** Rejects when the network has ended by itself. */
async function watch(devnet: Devnet, { json }: CommandLine, isQuiet: boolean): Promise<never> {
  return await new Promise<never>((_, reject) => {
    const look = isQuiet ? () => devnet.status() : () => printStatus(devnet, json);
    const tick = () => void look().catch(reject);
    setInterval(tick, STATUS_EVERY_MS).unref();
    tick();
  });
}

async function main(): Promise<void> {
  await cryptoWaitReady();
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.help) {
    console.log(HELP);
    return;
  }
  const { json, stdin, controlPort, options } = commandLine;
  const signalled = untilSignal();
  const devnet = await startDevnet(options);
  let control: ControlServer | undefined;
  try {
    control = controlPort === undefined ? undefined : await ControlServer.listen(devnet, controlPort);
    printReady(devnet, control?.url, json);
    const takesCommands = stdin || process.stdin.isTTY;
    await Promise.race([
      signalled,
      watch(devnet, commandLine, takesCommands),
      ...(takesCommands ? [untilQuit(devnet)] : []),
    ]);
  } finally {
    await control?.close();
    await devnet.stop();
    // A terminal that is read would keep the process.
    process.stdin.destroy();
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
