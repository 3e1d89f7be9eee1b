// Thirty reloads inside one process, with meters that answer, one that does not, a broker and the control socket: nothing is left
// behind of the stations that were stopped.
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { silentLog } from '../../hal/contract/index.ts';
import { systemMonotonicClock as clock, systemWallClock } from '../../src/service/index.ts';
import {
  loadConfiguration,
  RunRequests,
  startStation,
  Supervisor,
  type Station,
  type StationEvent,
} from '../../src/station/index.ts';
import { startBroker } from '../support/telemetry/broker.ts';

const RELOADS = 30;
/** Whatever is opened once and kept, and compiled when it is first used, is there by then. */
const SETTLED = 5;
/** Of the heap, per reload; what the broker and the simulator in this process keep is in it. A station that is held shows by itself. */
const MAX_BYTES_PER_RELOAD = 200_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What the process has open, by kind. */
function held(): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      // A number of its own each time: sockets, pipes, and the files of SQLite that were made anew.
      count(`fd ${readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')}`);
    } catch {
      // The one that the directory was read with.
    }
  }
  for (const event of process.eventNames())
    for (let left = process.listenerCount(event); left > 0; left--) count(`listener ${String(event)}`);
  return counts;
}

it(`leaves nothing behind in ${RELOADS} reloads`, async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-reloads-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const site = await startSimulatedStation({
    seed: 3,
    lines: [{ id: 'lan', kind: 'tcp' }],
    meters: [{ id: 'm', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'lan' }],
  });
  onTestFinished(() => site.stop());
  const broker = await startBroker();
  onTestFinished(() => broker.stop());
  const [line] = site.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const configPath = path.join(directory, 'station.yaml');
  writeFileSync(
    configPath,
    `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters:
  - { id: there, line: lan, unitId: 1, profile: abb-b23, every: 200ms }
  - { id: absent, line: lan, unitId: 2, profile: abb-b23, every: 200ms }
journal: { groupCommit: 200ms, maxSize: 4MiB }
telemetry: { mqtt: { url: "${broker.url}" } }
control: { socket: ${path.join(directory, 'control.sock')} }
`,
  );
  const place = { configPath, stateDirectory: path.join(directory, 'state'), log: silentLog };
  const requests = new RunRequests();
  const stations: WeakRef<Station>[] = [];
  let heard = new Set<string>();
  let wake = (): void => {};
  const onEvent = (event: StationEvent): void => {
    heard.add(event.event === 'reload' ? `reload ${event.outcome}` : event.event);
    wake();
  };
  const supervisor = new Supervisor({
    ...{ requests, clock, log: silentLog, onEvent },
    check: () => loadConfiguration(place, 'look'),
    start: async (order) => {
      const station = await startStation({
        ...{ ...place, ...order, clock, onEvent, gatewayEntry: new URL('file:///none') },
        ...{ version: '0.0.0', wallClock: systemWallClock(), random: () => 0.5 },
      });
      stations.push(new WeakRef(station));
      return station;
    },
    notify: {
      ...{ active: false, watchdogMs: undefined },
      ...{ ready: () => {}, reloading: () => {}, stopping: () => {}, status: () => {} },
      ...{ extend: () => {}, alive: () => {} },
    },
  });
  const ended = supervisor.run();
  const until = async (...events: readonly string[]): Promise<void> => {
    while (!events.every((event) => heard.has(event))) await new Promise<void>((resolve) => (wake = resolve));
  };
  await until('committed', 'meter');
  const seen: { held: Record<string, number>; heapBytes: number }[] = [];
  const look = (): void => {
    collectGarbage();
    seen.push({ held: held(), heapBytes: process.memoryUsage().heapUsed });
  };
  for (let i = 0; i < RELOADS; i++) {
    heard = new Set();
    requests.reload('this test');
    await until('reload done', 'committed', 'meter');
    if (i === SETTLED || i === RELOADS - 1) look();
  }
  const [first, last] = seen;
  if (first === undefined || last === undefined) throw new Error('nothing was looked at');
  const grown = (last.heapBytes - first.heapBytes) / (RELOADS - 1 - SETTLED);
  const alive = stations.filter((station) => station.deref() !== undefined).length;
  process.stderr.write(
    `${alive} of ${stations.length} stations are held; heap: ${Math.round(grown)} bytes more per reload\n`,
  );
  expect(last.held).toEqual(first.held);
  expect(grown).toBeLessThan(MAX_BYTES_PER_RELOAD);
  expect(alive).toBeLessThanOrEqual(2);
  requests.stop('the end of the test');
  expect(await ended).toBe('stopped');
});
