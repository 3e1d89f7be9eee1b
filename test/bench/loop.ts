import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../support/telemetry/broker.ts';
import { ServiceProcess } from '../support/product.ts';
import type { Bench, Row, Scale } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { withLoopProbe } from './on-device.ts';
import { startMeters, writeConfig } from './station.ts';

const METERS = 10;
const SECONDS: Record<Scale, { settle: number; look: number }> = {
  full: { settle: 20, look: 120 },
  tiny: { settle: 1, look: 2 },
};
const BASELINE = 'bare Node, a timer each second';

interface LoopLook {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const loopBench: Bench = {
  name: 'loop',
  what: 'how late the event loop of the running core turns',
  async run(scale) {
    const { settle, look } = SECONDS[scale];
    const disk = diskDirectory();
    const station = await startMeters(METERS);
    const broker = await startBroker();
    const files = { core: path.join(disk.path, 'core.json'), bare: path.join(disk.path, 'bare.json') };
    const settleMs = String(settle * 1_000);
    const probeOf = (file: string) => {
      const program = withLoopProbe(file);
      return { ...program, env: { ...program.env, LOOP_PROBE_SETTLE_MS: settleMs } };
    };
    // The probe asks for `run` among the arguments, so that no other process of the product carries it.
    const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'run'], {
      stdio: 'ignore',
      env: probeOf(files.bare).env,
    });
    const more = [`telemetry: { mqtt: { url: "${broker.url}" } }`];
    const config = writeConfig(disk.path, station, { name: 'LOOP', groupCommit: '10s', more });
    const service = ServiceProcess.start(config, path.join(disk.path, 'state'), [], probeOf(files.core));
    try {
      await service.event(({ event }) => event === 'started');
      await delay((settle + look + 3) * 1_000);
      return [
        {
          title: `Event loop of the core, ${METERS} meters at 1 Hz, MQTT connected`,
          baseline: BASELINE,
          rows: [row(BASELINE, files.bare), row(`core, ${METERS} meters, telemetry`, files.core)],
          notes: [
            `how much later than asked a timer of 10 ms came, over ${look} s that begin ${settle} s after the start`,
            'the looks themselves cost 4 ms of a core a second',
          ],
        },
      ];
    } finally {
      await service.stop();
      bare.kill();
      await broker.stop();
      await station.stop();
      disk.remove();
    }
  },
};

function row(subject: string, file: string): Row {
  const { p50Ms, p99Ms, maxMs } = JSON.parse(readFileSync(file, 'utf8')) as LoopLook;
  const ms = (sample: number) => ({ unit: 'ms', samples: [sample] }) as const;
  return { subject, measures: { median: ms(p50Ms), p99: ms(p99Ms), longest: ms(maxMs) } };
}
