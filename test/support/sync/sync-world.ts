// What a station needs to sync, and nothing else: a dev network, one simulated meter, a state directory with keys.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '../../devnet/index.ts';
import { productJson, runProduct } from '../product.ts';

export type Transport = 'rpc' | 'light-client';

export interface SyncWorldOptions {
  readonly transport: Transport;
  /** Default 1s. */
  readonly anchorEvery?: string;
  readonly devnet?: DevnetOptions;
  /** More keys of the `chain` section, one a line. */
  readonly more?: readonly string[];
  /** False: no meter, so that the log grows by what the service itself has to say. */
  readonly metered?: boolean;
}

/** How the station's `chain` section is written. */
export interface ChainSection {
  readonly transport: Transport;
  readonly url?: string;
  readonly relaySpec?: string;
  readonly paraSpec?: string;
  readonly anchorEvery?: string;
  /** More keys, one a line. */
  readonly more?: readonly string[];
}

export interface SyncWorld {
  readonly devnet: Devnet;
  readonly configPath: string;
  readonly stateDirectory: string;
  /** The log's name, `delmonicos/<account>`: each of its checkpoints begins with it. */
  readonly origin: string;
  /** The station's own key, hexadecimal: what a receipt is checked with. */
  readonly publicKey: string;
  /** Public key of the account that signs extrinsics, hexadecimal. */
  readonly account: string;
  /** Writes the configuration anew, for the next start of the service. */
  configure(change?: Partial<ChainSection>): void;
  stop(): Promise<void>;
}

const BALANCE = 10n ** 15n;

export async function startSyncWorld(options: SyncWorldOptions): Promise<SyncWorld> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sync-world-'));
  const stateDirectory = path.join(directory, 'state');
  mkdirSync(stateDirectory, { mode: 0o700 });
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map((each) => each()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const keys = await newKeys(stateDirectory);
    const endow = [{ publicKey: keys.account, balance: BALANCE }];
    const station = options.metered === false ? undefined : await startMeter();
    if (station !== undefined) stops.push(() => station.stop());
    const devnet = await startDevnet({ heartbeatMs: 1_000, rpc: true, ...options.devnet, endow });
    stops.push(() => devnet.stop());
    const configPath = path.join(directory, 'station.yaml');
    const given = {
      transport: options.transport,
      url: devnet.rpcUrl ?? '',
      relaySpec: devnet.relaySpecPath,
      paraSpec: devnet.paraSpecPath,
      anchorEvery: options.anchorEvery ?? '1s',
      more: options.more ?? [],
    };
    const configure = (change: Partial<ChainSection> = {}): void =>
      writeFileSync(configPath, stationYaml(station, { ...given, ...change }));
    configure();
    const { origin, publicKey } = keys;
    const account = Buffer.from(keys.account).toString('hex');
    return { devnet, configPath, stateDirectory, origin, publicKey, account, configure, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function newKeys(
  stateDirectory: string,
): Promise<{ account: Uint8Array; origin: string; publicKey: string }> {
  await runProduct(['key', 'init', stateDirectory]);
  const { origin, publicKey, chainAccount } = await productJson<{
    origin: string;
    publicKey: string;
    chainAccount: { publicKey: string };
  }>(['key', 'show', stateDirectory]);
  return { account: Buffer.from(chainAccount.publicKey, 'hex'), origin, publicKey };
}

function startMeter(): Promise<SimulatedStation> {
  const meter = {
    id: 'm',
    model: 'eastron-sdm630',
    serial: '41200009',
    unitId: 1,
    on: 'lan',
    startWh: 5_000,
  };
  return startSimulatedStation({ seed: 5, lines: [{ id: 'lan', kind: 'tcp' }], meters: [meter] });
}

function stationYaml(station: SimulatedStation | undefined, chain: ChainSection): string {
  const line = station?.lines[0];
  const lines =
    line === undefined || line.kind === 'pty' ? [] : [`  - { id: lan, tcp: "${line.host}:${line.port}" }`];
  const meters =
    lines.length === 0 ? [] : ['  - { id: evse1, line: lan, unitId: 1, profile: eastron-sdm630, every: 1s }'];
  const { transport, url, relaySpec, paraSpec, anchorEvery, more = [] } = chain;
  const way =
    transport === 'rpc' ? [`  url: "${url}"`] : [`  relaySpec: ${relaySpec}`, `  paraSpec: ${paraSpec}`];
  return [
    'station: { name: SYNC-0001 }',
    ...section('lines', lines),
    ...section('meters', meters),
    'journal: { groupCommit: 500ms }',
    'chain:',
    `  transport: ${transport}`,
    ...way,
    `  anchorEvery: ${anchorEvery}`,
    ...more.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function section(name: string, rows: readonly string[]): readonly string[] {
  return rows.length === 0 ? [`${name}: []`] : [`${name}:`, ...rows];
}
