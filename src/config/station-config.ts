import { readFileSync } from 'node:fs';
import { isStreamProtocol, type StreamProtocol } from '../../hal/contract/index.ts';
import { ConfigError } from './errors.ts';
import { parseStationFile, type ConfigContext } from './parse-config.ts';
import {
  parseDayWindow,
  parseDurationMs,
  parseLowBalance,
  parseSizeBytes,
  type DayWindow,
  type LowBalance,
} from './quantity.ts';
import type { ANCHOR_FIELDS, PUBLISHED_KINDS } from './chain-schema.ts';
import { telemetryConfig, type TelemetryConfig } from './telemetry-config.ts';
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

export type MeterConfig = ModbusMeterConfig | StreamMeterConfig;

interface AnyMeterConfig {
  readonly id: string;
  readonly line: string;
  readonly everyMs: number;
  /** No other meter is accepted; of a meter that does not tell its serial number, this is the only one known. */
  readonly serial?: string;
  /** Of a meter that signs by itself, hex or base64. */
  readonly publicKey?: string;
}

export interface ModbusMeterConfig extends AnyMeterConfig {
  readonly kind: 'modbus';
  readonly unitId: number;
  readonly profile: string;
}

/** A meter that has its line for itself. */
export interface StreamMeterConfig extends AnyMeterConfig {
  readonly kind: 'stream';
  readonly profile: StreamProtocol;
  /** `push`: it sends by itself. */
  readonly readout: 'push' | 'request';
}

export type ChainTransport =
  | {
      readonly transport: 'light-client';
      /** Absent for a chain of its own, of which `paraSpec` is the specification. */
      readonly relaySpec?: string;
      readonly paraSpec: string;
      /** Multiaddresses in place of those in the specifications. */
      readonly bootNodes?: { readonly relay?: string[]; readonly para?: string[] };
    }
  | { readonly transport: 'rpc'; readonly url: string };

export type AnchorField = (typeof ANCHOR_FIELDS)[number];
export type PublishedKind = (typeof PUBLISHED_KINDS)[number];

/** A call by its names in the chain's metadata; an argument that is not named is filled from the field of its name. */
export interface PalletCall {
  readonly name: string;
  readonly call: string;
  readonly arguments?: Readonly<Record<string, AnchorField>>;
}

/** What a link that costs money may be used for. */
export interface MeteredConfig {
  readonly windows?: readonly DayWindow[];
  readonly bytesPerDay?: number;
}

export type ChainConfig = ChainTransport & {
  readonly call: 'remark' | 'pallet';
  /** With `call: 'pallet'`, and only then. */
  readonly pallet?: PalletCall;
  readonly callIndex?: string;
  readonly genesisHash?: string;
  readonly anchorEveryMs: number;
  /** At least `anchorEveryMs`. */
  readonly maxAgeMs: number;
  readonly minBacklog: number;
  readonly metered?: MeteredConfig;
  /** Empty: nothing is published. */
  readonly publish: readonly PublishedKind[];
  /** In the chain's smallest unit. */
  readonly maxFee?: string;
  readonly lowBalance: LowBalance;
  readonly ss58Prefix: number;
};

export interface ClockConfig {
  readonly source: 'auto' | 'kernel' | 'chrony' | 'timesyncd';
  readonly maxErrorMs: number;
}

/** Where the root seed is, and how to reach what holds it. */
export interface IdentityConfig {
  readonly seed: 'auto' | 'file' | 'credential' | 'tpm' | 'pkcs11';
  readonly tpm?: { readonly tcti?: string; readonly pcrs?: string };
  readonly pkcs11?: { readonly module?: string; readonly token?: string };
}

