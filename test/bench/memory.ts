import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatedStation } from '../../hal/simulator/index.ts';
import { createRootSeed, loadIdentity } from '../../src/identity/index.ts';
import { startDevnet, type Devnet } from '../devnet/index.ts';
import { startBroker } from '../support/telemetry/broker.ts';
import { ServiceProcess } from '../support/product.ts';
import type { Bench, Row, Scale } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { BARE_ENVIRONMENT, ON_DEVICE } from './on-device.ts';
import { lookAt, type ProcessLook } from './process-memory.ts';
import { startMeters, writeConfig } from './station.ts';

interface Pace {
  /** Until the first look, and between the first look and the last. */
  readonly settleMs: number;
  readonly lookMs: number;
  /** The first anchor comes within a tenth of it, the second only after the gateway has gone for want of work. */
  readonly anchorEvery: string;
  /** Whether the gateway is watched until it has gone, or only until the anchor is final. */
  readonly awaitGatewayEnd: boolean;
}
const PACE: Record<Scale, Pace> = {
  full: { settleMs: 60_000, lookMs: 20_000, anchorEvery: '1m', awaitGatewayEnd: true },
  tiny: { settleMs: 500, lookMs: 500, anchorEvery: '2s', awaitGatewayEnd: false },
};
const LOOK_EVERY_MS = 250;
/** The product's default. */
const GROUP_COMMIT = '10s';

export const memoryBench: Bench = {
  name: 'memory',
  what: 'resident and anonymous memory and CPU share of the running core, with and without each part; of the gateway',
  async run(scale) {
    const yard = new Yard();
    try {
      return [
        {
          title: 'Memory and CPU time of the running service, meters at 1 Hz each',
          baseline: 'bare Node, a timer each second',
          rows: await yard.measure(PACE[scale]),
          notes: [
            'RSS less anonymous is code mapped from files (35 MB for bare Node), shared with whatever else runs it',
            `${PACE[scale].settleMs / 1_000} s after the start, looked at for ${PACE[scale].lookMs / 1_000} s; range: lowest and highest look`,
            'meters on Modbus TCP unless it says serial; telemetry: MQTT 5 connected to a broker on loopback',
            'CPU: ms of one core a second, over the same time; all services of the table ran at once',
            'started as on a device: through bin/delmonicos, with an empty environment',
          ],
        },
      ];
    } finally {
      await yard.stop();
    }
  },
};

export interface Subject {
  readonly subject: string;
  readonly pid: number;
}

type Stop = () => Promise<unknown> | void;

