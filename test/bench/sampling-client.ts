// Reads meters over Modbus TCP once a second and says what that took; a process of its own, so that CPU time and memory are
// the client's alone.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import modbusSerial from 'modbus-serial';
import { silentLog } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { openLine } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { answerTask } from './child.ts';

export interface SamplingTask {
  readonly subject: 'delmonicos' | 'modbus-serial';
  readonly host: string;
  readonly profileId: string;
  readonly meters: readonly { readonly port: number; readonly unitId: number }[];
  readonly reads: readonly PlainRead[];
  readonly seconds: number;
}

export interface PlainRead {
  readonly table: 'holding' | 'input';
  readonly registerAddress: number;
  readonly registerCount: number;
}

export interface SamplingResult {
  readonly samples: number;
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** The compiler of the JavaScript engine has seen the code by then. */
const WARM_UP_ROUNDS = 100;

interface Client {
  /** Reads every meter once. */
  round(): Promise<void>;
  close(): Promise<void>;
}

await answerTask<SamplingTask, SamplingResult>(async (task) => {
  const client = task.subject === 'delmonicos' ? await ours(task) : await plain(task);
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await client.round();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (let second = 1; second <= task.seconds; second++) {
    await client.round();
    await delay(Math.max(0, startedAt + second * 1_000 - performance.now()));
  }
  const { user, system } = process.cpuUsage(cpu);
  const rssBytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  await client.close();
  return { samples: task.seconds * task.meters.length, cpuMicros: user + system, rssBytes };
});

/** From the registers to exact decimals with OBIS code, unit and quality, with everything that keeps values right. */
async function ours({ host, profileId, meters }: SamplingTask): Promise<Client> {
  const profile = await loadProfile(profileId);
  const ports = [...new Set(meters.map(({ port }) => port))];
  const lines = new Map(
    ports.map((port) => [
      port,
      openLine(
        { id: `line${port}`, kind: 'tcp', host, port },
        { clock: systemMonotonicClock, log: silentLog },
      ),
    ]),
  );
  const all = meters.map(({ port, unitId }) => {
    const line = lines.get(port);
    if (line === undefined) throw new Error(`no line to port ${port}`);
    return createModbusMeter({ id: `${port}/${unitId}`, line, unitId, profile });
  });
  return {
    round: async () => void (await Promise.all(all.map((meter) => meter.readSample()))),
    close: async () => void (await Promise.all([...lines.values()].map((line) => line.close()))),
  };
}

/** The library used plainly, one connection to each port: registers into buffers, nothing decoded. */
async function plain({ host, meters, reads }: SamplingTask): Promise<Client> {
  const clients = new Map<number, InstanceType<typeof modbusSerial.default>>();
  for (const { port } of meters) {
    if (clients.has(port)) continue;
    const client = new modbusSerial.default();
    await client.connectTCP(host, { port });
    client.setTimeout(1_000);
    clients.set(port, client);
  }
  const readPort = async (port: number, client: InstanceType<typeof modbusSerial.default>): Promise<void> => {
    for (const meter of meters.filter((each) => each.port === port)) {
      client.setID(meter.unitId);
      for (const { table, registerAddress, registerCount } of reads) {
        if (table === 'holding') await client.readHoldingRegisters(registerAddress, registerCount);
        else await client.readInputRegisters(registerAddress, registerCount);
      }
    }
  };
  return {
    round: async () => void (await Promise.all([...clients].map(([port, client]) => readPort(port, client)))),
    close: async () => {
      for (const client of clients.values())
        await new Promise((closed) => void client.close(() => closed(0)));
    },
  };
}
