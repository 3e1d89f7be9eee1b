// What `npm run devnet` is told.
import { parseArgs } from 'node:util';
import { decodeAddress } from '@polkadot/util-crypto';
import { readLinkWords } from './control/link-words.ts';
import { DevnetError, type DevnetOptions, type Endowment } from './index.ts';

export const HELP = `npm run devnet -- [options]

A relay chain and a parachain on loopback that light clients really follow. Ends on Ctrl-C.

  --directory DIR          write relay.json and para.json there (default: a temporary directory)
  --relay-peers N          peers of the relay chain, all of them boot nodes (default 1)
  --parachain-peers N      peers of the parachain (default 1)
  --port-rpc N             serve JSON-RPC on ws://127.0.0.1:N (0: any port)
  --link "20kbit 600ms 5%" a slow link before peers and RPC: speed and delay each way, loss
  --endow SS58[=AMOUNT]    give an account money at genesis, in the smallest unit (default 10^16; 10^12 are one ROC)
  --heartbeat MS           milliseconds between empty blocks (default 3000; 0: none)
  --port-control N         take commands as JSON over http://127.0.0.1:N (0: any port)
  --stdin                  take commands from standard input though it is no terminal
  --json                   print JSON lines
  --verbose                tell what peers and the RPC server remark
  --help

In a terminal, or with --stdin, "help" lists the commands: faults, reorgs, stalled finality, upgrades and more.
//Alice has 10^18. docs/devnet.md explains the rest.`;

const DEFAULT_ENDOWMENT = 10n ** 16n;

export interface CommandLine {
  readonly help: boolean;
  readonly json: boolean;
  readonly stdin: boolean;
  readonly controlPort: number | undefined;
  readonly options: DevnetOptions;
}

/** `@polkadot/util-crypto` must be ready. @throws DevnetError `devnet.bad_input`, or a TypeError of parseArgs */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      directory: { type: 'string' },
      'relay-peers': { type: 'string' },
      'parachain-peers': { type: 'string' },
      'port-rpc': { type: 'string' },
      link: { type: 'string' },
      endow: { type: 'string', multiple: true, default: [] },
      heartbeat: { type: 'string' },
      'port-control': { type: 'string' },
      stdin: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: Exclude<keyof typeof values, 'endow'>, most: number) => {
    const text = values[name];
    return typeof text === 'string' ? wholeNumber(`--${name}`, text, most) : undefined;
  };
  const rpcPort = number('port-rpc', MOST_PORT);
  const heartbeat = number('heartbeat', 3_600_000);
  return {
    json: values.json,
    help: values.help,
    stdin: values.stdin,
    controlPort: number('port-control', MOST_PORT),
    options: {
      ...(values.directory === undefined ? {} : { directory: values.directory }),
      ...(rpcPort === undefined ? {} : { rpc: { port: rpcPort } }),
      ...(values.link === undefined ? {} : { link: readLinkWords(values.link.trim().split(/\s+/)) }),
      ...(heartbeat === undefined ? {} : { heartbeatMs: heartbeat === 0 ? false : heartbeat }),
      ...(values.verbose ? { log: (line: string) => console.error(line) } : {}),
      peers: { relay: number('relay-peers', 8) ?? 1, parachain: number('parachain-peers', 8) ?? 1 },
      endow: values.endow.map(readEndowment),
    },
  };
}

const MOST_PORT = 65_535;

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
