// Reads one meter over Modbus TCP as fast as it answers and says what that took; a process of its own, so that the CPU
// time is the client's alone.
import modbusSerial from 'modbus-serial';
import { registerCountOf, silentLog, type MeterProfile } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { planReads } from '../../hal/driver/modbus/request-planner.ts';
import { openLine } from '../../hal/line/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { answerTask } from './child.ts';

export interface ClientTask {
  readonly subject: 'delmonicos' | 'modbus-serial, same requests' | 'modbus-serial, one request a value';
  readonly host: string;
  readonly port: number;
  readonly unitId: number;
  readonly profileId: string;
  readonly samples: number;
}

export interface ClientResult {
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly requests: number;
}

interface Client {
  sample(): Promise<void>;
  requests(): number;
  close(): Promise<void>;
}

/** The compiler of the JavaScript engine has seen the code by then. */
const WARM_UP = 300;

await answerTask<ClientTask, ClientResult>(async (task) => {
  const profile = await loadProfile(task.profileId);
  const client = task.subject === 'delmonicos' ? ours(task, profile) : await plainLibrary(task, profile);
  for (let i = 0; i < Math.min(WARM_UP, task.samples); i++) await client.sample();
  const [startedAt, cpu, before] = [performance.now(), process.cpuUsage(), client.requests()];
  for (let i = 0; i < task.samples; i++) await client.sample();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1_000;
  const requests = client.requests() - before;
  await client.close();
  return { seconds, cpuMicros: user + system, requests };
});

/** From the registers to exact decimals with OBIS code, unit and quality, with everything that keeps values right. */
function ours({ host, port, unitId }: ClientTask, profile: MeterProfile): Client {
  const line = openLine(
    { id: 'line', kind: 'tcp', host, port },
    { clock: systemMonotonicClock, log: silentLog },
  );
  const meter = createModbusMeter({ id: 'meter', line, unitId, profile });
  return {
    sample: async () => {
      const { values } = await meter.readSample();
      if (values.length === 0) throw new Error('a sample without values');
    },
    requests: () => line.statistics().requests,
    close: () => line.close(),
  };
}

/** The library used plainly: registers into buffers, nothing decoded, nothing checked beyond what it checks. */
async function plainLibrary(task: ClientTask, { points, link }: MeterProfile): Promise<Client> {
  const client = new modbusSerial.default();
  await client.connectTCP(task.host, { port: task.port });
  client.setID(task.unitId);
  // Long enough for a machine on which others work too.
  client.setTimeout(10_000);
  const reads = task.subject.endsWith('same requests')
    ? planReads(points, link)
    : points.map((point) => ({ ...point, registerCount: registerCountOf(point) }));
  let requests = 0;
  return {
    sample: async () => {
      for (const { table, registerAddress, registerCount } of reads) {
        requests++;
        if (table === 'holding') await client.readHoldingRegisters(registerAddress, registerCount);
        else await client.readInputRegisters(registerAddress, registerCount);
      }
    },
    requests: () => requests,
    close: () => new Promise((resolve) => client.close(() => resolve())),
  };
}
