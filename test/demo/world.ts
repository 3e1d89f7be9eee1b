import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  DEMO_PACE,
  SimulatorError,
  startSimulatedStation,
  type SimulatedStation,
} from '../../hal/simulator/index.ts';
import { startBroker, type EmbeddedBroker } from '../support/telemetry/broker.ts';
import { productJson, runProduct } from '../support/product.ts';
import { startDevnet, type Devnet } from '../devnet/index.ts';

/** Everything around the service: what an OEM has in the field, on one machine. */
export interface World {
  readonly station: SimulatedStation;
  readonly broker: EmbeddedBroker | undefined;
  readonly brokerUrl: string;
  readonly devnet: Devnet;
  readonly configPath: string;
  readonly stateDirectory: string;
  readonly stationName: string;
  readonly meters: readonly WorldMeter[];
  /** What a person should know of how this world was put together. */
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

export interface WorldMeter {
  readonly id: string;
  readonly model: string;
  readonly serial: string;
  readonly line: string;
  readonly unitId: number;
}

export interface WorldOptions {
  readonly directory: string;
  readonly broker?: string | undefined;
  readonly anchorEvery: string;
  readonly groupCommit: string;
  readonly seed?: number;
  /** A WebSocket RPC server on the dev network besides its peers. */
  readonly rpc?: boolean;
  readonly log?: (line: string) => void;
}

export const STATION_NAME = 'DEMO-0001';
/** Vehicles come and go this much faster than life, so that a minute shows all of it; power and energy stay physical. */
const PACE = DEMO_PACE;
/** An account needs the existential deposit and fees; a thousand units are plenty for years of anchors. */
const BALANCE = 10n ** 15n;
/** A new network begins at block 0: it is another chain, with a genesis of its own, and a station that knew the last one is told. */
const endowment = (): bigint => BALANCE + BigInt(Date.now());

const METERS = [
  { id: 'evse1', model: 'eastron-sdm630', serial: '20261001', unitId: 1, line: 'rs485', startWh: 4_812_345 },
  {
    id: 'evse2',
    model: 'carlo-gavazzi-em340',
    serial: 'BN4100012',
    unitId: 2,
    line: 'rs485',
    startWh: 917_100,
  },
  { id: 'evse3', model: 'eastron-sdm72d-m', serial: '20261003', unitId: 3, line: 'rs485', startWh: 66_010 },
  {
    id: 'grid',
    model: 'abb-b23',
    serial: '41200007',
    unitId: 5,
    line: 'lan',
    startWh: 11_200_300,
    measures: 'grid',
  },
] as const;

/** Starts simulator, broker and dev network side by side, with the station's account endowed, and writes its configuration. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const stateDirectory = path.join(options.directory, 'state');
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const account = await stationAccount(stateDirectory);
  const notes: string[] = [];
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map((each) => each()));
  };
  try {
    const chainDirectory = path.join(options.directory, 'chain');
    mkdirSync(chainDirectory, { recursive: true });
    const [station, broker, devnet] = await allOrNone([
      keep(startStation(options.seed ?? 2026, notes), stops),
      options.broker === undefined ? keep(startBroker(), stops) : undefined,
      keep(
        startDevnet({
          directory: chainDirectory,
          endow: [{ publicKey: account, balance: endowment() }],
          ...(options.rpc && { rpc: true }),
          ...(options.log && { log: options.log }),
        }),
        stops,
      ),
    ]);
    const brokerUrl = broker?.url ?? options.broker ?? '';
    const configPath = path.join(options.directory, 'station.yaml');
    writeFileSync(configPath, stationYaml(station, { devnet, brokerUrl, options }));
    notes.push(`broker ${brokerUrl}${broker === undefined ? '' : ' (embedded)'}   state ${stateDirectory}`);
    return {
      station,
      broker,
      brokerUrl,
      devnet,
      configPath,
      stateDirectory,
      stationName: STATION_NAME,
      meters: station.meters,
      notes,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As Promise.all, but rejects only when none is starting any more: what comes up late would be left behind. */
async function allOrNone<const Parts extends readonly unknown[]>(
  starting: Parts,
): Promise<{ -readonly [I in keyof Parts]: Awaited<Parts[I]> }> {
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}

async function keep<Part extends { stop(): Promise<void> }>(
  starting: Promise<Part>,
  stops: (() => Promise<void>)[],
): Promise<Part> {
  const part = await starting;
  stops.push(() => part.stop());
  return part;
}

/** The RS-485 bus is a pseudo terminal; where the system has none to give, the same meters are served as Modbus TCP. */
async function startStation(seed: number, notes: string[]): Promise<SimulatedStation> {
  const station = (bus: 'pty' | 'tcp') =>
    startSimulatedStation({
      seed,
      pace: PACE,
      lines: [
        { id: 'rs485', kind: bus },
        { id: 'lan', kind: 'tcp' },
      ],
      meters: METERS.map(({ line, ...meter }) => ({ ...meter, on: line })),
    });
  try {
    const started = await station('pty');
    notes.push(`line rs485: Modbus RTU on a pseudo terminal (script of util-linux)   line lan: Modbus TCP`);
    return started;
  } catch (error) {
    if (!(error instanceof SimulatorError) || error.code !== 'simulator.pty_unavailable') throw error;
    notes.push(`line rs485 is Modbus TCP here: no pseudo terminal (${error.message})`);
    return await station('tcp');
  }
}

function stationYaml(
  station: SimulatedStation,
  { devnet, brokerUrl, options }: { devnet: Devnet; brokerUrl: string; options: WorldOptions },
): string {
  const lines = station.lines.map((line) =>
    line.kind === 'pty'
      ? `  - { id: ${line.id}, serial: ${line.path}, baudRate: 115200 }`
      : `  - { id: ${line.id}, tcp: "${line.host}:${line.port}" }`,
  );
  const meters = station.meters.map(
    ({ id, line, unitId, model }) =>
      `  - { id: ${id}, line: ${line}, unitId: ${unitId}, profile: ${model}, every: 1s }`,
  );
  return [
    `station: { name: ${STATION_NAME} }`,
    'lines:',
    ...lines,
    'meters:',
    ...meters,
    `journal: { groupCommit: ${options.groupCommit} }`,
    'chain:',
    '  transport: light-client',
    `  relaySpec: ${devnet.relaySpecPath}`,
    `  paraSpec: ${devnet.paraSpecPath}`,
    `  genesisHash: "${devnet.genesisHash}"`,
    '  call: remark',
    `  anchorEvery: ${options.anchorEvery}`,
    `telemetry: { mqtt: { url: "${brokerUrl}", bytesPerDay: unlimited } }`,
    '',
  ].join('\n');
}

/** The chain account's public key; the root seed is made where there is none yet. */
async function stationAccount(stateDirectory: string): Promise<Uint8Array> {
  const { status, stderr } = await runProduct(['key', 'init', stateDirectory]);
  if (status !== 0 && !/already/.test(stderr)) throw new Error(`delmonicos key init: ${stderr}`);
  const keys = await productJson<{ chainAccount: { publicKey: string } }>(['key', 'show', stateDirectory]);
  return Buffer.from(keys.chainAccount.publicKey.replace(/^0x/, ''), 'hex');
}
