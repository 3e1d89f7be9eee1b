import { readFileSync } from 'node:fs';
import { ConfigError } from './errors.ts';
import { parseStationFile, type ConfigContext } from './parse-config.ts';
import { parseDurationMs, parseSizeBytes } from './quantity.ts';
import type { StationFile } from './schema.ts';

export type Parity = 'none' | 'even' | 'odd';

/** A physical line; all defaults filled in. */
export type LineConfig =
  | {
      readonly id: string;
      readonly kind: 'serial';
      readonly path: string;
      readonly baudRate: number;
      readonly parity: Parity;
      readonly dataBits: 7 | 8;
      readonly stopBits: 1 | 2;
    }
  | {
      readonly id: string;
      readonly kind: 'tcp' | 'rtuOverTcp';
      readonly host: string;
      readonly port: number;
    };

export interface MeterConfig {
  readonly id: string;
  readonly line: string;
  readonly unitId: number;
  readonly profile: string;
  readonly everyMs: number;
}

export type ChainTransport =
  | { readonly transport: 'light-client'; readonly relaySpec: string; readonly paraSpec: string }
  | { readonly transport: 'rpc'; readonly url: string };

export type ChainConfig = ChainTransport & {
  readonly call: 'remark';
  readonly callIndex?: string;
  readonly genesisHash?: string;
  readonly anchorEveryMs: number;
  readonly ss58Prefix: number;
};

export interface MqttConfig {
  readonly url: string;
  readonly username?: string;
}

/** A valid configuration with every default filled in, durations in milliseconds, sizes in bytes. */
export interface StationConfig {
  readonly station: { readonly name: string; readonly origin?: string };
  readonly lines: readonly LineConfig[];
  readonly meters: readonly MeterConfig[];
  readonly journal: { readonly groupCommitMs: number; readonly maxSizeBytes: number };
  readonly chain?: ChainConfig;
  readonly telemetry: { readonly mqtt?: MqttConfig };
}

/** SS58 prefix of an account that is bound to no particular network. */
export const GENERIC_SS58_PREFIX = 42;

/** @throws ConfigError `config.unreadable` or `config.invalid`. */
export function loadStationConfig(path: string, context: ConfigContext = {}): StationConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError('config.unreadable', `cannot read ${path}: ${(error as Error).message}`, [], error);
  }
  return parseStationConfig(text, context);
}

/** @throws ConfigError `config.invalid`. */
export function parseStationConfig(text: string, context: ConfigContext = {}): StationConfig {
  const file = parseStationFile(text, context);
  const chain = chainConfig(file.chain);
  const mqtt = file.telemetry?.mqtt;
  return {
    station: { name: file.station.name, ...(file.station.origin && { origin: file.station.origin }) },
    lines: file.lines.map(lineConfig),
    meters: file.meters.map(({ every, ...meter }) => ({ ...meter, everyMs: parseDurationMs(every) })),
    journal: {
      groupCommitMs: parseDurationMs(file.journal?.groupCommit ?? '10s'),
      maxSizeBytes: parseSizeBytes(file.journal?.maxSize ?? '512MiB'),
    },
    ...(chain && { chain }),
    telemetry: mqtt ? { mqtt: { url: mqtt.url, ...(mqtt.username && { username: mqtt.username }) } } : {},
  };
}

function lineConfig(line: StationFile['lines'][number]): LineConfig {
  if (line.serial !== undefined) {
    const { id, serial: path, baudRate = 9600, parity = 'none', dataBits = 8, stopBits = 1 } = line;
    return { id, kind: 'serial', path, baudRate, parity, dataBits, stopBits };
  }
  const [kind, endpoint] =
    line.tcp !== undefined ? (['tcp', line.tcp] as const) : (['rtuOverTcp', line.rtuOverTcp ?? ''] as const);
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
  return { id: line.id, kind, host, port: Number(endpoint.slice(colon + 1)) };
}

function chainConfig(chain: StationFile['chain']): ChainConfig | undefined {
  if (chain === undefined) return undefined;
  const transport: ChainTransport =
    chain.transport === 'rpc'
      ? { transport: 'rpc', url: chain.url ?? '' }
      : { transport: 'light-client', relaySpec: chain.relaySpec ?? '', paraSpec: chain.paraSpec ?? '' };
  return {
    ...transport,
    call: chain.call ?? 'remark',
    ...(chain.callIndex && { callIndex: chain.callIndex }),
    ...(chain.genesisHash && { genesisHash: chain.genesisHash }),
    anchorEveryMs: parseDurationMs(chain.anchorEvery ?? '1h'),
    ss58Prefix: chain.ss58Prefix ?? GENERIC_SS58_PREFIX,
  };
}
