import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceProcess } from '../support/product.ts';
import { startMosquitto, NO_MOSQUITTO } from '../support/telemetry/mosquitto.ts';
import { subscribe, type Subscriber } from '../support/telemetry/mqtt-subscriber.ts';
import type { Bench, Row, Scale } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { ON_DEVICE } from './on-device.ts';
import { startMeters, writeConfig } from './station.ts';

const PACE: Record<Scale, { readonly settleMs: number; readonly lookMs: number }> = {
  full: { settleMs: 20_000, lookMs: 180_000 },
  tiny: { settleMs: 500, lookMs: 500 },
};
const METERS = 2;
/** veth counts Ethernet frames. */
const ETHERNET_BYTES = 14;
const [SPACE, OUTSIDE, INSIDE] = ['dlmn-bench', 'dlmn-out', 'dlmn-in'];
const BROKER = '10.213.17.1';

/** Needs root, ip and mosquitto; where one of them is missing, its table is empty and says so. */
export const telemetryWireBench: Bench = {
  name: 'telemetry-wire',
  what: "bytes that a network interface counts for telemetry, beside the service's own count",
  async run(scale) {
    const missing = NO_MOSQUITTO ?? makeLink();
    const rows = missing === undefined ? await measure(PACE[scale]) : [];
    return [
      {
        title: `Bytes on the wire, ${METERS} meters at 1 Hz, both directions`,
        baseline: 'counted by the interface',
        rows,
        notes: [
          missing ??
            `a service in a network namespace of its own, mosquitto on the other end of a veth pair; ${PACE[scale].lookMs / 1_000} s; Ethernet's headers taken off, without TLS`,
        ],
      },
    ];
  },
};

const ip = (...args: string[]): string | undefined => {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  return status === 0 ? undefined : `ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`;
};

/** Why there is none; undefined: it is there. */
function makeLink(): string | undefined {
  ip('netns', 'del', SPACE);
  for (const step of [
    `netns add ${SPACE}`,
    `link add ${OUTSIDE} type veth peer name ${INSIDE} netns ${SPACE}`,
    `addr add ${BROKER}/30 dev ${OUTSIDE}`,
    `link set ${OUTSIDE} up`,
    `-n ${SPACE} addr add 10.213.17.2/30 dev ${INSIDE}`,
    `-n ${SPACE} link set ${INSIDE} up`,
    `-n ${SPACE} link set lo up`,
  ]) {
    const failed = ip(...step.split(' '));
    if (failed !== undefined) return failed;
  }
  return undefined;
}

interface Look {
  readonly wireBytes: number;
  readonly ownBytes: number;
  readonly mqttBytes: number;
}

async function measure({ settleMs, lookMs }: (typeof PACE)[Scale]): Promise<Row[]> {
  const disk = diskDirectory();
  const stops: (() => Promise<unknown> | void)[] = [
    () => disk.remove(),
    () => void ip('netns', 'del', SPACE),
  ];
  try {
    const broker = await startMosquitto([
      'allow_anonymous true',
      `listener 18831 ${BROKER}`,
      'allow_anonymous true',
    ]);
    stops.push(() => broker.kill());
    const meters = await startMeters(METERS, 'pty');
    stops.push(() => meters.stop());
    const seen = await subscribe(`mqtt://127.0.0.1:${broker.port}`);
    stops.push(() => seen.close());
    const directory = path.join(disk.path, 'wire');
    mkdirSync(directory);
    const mqtt = `telemetry: { mqtt: { url: "mqtt://${BROKER}:18831", bytesPerDay: unlimited } }`;
    const config = writeConfig(directory, meters, { name: 'WIRE', groupCommit: '10s', more: [mqtt] });
    const service = ServiceProcess.start(config, path.join(directory, 'state'), [], {
      ...{ command: 'ip', args: ['netns', 'exec', SPACE, ON_DEVICE.command], env: ON_DEVICE.env ?? {} },
    });
    stops.push(() => service.stop());
    await service.event(({ event }) => event === 'started');
    await delay(settleMs);
    const first = await lookAtStates(seen);
    await delay(lookMs);
    const last = await lookAtStates(seen);
    const perDay = (bytes: number): number => (bytes * 86_400_000) / (last.atMs - first.atMs) / 1e6;
    const row = (subject: string, of: (look: Look) => number): Row => ({
      subject,
      measures: { 'a day': { unit: 'MB', samples: [perDay(of(last.look) - of(first.look))] } },
    });
    return [
      row('counted by the interface', (look) => look.wireBytes),
      row("the service's own count", (look) => look.ownBytes),
      row('of it MQTT', (look) => look.mqttBytes),
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** The interface at the moment when the next `state` comes, which has the service's own figures. */
async function lookAtStates(seen: Subscriber): Promise<{ look: Look; atMs: number }> {
  const from = seen.messages.length;
  const { payload } = await seen.received(
    (message) => seen.messages.indexOf(message) >= from && message.topic.endsWith('/state'),
  );
  const { telemetry, atMs } = JSON.parse(payload) as {
    atMs: number;
    telemetry: { bytesSent: number; bytesReceived: number; budget: { bytesLastDay: number } };
  };
  return {
    atMs,
    look: {
      wireBytes: interfaceBytes(),
      ownBytes: telemetry.budget.bytesLastDay,
      mqttBytes: telemetry.bytesSent + telemetry.bytesReceived,
    },
  };
}

function interfaceBytes(): number {
  const { stdout } = spawnSync('ip', ['-j', '-s', 'link', 'show', OUTSIDE], { encoding: 'utf8' });
  const [link] = JSON.parse(stdout) as {
    stats64: Record<'rx' | 'tx', { bytes: number; packets: number }>;
  }[];
  if (link === undefined) throw new Error('the interface is gone');
  const { rx, tx } = link.stats64;
  return rx.bytes + tx.bytes - ETHERNET_BYTES * (rx.packets + tx.packets);
}
