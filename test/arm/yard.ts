// What stands around the service on this machine: simulated meters on a socket and on a serial port, and its folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startSimulatedStation, type SimulatedStation } from '../../hal/simulator/index.ts';

export interface Yard {
  readonly station: SimulatedStation;
  readonly directory: string;
  readonly configPath: string;
  readonly stateDirectory: string;
  /** The simulated meter's serial port. */
  readonly serialPath: string;
  readonly tcp: string;
  /** Writes the configuration anew, with these lines of YAML after its own. */
  configure(more: string): void;
  stop(): Promise<void>;
}

const METERS = [
  { id: 'evse1', model: 'eastron-sdm630', serial: '20261001', unitId: 1, on: 'rs485' },
  { id: 'grid', model: 'abb-b23', serial: '41200007', unitId: 5, on: 'lan' },
] as const;

/** A TCP meter and one on a pseudo terminal, each read once a second. */
export async function startYard(): Promise<Yard> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-arm-'));
  const station = await startSimulatedStation({
    seed: 7,
    lines: [
      { id: 'rs485', kind: 'pty' },
      { id: 'lan', kind: 'tcp' },
    ],
    meters: METERS.map((meter) => ({ ...meter })),
  });
  const bus = station.lines.find(({ kind }) => kind === 'pty');
  const lan = station.lines.find(({ kind }) => kind === 'tcp');
  if (bus?.kind !== 'pty' || lan === undefined || lan.kind === 'pty') throw new Error('a line is missing');
  const tcp = `${lan.host}:${lan.port}`;
  const configPath = path.join(directory, 'station.yaml');
  const yaml = `station: { name: ARM-1 }
lines:
  - { id: rs485, serial: ${bus.path}, baudRate: 115200 }
  - { id: lan, tcp: "${tcp}" }
meters:
${METERS.map(({ id, on, unitId, model }) => `  - { id: ${id}, line: ${on}, unitId: ${unitId}, profile: ${model}, every: 1s }\n`).join('')}journal: { groupCommit: 1s }
`;
  const configure = (more: string): void => writeFileSync(configPath, yaml + more);
  configure('');
  return {
    station,
    directory,
    configPath,
    stateDirectory: path.join(directory, 'state'),
    serialPath: bus.path,
    tcp,
    configure,
    stop: async () => {
      await station.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
