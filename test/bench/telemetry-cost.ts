import { mkdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import type { SimulatedStation } from '../../hal/simulator/index.ts';
import { ServiceProcess } from '../support/product.ts';
import { startBroker } from '../support/telemetry/broker.ts';
import type { Bench, Row, Scale } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { watch, type Subject } from './memory.ts';
import { ON_DEVICE } from './on-device.ts';
import { startMeters, writeConfig } from './station.ts';

/** As long as it takes until the budget of a day has found its pace, and the heap its size. */
const PACE: Record<Scale, { readonly settleMs: number; readonly lookMs: number }> = {
  full: { settleMs: 180_000, lookMs: 60_000 },
  tiny: { settleMs: 500, lookMs: 500 },
};
const METERS = 10;
const SCRAPE_MS = 15_000;
const BARE = 'core, 10 meters, no telemetry';

export const telemetryCostBench: Bench = {
  name: 'telemetry-cost',
  what: 'memory and CPU that telemetry adds to a running core',
  async run(scale) {
    return [
      {
        title: `What telemetry adds to the running service, ${METERS} meters at 1 Hz`,
        baseline: BARE,
        rows: await measure(PACE[scale]),
        notes: [
          `${PACE[scale].settleMs / 1_000} s after the start, looked at for ${PACE[scale].lookMs / 1_000} s; range: lowest and highest look`,
          'MQTT 5 to a broker on loopback, without TLS; log from `warning` on; Prometheus asks every 15 s',
          'CPU: ms of one core a second, over the same time; all services of the table ran at once',
          'started as on a device: through bin/delmonicos, with an empty environment',
        ],
      },
    ];
  },
};

async function measure(pace: (typeof PACE)[Scale]): Promise<Row[]> {
  const disk = diskDirectory();
  const stops: (() => Promise<unknown> | void)[] = [() => disk.remove()];
  try {
    const meters = await startMeters(METERS);
    stops.push(() => meters.stop());
    const broker = await startBroker();
    stops.push(() => broker.stop());
    const socket = path.join(disk.path, 'metrics.sock');
    const mqtt = (more = ''): string => `telemetry: { mqtt: { url: "${broker.url}"${more} } }`;
    const subjects: [subject: string, line: string][] = [
      [BARE, ''],
      ['MQTT, 10 MiB a day (default)', mqtt()],
      ['MQTT, 1 MB a day', mqtt(', bytesPerDay: 976KiB')],
      ['MQTT, unlimited', mqtt(', bytesPerDay: unlimited')],
      ['Prometheus alone', `telemetry: { prometheus: { socket: ${socket} } }`],
    ];
    const running: Subject[] = [];
    for (const [n, [subject, line]] of subjects.entries()) {
      const service = await start(path.join(disk.path, String(n)), `COST-${n}`, meters, line);
      stops.push(() => service.stop());
      running.push({ subject, pid: service.child.pid ?? 0 });
    }
    const scraping = setInterval(() => scrape(socket), SCRAPE_MS);
    stops.push(() => clearInterval(scraping));
    return await watch(running, pace);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function start(
  directory: string,
  name: string,
  meters: SimulatedStation,
  line: string,
): Promise<ServiceProcess> {
  mkdirSync(directory);
  const config = writeConfig(directory, meters, { name, groupCommit: '10s', more: [line] });
  const service = ServiceProcess.start(config, path.join(directory, 'state'), [], ON_DEVICE);
  await service.event(({ event }) => event === 'started');
  return service;
}

function scrape(socketPath: string): void {
  http
    .get({ socketPath, path: '/metrics', agent: false }, (response) => response.resume())
    .on('error', (error) => {
      throw error;
    });
}