export interface JournalConfig {
  readonly groupCommitMs: number;
  readonly groupCommitEntries: number;
  readonly maxSizeBytes: number;
  /** Kept on disk for entries that are no readings. */
  readonly reserveBytes: number;
  /** Path of the high-water mark, unless it is in the state directory. */
  readonly highWater?: string;
  readonly counter: 'auto' | 'file' | 'tpm';
  /** NV index of the counter. */
  readonly counterIndex?: string;
  /** What may be written to the flash in its life. */
  readonly flashEnduranceBytes?: number;
}

/** A valid configuration with every default filled in, durations in milliseconds, sizes in bytes. */
export interface StationConfig {
  readonly station: { readonly name: string; readonly origin?: string };
  readonly lines: readonly LineConfig[];
  readonly meters: readonly MeterConfig[];
  readonly journal: JournalConfig;
  readonly clock: ClockConfig;
  readonly control?: { readonly socket: string };
  readonly identity: IdentityConfig;
  readonly chain?: ChainConfig;
  readonly telemetry: TelemetryConfig;
}

/** SS58 prefix of an account that is bound to no particular network. */
export const GENERIC_SS58_PREFIX = 42;

/** @throws ConfigError `config.unreadable` or `config.invalid`. */
export function loadStationConfig(path: string, context: ConfigContext = {}): StationConfig {
  return parseStationConfig(readStationText(path), context);
}

/** @throws ConfigError `config.unreadable` */
export function readStationText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError('config.unreadable', `cannot read ${path}: ${(error as Error).message}`, [], error);
  }
}

/** @throws ConfigError `config.invalid`. */
export function parseStationConfig(text: string, context: ConfigContext = {}): StationConfig {
  const file = parseStationFile(text, context);
  const chain = chainConfig(file.chain);
  return {
    station: { name: file.station.name, ...(file.station.origin && { origin: file.station.origin }) },
    lines: file.lines.map((line) => lineConfig(line, file.meters)),
    meters: file.meters.map(meterConfig),
    journal: {
      groupCommitMs: parseDurationMs(file.journal?.groupCommit ?? '10s'),
      groupCommitEntries: file.journal?.groupEntries ?? 512,
      maxSizeBytes: parseSizeBytes(file.journal?.maxSize ?? '512MiB'),
      reserveBytes: parseSizeBytes(file.journal?.reserve ?? '8MiB'),
      counter: file.journal?.counter ?? 'auto',
      ...(file.journal?.highWater && { highWater: file.journal.highWater }),
      ...(file.journal?.counterIndex && { counterIndex: file.journal.counterIndex }),
      ...(file.journal?.flashEndurance && {
        flashEnduranceBytes: parseSizeBytes(file.journal.flashEndurance),
      }),
    },
    clock: {
      source: file.clock?.source ?? 'auto',
      maxErrorMs: parseDurationMs(file.clock?.maxError ?? '2s'),
    },
    identity: identityConfig(file.identity),
    ...(file.control && { control: { socket: file.control.socket } }),
    ...(chain && { chain }),
    telemetry: telemetryConfig(file.telemetry),
  };
}

function meterConfig({
  id,
  line,
  every,
  profile,
  unitId,
  readout,
  serial,
  publicKey,
}: StationFile['meters'][number]): MeterConfig {
  const any = {
    ...{ id, line, everyMs: parseDurationMs(every) },
    ...(serial !== undefined && { serial }),
    ...(publicKey !== undefined && { publicKey }),
  };
  if (isStreamProtocol(profile)) {
    const asks = profile === 'iec62056' && readout !== 'push';
    return { ...any, kind: 'stream', profile, readout: asks ? 'request' : 'push' };
  }
  // The file was checked: a Modbus meter has one.
  return { ...any, kind: 'modbus', profile, unitId: unitId ?? 0 };
}

const USUAL_BAUD_RATE = 9600;
/** DSMR 4 and later. */
const P1_BAUD_RATE = 115_200;
/** IEC 62056-21 §6.4.2: at this rate a meter is woken up; it offers a higher one. */
const SIGN_ON_BAUD_RATE = 300;