/** Everything that runs at once. */
class Yard {
  readonly #stops: Stop[] = [];
  readonly #disk = diskDirectory();

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    this.#disk.remove();
  }

  async measure(pace: Pace): Promise<Row[]> {
    const [four, ten, broker] = await Promise.all([
      this.#keep(startMeters(4)),
      this.#keep(startMeters(10)),
      this.#keep(startBroker()),
    ]);
    const telemetry = `telemetry: { mqtt: { url: "${broker.url}" } }`;
    const [steady, chain] = await Promise.all([
      this.#watchSteady({ four, ten, telemetry }, pace),
      this.#watchChain(four, telemetry, pace),
    ]);
    return [...steady, ...chain];
  }

  async #watchSteady(
    parts: { four: SimulatedStation; ten: SimulatedStation; telemetry: string },
    pace: Pace,
  ): Promise<Row[]> {
    const { four, ten, telemetry } = parts;
    const subjects = [
      this.#bareNode('bare Node, a timer each second'),
      ...(await Promise.all([
        this.#service('core, 4 meters', four),
        this.#serialService('core, 4 meters on a serial line'),
        this.#service('core, 4 meters, telemetry', four, telemetry),
        this.#service('core, 10 meters, telemetry', ten, telemetry),
      ])),
    ];
    return await watch(
      subjects.filter((subject) => subject !== undefined),
      pace,
    );
  }

  #bareNode(subject: string): Subject {
    const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
      env: BARE_ENVIRONMENT,
    });
    this.#stops.push(() => void bare.kill());
    return { subject, pid: pidOf(bare.pid) };
  }

  async #keep<Part extends { stop(): Promise<void> }>(starting: Promise<Part>): Promise<Part> {
    const part = await starting;
    this.#stops.push(() => part.stop());
    return part;
  }

  async #service(subject: string, station: SimulatedStation, ...more: string[]): Promise<Subject> {
    const service = await this.#start(subject.replaceAll(/[ ,]+/g, '-'), station, more);
    return { subject, pid: pidOf(service.child.pid) };
  }

  async #start(name: string, station: SimulatedStation, more: readonly string[]): Promise<ServiceProcess> {
    const directory = this.#directory(name);
    const config = writeConfig(directory, station, { name, groupCommit: GROUP_COMMIT, more });
    const service = ServiceProcess.start(config, path.join(directory, 'state'), [], ON_DEVICE);
    this.#stops.push(() => service.stop());
    await service.event(({ event }) => event === 'started');
    return service;
  }

  /** Where the system has no pseudo terminal to give, the row is missing. */
  async #serialService(subject: string): Promise<Subject | undefined> {
    const station = await this.#keep(startMeters(4, 'pty')).catch(() => undefined);
    return station === undefined ? undefined : await this.#service(subject, station);
  }

  /** One service that anchors through the light client on a dev network: with its gateway, and after it has gone. */
  async #watchChain(station: SimulatedStation, telemetry: string, pace: Pace): Promise<Row[]> {
    const directory = this.#directory('chain');
    const devnet = await this.#keep(startDevnet({ directory, endow: [await this.#account(directory)] }));
    const service = await this.#start('chain', station, [telemetry, ...chainLines(devnet, pace)]);
    const core = pidOf(service.child.pid);
    const gateway = await gatewayPid(service);
    const busy: { core: ProcessLook; gateway: ProcessLook }[] = [];
    for (;;) {
      const looks = { core: lookAt(core), gateway: lookAt(gateway) };
      if (looks.core === undefined) throw new Error(`the core ended:\n${service.log.slice(-20).join('\n')}`);
      if (looks.gateway === undefined) break;
      busy.push({ core: looks.core, gateway: looks.gateway });
      if (service.finalAnchors > 0 && !pace.awaitGatewayEnd) break;
      await delay(LOOK_EVERY_MS);
    }
    if (service.finalAnchors === 0) throw new Error('the gateway ended before an anchor was final');
    const rows = [
      memoryRow(
        'core, 4 meters, telemetry, gateway busy',
        busy.map((look) => look.core),
      ),
      memoryRow(
        'gateway, from its start to its end',
        busy.map((look) => look.gateway),
      ),
    ];
    if (!pace.awaitGatewayEnd) return rows;
    const idle = { subject: 'core, 4 meters, telemetry, gateway gone', pid: core };
    // Anchors come a minute apart: what is left until the next one is enough to look around.
    return [...rows, ...(await watch([idle], { ...pace, settleMs: 5_000, lookMs: 10_000 }))];
  }

  /** The station's account, with money for fees. */
  async #account(directory: string): Promise<{ publicKey: Uint8Array; balance: bigint }> {
    const state = path.join(directory, 'state');
    mkdirSync(state, { mode: 0o700 });
    await createRootSeed(state);
    return { publicKey: (await loadIdentity(state)).chainAccount.publicKey, balance: 10n ** 15n };
  }

  #directory(name: string): string {
    const directory = path.join(this.#disk.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }
}

function chainLines(devnet: Devnet, { anchorEvery }: Pace): string[] {
  return [
    'chain:',
    '  transport: light-client',
    `  relaySpec: ${devnet.relaySpecPath}`,
    `  paraSpec: ${devnet.paraSpecPath}`,
    `  anchorEvery: ${anchorEvery}`,
  ];
}

async function gatewayPid(service: ServiceProcess): Promise<number> {
  const pidIn = (event: Record<string, unknown>): number | null | undefined =>
    (event['status'] as { gateway?: { pid: number | null } | null } | undefined)?.gateway?.pid;
  const event = await service.event((each) => typeof pidIn(each) === 'number', 60_000);
  return pidOf(pidIn(event));
}

/** Looks at all of them for so long, after they have settled. */
export async function watch(
  processes: readonly Subject[],
  { settleMs, lookMs }: Pick<Pace, 'settleMs' | 'lookMs'>,
): Promise<Row[]> {
  await delay(settleMs);
  const looks = new Map(processes.map(({ subject }) => [subject, [] as ProcessLook[]]));
  const endsAt = performance.now() + lookMs;
  const startedAt = performance.now();
  do {
    for (const { subject, pid } of processes) {
      const look = lookAt(pid);
      if (look === undefined) throw new Error(`"${subject}" has ended`);
      looks.get(subject)?.push(look);
    }
    await delay(LOOK_EVERY_MS);
  } while (performance.now() < endsAt);
  const seconds = (performance.now() - startedAt) / 1_000;
  return [...looks].map(([subject, found]) => memoryRow(subject, found, seconds));
}

function memoryRow(subject: string, looks: readonly ProcessLook[], seconds?: number): Row {
  const megabytes = (bytes: (look: ProcessLook) => number) =>
    ({ unit: 'MB', samples: looks.map((look) => bytes(look) / 1e6) }) as const;
  const [first, last] = [looks[0], looks.at(-1)];
  const cpu = seconds === undefined || !first || !last ? undefined : (last.cpuMs - first.cpuMs) / seconds;
  return {
    subject,
    measures: {
      RSS: megabytes((look) => look.rssBytes),
      anonymous: megabytes((look) => look.anonymousBytes),
      ...(cpu === undefined ? {} : { CPU: { unit: 'ms/s', samples: [cpu] } as const }),
    },
  };
}

function pidOf(pid: number | null | undefined): number {
  if (typeof pid !== 'number') throw new Error('the process did not start');
  return pid;
}
