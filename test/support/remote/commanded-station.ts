import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { silentLog } from '../../../hal/contract/index.ts';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import { decodeEntry, openJournalReader, type JournalEntry } from '../../../src/journal/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { startStation, type Station } from '../../../src/station/index.ts';
import { startBroker, type EmbeddedBroker } from '../telemetry/broker.ts';
import { Asker } from './asker.ts';
import { TestOperator } from './command-fixture.ts';

export const READER = new TestOperator('desk.example.com/reader');
export const ACTOR = new TestOperator('desk.example.com/actor');
export const NAME = 'T-1';

export interface CommandedStation {
  readonly station: Station;
  readonly broker: EmbeddedBroker;
  readonly stateDirectory: string;
  /** With the key that may act. */
  readonly asker: Asker;
  entries(): JournalEntry[];
  /** Another client of the broker. */
  askerAs(operator: TestOperator, protocolVersion?: 4 | 5): Promise<Asker>;
  stop(): Promise<void>;
}

export interface CommandedStationOptions {
  /** Lines, meters and whatever else of the configuration; otherwise one simulated meter, evse1. */
  readonly configuration?: string;
  readonly wallClock?: { nowWallMs(): number };
  /** Whether chrony says that the clock is right; otherwise nobody says anything. */
  readonly synchronised?: boolean;
}

/** A real station in this process, with a simulated meter, a broker, and two keys that may send commands. */
export async function commandedStation(options: CommandedStationOptions = {}): Promise<CommandedStation> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-remote-'));
  const simulated = await startSimulatedStation({
    seed: 7,
    lines: [{ id: 'lan', kind: 'tcp' }],
    meters: [{ id: 'm', model: 'abb-b23', serial: '41200009', unitId: 1, on: 'lan' }],
  });
  const broker = await startBroker();
  const [line] = simulated.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(
    configPath,
    `station: { name: ${NAME} }
${
  options.configuration ??
  `lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: evse1, line: lan, unitId: 1, profile: abb-b23, every: 200ms }]`
}
journal: { groupCommit: 200ms }
telemetry:
  mqtt: { url: "${broker.url}", bytesPerDay: unlimited }
  operators:
    - { key: "${READER.verifierKey}" }
    - { key: "${ACTOR.verifierKey}", may: act }
`,
  );
  const stateDirectory = path.join(directory, 'state');
  const station = await startStation({
    ...{ configPath, stateDirectory, version: '0.2.0', random: () => 0.5, log: silentLog },
    gatewayEntry: new URL('file:///nowhere'),
    clock: systemMonotonicClock,
    wallClock: options.wallClock ?? { nowWallMs: () => Date.now() },
    timeSources: {
      chrony: async () => ({
        ...{ source: 'chrony', synchronised: true, maxErrorMs: 3.5, leap: 'none', detail: 'test' },
        ...(options.synchronised === false && { synchronised: false }),
      }),
      kernel: async () => undefined,
      timesyncd: async () => undefined,
    },
    onEvent: () => {},
  });
  const askers: Asker[] = [];
  const askerAs = async (operator: TestOperator, level: 4 | 5 = 5): Promise<Asker> => {
    const asker = await Asker.at(broker.url, NAME, operator, level);
    askers.push(asker);
    return asker;
  };
  return {
    ...{ station, broker, stateDirectory, askerAs, asker: await askerAs(ACTOR) },
    entries() {
      const reader = openJournalReader(stateDirectory);
      try {
        return [...reader.entries()].map(({ cose }) => decodeEntry(cose).entry);
      } finally {
        reader.close();
      }
    },
    async stop() {
      await station.stop();
      for (const asker of askers) await asker.close();
      await broker.stop();
      await simulated.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