function usualBaudRate(meters: readonly MeterConfig[]): number {
  const [only] = meters;
  if (only?.kind !== 'stream') return USUAL_BAUD_RATE;
  if (only.profile === 'p1') return P1_BAUD_RATE;
  return only.readout === 'request' ? SIGN_ON_BAUD_RATE : USUAL_BAUD_RATE;
}

function lineConfig(line: StationFile['lines'][number], meters: StationFile['meters']): LineConfig {
  if (line.serial !== undefined) {
    const usual = usualBaudRate(meters.filter((meter) => meter.line === line.id).map(meterConfig));
    const { id, serial: path, baudRate = usual, parity = 'none', dataBits = 8, stopBits = 1 } = line;
    return { id, kind: 'serial', path, baudRate, parity, dataBits, stopBits };
  }
  const [kind, endpoint] =
    line.tcp !== undefined ? (['tcp', line.tcp] as const) : (['rtuOverTcp', line.rtuOverTcp ?? ''] as const);
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
  return { id: line.id, kind, host, port: Number(endpoint.slice(colon + 1)) };
}

function identityConfig({ seed = 'auto', tpm, pkcs11 }: StationFile['identity'] = {}): IdentityConfig {
  const [tcti, pcrs, module, token] = [tpm?.tcti, tpm?.pcrs, pkcs11?.module, pkcs11?.token];
  return {
    seed,
    ...(tpm && { tpm: { ...(tcti !== undefined && { tcti }), ...(pcrs !== undefined && { pcrs }) } }),
    ...(pkcs11 && {
      pkcs11: { ...(module !== undefined && { module }), ...(token !== undefined && { token }) },
    }),
  };
}

const USUAL_MAX_AGE_MS = 24 * 3_600_000;

function chainConfig(chain: StationFile['chain']): ChainConfig | undefined {
  if (chain === undefined) return undefined;
  const anchorEveryMs = parseDurationMs(chain.anchorEvery ?? '1h');
  const { pallet, maxAge } = chain;
  return {
    ...chainTransport(chain),
    call: chain.call ?? 'remark',
    ...(pallet && {
      pallet: {
        ...{ name: pallet.name, call: pallet.call },
        ...(pallet.arguments && { arguments: pallet.arguments }),
      },
    }),
    ...(chain.callIndex && { callIndex: chain.callIndex }),
    ...(chain.genesisHash && { genesisHash: chain.genesisHash }),
    anchorEveryMs,
    maxAgeMs: maxAge === undefined ? Math.max(USUAL_MAX_AGE_MS, anchorEveryMs) : parseDurationMs(maxAge),
    minBacklog: chain.minBacklog ?? 1,
    ...(chain.metered && { metered: meteredConfig(chain.metered) }),
    publish: [...new Set(chain.publish ?? [])],
    ...(chain.maxFee && { maxFee: chain.maxFee }),
    lowBalance: parseLowBalance(chain.lowBalance ?? '100 anchors'),
    ss58Prefix: chain.ss58Prefix ?? GENERIC_SS58_PREFIX,
  };
}

type ChainSection = NonNullable<StationFile['chain']>;

function chainTransport({ transport, url, relaySpec, paraSpec, bootNodes }: ChainSection): ChainTransport {
  if (transport === 'rpc') return { transport, url: url ?? '' };
  const { relay, para } = bootNodes ?? {};
  return {
    ...{ transport, ...(relaySpec !== undefined && { relaySpec }), paraSpec: paraSpec ?? '' },
    ...(bootNodes && { bootNodes: { ...(relay && { relay }), ...(para && { para }) } }),
  };
}

function meteredConfig({ windows, bytesPerDay }: NonNullable<ChainSection['metered']>): MeteredConfig {
  return {
    ...(windows && { windows: windows.map(parseDayWindow) }),
    ...(bytesPerDay && { bytesPerDay: parseSizeBytes(bytesPerDay) }),
  };
}
