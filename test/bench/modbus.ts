import { registerCountOf } from '../../hal/contract/index.ts';
import { planReads } from '../../hal/driver/modbus/request-planner.ts';
import { loadProfiles } from '../../hal/profile/index.ts';
import type { Bench, Row, Table } from './bench.ts';
import { runInChild } from './child.ts';
import type { ClientResult, ClientTask } from './modbus-client.ts';
import { startMeters } from './station.ts';

const SUBJECTS = [
  'modbus-serial, same requests',
  'modbus-serial, one request a value',
  'delmonicos',
] as const;

export const modbusBench: Bench = {
  name: 'modbus',
  what: 'samples a second and CPU time of the Modbus driver, beside modbus-serial; requests a sample',
  async run(scale) {
    const [rounds, samples] = scale === 'full' ? [5, 3_000] : [1, 20];
    return [await speed(rounds, samples), ...(await requests())];
  },
};

async function speed(rounds: number, samples: number): Promise<Table> {
  const station = await startMeters(1);
  try {
    const [line, meter] = [station.lines[0], station.meters[0]];
    if (line === undefined || line.kind === 'pty' || meter === undefined) throw new Error('no meter on TCP');
    const { host, port } = line;
    const task = { host, port, unitId: meter.unitId, profileId: meter.model, samples };
    const results = new Map<string, ClientResult[]>(SUBJECTS.map((subject) => [subject, []]));
    for (let round = 0; round < rounds; round++) {
      for (const subject of SUBJECTS) {
        const found = await runInChild<ClientTask, ClientResult>('./modbus-client.ts', { ...task, subject });
        results.get(subject)?.push(found);
      }
    }
    return {
      title: `Modbus TCP, one ${meter.model} on loopback, ${samples} samples in a row`,
      baseline: SUBJECTS[0],
      rows: [...results].map(([subject, found]) => speedRow(subject, found, samples)),
      notes: [
        'the meter is simulated in another process of the same machine: the rate is that of both, the CPU time is the client alone',
        'modbus-serial hands out buffers and checks less; delmonicos decodes to decimals and keeps late and foreign answers out',
      ],
    };
  } finally {
    await station.stop();
  }
}

function speedRow(subject: string, results: readonly ClientResult[], samples: number): Row {
  return {
    subject,
    measures: {
      rate: { unit: '1/s', samples: results.map(({ seconds }) => samples / seconds) },
      'CPU a sample': { unit: 'µs', samples: results.map(({ cpuMicros }) => cpuMicros / samples) },
      'requests a sample': { unit: 'count', samples: results.map((result) => result.requests / samples) },
    },
  };
}

/** Request and answer of one read on a serial line: Modbus over serial line V1.02 §2.3 and application protocol §6.3. */
const RTU_BYTES_PER_READ = 8 + 5;
const BYTES_PER_REGISTER = 2;

/** Computed from the profiles: requests and bytes on the wire for one sample. */
async function requests(): Promise<Table[]> {
  return (await loadProfiles()).map(({ id, points, link }) => {
    const row = (subject: string, reads: readonly { registerCount: number }[]): Row => {
      const registers = reads.reduce((total, { registerCount }) => total + registerCount, 0);
      const bytes = reads.length * RTU_BYTES_PER_READ + registers * BYTES_PER_REGISTER;
      return {
        subject,
        measures: {
          'requests a sample': { unit: 'count', samples: [reads.length] },
          'RTU bytes a sample': { unit: 'B', samples: [bytes] },
        },
      };
    };
    const each = points.map((point) => ({ registerCount: registerCountOf(point) }));
    return {
      title: `Requests for one sample: ${id}, ${points.length} values`,
      baseline: 'one request a value',
      rows: [row('one request a value', each), row('planned', planReads(points, link))],
      notes: [],
    };
  });
}
