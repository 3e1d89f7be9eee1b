import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startSimulatedStation, type SimulatedStation } from '../../hal/simulator/index.ts';

const MODELS = ['eastron-sdm630', 'carlo-gavazzi-em340', 'eastron-sdm72d-m', 'abb-b23'];

/** Meters of four makes on one Modbus TCP gateway, or on one serial line. */
export function startMeters(count: number, kind: 'tcp' | 'pty' = 'tcp'): Promise<SimulatedStation> {
  return startSimulatedStation({
    seed: 1,
    lines: [{ id: 'line', kind }],
    meters: Array.from({ length: count }, (_, index) => ({
      id: `meter${index + 1}`,
      model: MODELS[index % MODELS.length] ?? '',
      serial: `2026${String(index).padStart(4, '0')}`,
      unitId: index + 1,
      on: 'line',
      startWh: 1_000_000 + index,
    })),
  });
}

export interface ConfigOptions {
  /** Two services of one name would push each other off the broker. */
  readonly name?: string;
  readonly groupCommit: string;
  /** The product's default, unless a log must be larger. */
  readonly maxSize?: string;
  /** Lines of the configuration's `chain` and `telemetry`. */
  readonly more?: readonly string[];
}

/** Every meter of the station, read once a second. @returns the file */
export function writeConfig(directory: string, station: SimulatedStation, options: ConfigOptions): string {
  const file = path.join(directory, 'station.yaml');
  const lines = station.lines.map((line) =>
    line.kind === 'pty'
      ? `  - { id: ${line.id}, serial: ${line.path}, baudRate: 115200 }`
      : `  - { id: ${line.id}, tcp: "${line.host}:${line.port}" }`,
  );
  const meters = station.meters.map(
    ({ id, line, unitId, model }) =>
      `  - { id: ${id}, line: ${line}, unitId: ${unitId}, profile: ${model}, every: 1s }`,
  );
  const maxSize = options.maxSize === undefined ? '' : `, maxSize: ${options.maxSize}`;
  const journal = `journal: { groupCommit: ${options.groupCommit}${maxSize} }`;
  const text = [
    `station: { name: ${options.name ?? 'BENCH'} }`,
    'lines:',
    ...lines,
    'meters:',
    ...meters,
    journal,
  ];
  writeFileSync(file, [...text, ...(options.more ?? []), ''].join('\n'));
  return file;
}
