import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { lookAt } from '../bench/process-memory.ts';
import { ServiceProcess } from '../support/product.ts';
import { exportedEntries } from '../support/running-world.ts';
import { type EmbeddedBroker, startBroker } from '../support/telemetry/broker.ts';
import { startThrottlingProxy, type LinkState } from '../support/telemetry/throttling-proxy.ts';

// An hour of readings: 3,600 of each meter, ten a second instead of one, so that it takes six minutes. The service is the product as
// it ships, with its own times: what it waits for a broker is not made shorter. SOAK_SECONDS=3600 runs the hour at that rate.
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 360);
const EVERY_MS = 100;
const METERS = 4;
const RATE = (METERS * 1_000) / EVERY_MS;

interface Home {
  readonly service: ServiceProcess;
  readonly stateDirectory: string;
}

async function startHome(name: string, telemetry: string): Promise<Home> {
  const directory = mkdtempSync(path.join(os.tmpdir(), `soak-${name}-`));
  const meters = await startSimulatedStation({
    seed: 3,
    meters: Array.from({ length: METERS }, (_, n) => ({
      ...{ id: `m${n}`, model: 'abb-b23', serial: `4120000${n}`, unitId: n + 1, on: 'tcp' as const },
    })),
  });
  const [line] = meters.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const list = Array.from(
    { length: METERS },
    (_, n) => `  - { id: m${n}, line: lan, unitId: ${n + 1}, profile: abb-b23, every: ${EVERY_MS}ms }`,
  );
  const config = path.join(directory, 'station.yaml');
  writeFileSync(
    config,
    [
      `station: { name: ${name} }`,
      ...['lines:', `  - { id: lan, tcp: "${line.host}:${line.port}" }`, 'meters:', ...list],
      ...['journal: { groupCommit: 2s }', telemetry, ''],
    ].join('\n'),
  );
  const service = ServiceProcess.start(config, path.join(directory, 'state'));
  onTestFinished(async () => {
    await service.stop('SIGKILL');
    await meters.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await service.event(({ event }) => event === 'started');
  return { service, stateDirectory: path.join(directory, 'state') };
}

/** Begins of the readings of a journal, by meter, in ms since boot. */
async function readingsOf(stateDirectory: string): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const { kind, body } of await exportedEntries(stateDirectory)) {
    if (kind !== 'reading') continue;
    const serial = String(body['meterSerial']);
    found.set(serial, [...(found.get(serial) ?? []), Number(body['readBeginMonoMs'])]);
  }
  return found;
}

interface Rate {
  readonly readings: number;
  /** Of the slots between the first reading and the last, those without one. */
  readonly missed: number;
  readonly perSecond: number;
}

/** @param from and until in ms since boot: of both services the same time is looked at */
function rateOf(readings: Map<string, number[]>, from: number, until: number): Rate {
  const counted = [...readings.values()].map(
    (begins) => begins.filter((at) => at >= from && at < until).length,
  );
  const sum = counted.reduce((total, count) => total + count, 0);
  const seconds = (until - from) / 1_000;
  return { readings: sum, missed: Math.round(seconds * RATE) - sum, perSecond: sum / seconds };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

describe('a broker that is killed, slow, stalled, and cut off, for as many readings as an hour has', () => {
  it('costs no reading, and no memory that grows', { timeout: SECONDS * 1_000 + 240_000 }, async () => {
    let broker: EmbeddedBroker = await startBroker();
    const proxy = await startThrottlingProxy(() => broker.port);
    onTestFinished(async () => {
      await proxy.stop();
      await broker.stop();
    });
    const told = new Set<number>();
    const listenTo = (one: EmbeddedBroker): void =>
      void one.onMessage(({ topic, payload }) => {
        if (topic.endsWith('/sample'))
          told.add((JSON.parse(payload.toString()) as { readBeginMs: number }).readBeginMs);
      });
    listenTo(broker);
    const [looked, alone] = await Promise.all([
      startHome(
        'LOOKED-AT',
        `telemetry: { mqtt: { url: "mqtt://127.0.0.1:${proxy.port}", bytesPerDay: unlimited, log: info } }`,
      ),
      startHome('ALONE', ''),
    ]);
    const rss = { looked: [] as number[], alone: [] as number[] };
    const looking = setInterval(() => {
      rss.looked.push((lookAt(looked.service.child.pid ?? 0)?.rssBytes ?? 0) / 1e6);
      rss.alone.push((lookAt(alone.service.child.pid ?? 0)?.rssBytes ?? 0) / 1e6);
    }, 1_000);
    const startedAt = performance.now();
    const left = (): boolean => performance.now() - startedAt < SECONDS * 1_000;
    const hold = async (state: LinkState, seconds: number): Promise<void> => {
      proxy.set(state);
      for (let second = 0; second < seconds && left(); second++) await delay(1_000);
    };
    await hold('open', 20);
    let kills = 0;
    while (left()) {
      await hold({ bytesPerSecond: 2_000 }, 25);
      await hold('stalled', 45); // longer than an acknowledgement is waited for
      await hold('open', 10);
      for (let cuts = 0; cuts < 50 && left(); cuts++) {
        proxy.cut();
        await delay(100);
      }
      const { port } = broker;
      await broker.stop();
      kills++;
      await hold('open', 20);
      broker = await startBroker({ port });
      listenTo(broker);
      await hold('open', 15);
    }
    proxy.set('open');
    clearInterval(looking);
    // The last readings are told once the broker is there again.
    const sizeThen = told.size;
    await expect.poll(() => told.size, { timeout: 120_000, interval: 500 }).toBeGreaterThan(sizeThen);
    const ended = await Promise.all([looked.service.stop(), alone.service.stop()]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    const [lookedAt, without] = await Promise.all([
      readingsOf(looked.stateDirectory),
      readingsOf(alone.stateDirectory),
    ]);
    const begins = [...lookedAt.values(), ...without.values()].map((all) => all[0] ?? 0);
    const ends = [...lookedAt.values(), ...without.values()].map((all) => all.at(-1) ?? 0);
    const [first, last] = [Math.max(...begins) + 5_000, Math.min(...ends)];
    const rates = { 'with telemetry': rateOf(lookedAt, first, last), without: rateOf(without, first, last) };
    const thirds = (all: readonly number[]): number[] =>
      [0, 1, 2].map((n) => median(all.slice((n * all.length) / 3, ((n + 1) * all.length) / 3)));
    const memory = { 'with telemetry': thirds(rss.looked), without: thirds(rss.alone) };
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const counted = { seconds, kills, connections: proxy.connections(), told: told.size, load: os.loadavg() };
    const highestMB = Math.max(...rss.looked);
    process.stdout.write(
      `${JSON.stringify({ rates, megabytesByThird: memory, highestMB, counted }, null, 2)}\n`,
    );
    expect(kills).toBeGreaterThan(0);
    // A busy machine may cost both services slots; the broker must not cost the one more than the other.
    const slots = rates.without.readings + rates.without.missed;
    expect(rates['with telemetry'].missed).toBeLessThanOrEqual(rates.without.missed + 0.002 * slots);
    const [, second = 0, third = 0] = memory['with telemetry'];
    expect(third).toBeLessThanOrEqual(second + 8);
    // What was told is in the journal, every one of it.
    const known = new Set([...lookedAt.values()].flat().map(Math.floor));
    expect([...told].filter((at) => !known.has(at))).toEqual([]);
  });
});
