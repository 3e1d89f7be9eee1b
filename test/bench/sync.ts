import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { SimulatedStation } from '../../hal/simulator/index.ts';
import { createRootSeed, loadIdentity } from '../../src/identity/index.ts';
import type { Endowment } from '../devnet/index.ts';
import type { Bench, Measure, Row, Scale, Table } from './bench.ts';
import { type CountedChain, startCountedChain, type Transport } from './counted-chain.ts';
import { diskDirectory } from './disk.ts';
import type { ProcessLook } from './process-memory.ts';
import { startMeters, writeConfig } from './station.ts';
import { STAGES, SyncLife, type WatchedSync } from './sync-life.ts';

interface Pace {
  readonly rounds: number;
  /** Longer than a sync and the gateway's idle time together, so that the second sync starts a gateway of its own. */
  readonly anchorEvery: string;
  /** Whether one service makes both syncs and is looked at before, between and after; otherwise a service each. */
  readonly watchWholeLife: boolean;
}
const PACE: Record<Scale, Pace> = {
  full: { rounds: 5, anchorEvery: '45s', watchWholeLife: true },
  tiny: { rounds: 1, anchorEvery: '2s', watchWholeLife: false },
};
const IDLE_LOOK_MS = 5_000;
const METERS = 4;
const TRANSPORTS: readonly Transport[] = ['rpc', 'light client'];

export const syncBench: Bench = {
  name: 'sync',
  what: 'a sync from its start to the final anchor: time by stage, bytes on the wire, memory of core and gateway',
  async run(scale) {
    const pace = PACE[scale];
    const disk = diskDirectory();
    const meters = await startMeters(METERS);
    const stations = await makeStations(disk.path, TRANSPORTS.length * pace.rounds);
    const chain = await startCountedChain(
      disk.path,
      stations.map(({ endowment }) => endowment),
    );
    try {
      const lives = new Map<Transport, Life[]>(TRANSPORTS.map((transport) => [transport, []]));
      for (let round = 0; round < pace.rounds; round++) {
        for (const transport of TRANSPORTS) {
          const station = stations.pop();
          if (station === undefined) throw new Error('too few stations were made');
          lives.get(transport)?.push(await live({ chain, transport, meters, pace, ...station }));
        }
      }
      return [timeTable(lives), bytesTable(lives), memoryTable(lives)];
    } finally {
      await chain.stop();
      await meters.stop();
      disk.remove();
    }
  },
};

/** A state directory with a seed and nothing else, and its account. */
interface NewStation {
  readonly directory: string;
  readonly endowment: Endowment;
}

export async function makeStations(parent: string, count: number): Promise<NewStation[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const directory = path.join(parent, `station-${index}`);
      mkdirSync(path.join(directory, 'state'), { recursive: true, mode: 0o700 });
      await createRootSeed(path.join(directory, 'state'));
      const { chainAccount } = await loadIdentity(path.join(directory, 'state'));
      return { directory, endowment: { publicKey: chainAccount.publicKey, balance: 10n ** 15n } };
    }),
  );
}

interface Life {
  readonly first: WatchedSync;
  readonly later: WatchedSync;
  /** The core while there is no gateway; empty when nobody looked. */
  readonly before: readonly ProcessLook[];
  readonly after: readonly ProcessLook[];
}

interface LifeOrder extends NewStation {
  readonly chain: CountedChain;
  readonly transport: Transport;
  readonly meters: SimulatedStation;
  readonly pace: Pace;
}

/** Two syncs of one station: the first ever, and one that finds what the first has left on disk. */
async function live({ chain, transport, meters, pace, directory }: LifeOrder): Promise<Life> {
  const more = chain.lines(transport, pace.anchorEvery);
  const config = writeConfig(directory, meters, { groupCommit: '1s', more });
  const start = (): SyncLife => new SyncLife(chain, config, path.join(directory, 'state'));
  const untilGatewayGone = pace.watchWholeLife;
  let life = start();
  try {
    const first = await life.watchSync({ untilGatewayGone });
    const before = pace.watchWholeLife ? await life.lookFor(IDLE_LOOK_MS) : [life.lookAtCore()];
    if (!pace.watchWholeLife) {
      await life.service.stop();
      life = start();
    }
    const later = await life.watchSync({ untilGatewayGone });
    const after = pace.watchWholeLife ? await life.lookFor(IDLE_LOOK_MS) : [life.lookAtCore()];
    return { first, later, before, after };
  } finally {
    await life.service.stop();
  }
}

type Lives = ReadonlyMap<Transport, readonly Life[]>;

/** Each kind of sync with what was seen of it in every round. */
function syncsOf(lives: Lives): { subject: string; syncs: WatchedSync[] }[] {
  return [...lives].flatMap(([transport, found]) => [
    {
      subject: transport === 'rpc' ? 'rpc, first' : 'light client, cold',
      syncs: found.map(({ first }) => first),
    },
    {
      subject: transport === 'rpc' ? 'rpc, later' : 'light client, warm',
      syncs: found.map(({ later }) => later),
    },
  ]);
}

const BASELINE = 'rpc, first';

function timeTable(lives: Lives): Table {
  return {
    title: `From the start of the gateway to the final anchor (dev network, blocks on demand, ${METERS} meters at 1 Hz)`,
    baseline: BASELINE,
    rows: syncsOf(lives).map(({ subject, syncs }) => ({ subject, measures: timesOf(syncs) })),
    notes: [
      'gateway: from fork to its answer; connect: link, sync of both chains, runtime, metadata, first finalized head',
      'sign and send: nonce, payload, signature, hand-over; into a block and to finality: the network’s own time',
      'cold: nothing on disk; warm: with what the light client left there; medians over rounds that alternate',
    ],
  };
}

export function timesOf(syncs: readonly WatchedSync[]): Record<string, Measure> {
  const stages = STAGES.flatMap((stage) => {
    const samples = syncs.flatMap(({ stageMs }) => stageMs[stage] ?? []);
    return samples.length === 0 ? [] : [[stage, { unit: 'ms', samples }] as const];
  });
  return {
    total: { unit: 'ms', samples: syncs.map(({ totalMs }) => totalMs) },
    ...Object.fromEntries(stages),
  };
}

function bytesTable(lives: Lives): Table {
  const kibibytes = (samples: readonly number[]): Measure => ({
    unit: 'KiB',
    samples: samples.map((bytes) => bytes / 1_024),
  });
  const rows = syncsOf(lives).map(({ subject, syncs }): Row => {
    const sessions = syncs.flatMap(({ sessionBytes }) => sessionBytes ?? []);
    return {
      subject,
      measures: {
        'in, to the final anchor': kibibytes(syncs.map(({ bytes }) => bytes.in)),
        'out, to the final anchor': kibibytes(syncs.map(({ bytes }) => bytes.out)),
        ...(sessions.length === 0
          ? {}
          : {
              'in, whole session': kibibytes(sessions.map((bytes) => bytes.in)),
              'out, whole session': kibibytes(sessions.map((bytes) => bytes.out)),
            }),
      },
    };
  });
  return {
    title: 'Bytes on the wire of a sync',
    baseline: BASELINE,
    rows,
    notes: [
      'counted by proxies in front of the dev network: TCP payload, in is towards the station',
      'whole session: until the gateway has gone for want of work, 15 s after the anchor; a block a second meanwhile',
    ],
  };
}

function memoryTable(lives: Lives): Table {
  const rows = [...lives].flatMap(([transport, found]): Row[] => [
    memoryRow(
      `core before, ${transport}`,
      found.map(({ before }) => before),
      medianLook,
    ),
    memoryRow(
      `core during, ${transport}`,
      found.map(({ later }) => later.core),
      peakLook,
    ),
    memoryRow(
      `core after, ${transport}`,
      found.map(({ after }) => after),
      medianLook,
    ),
    memoryRow(
      `gateway, first, ${transport}`,
      found.map(({ first }) => first.gateway),
      peakLook,
    ),
    memoryRow(
      `gateway, later, ${transport}`,
      found.map(({ later }) => later.gateway),
      peakLook,
    ),
  ]);
  return {
    title: 'Memory before, during and after a sync',
    baseline: 'core before, rpc',
    rows,
    notes: [
      'before and after: no gateway is there, median over 5 s; during, and the gateway: the highest of looks 0.1 s apart',
      'one figure a round; RSS less anonymous is code mapped from files',
    ],
  };
}

type OfLooks = (looks: readonly number[]) => number;
const peakLook: OfLooks = (looks) => Math.max(...looks);
const medianLook: OfLooks = (looks) => [...looks].sort((a, b) => a - b)[looks.length >> 1] ?? NaN;

function memoryRow(subject: string, rounds: readonly (readonly ProcessLook[])[], of: OfLooks): Row {
  const megabytes = (bytes: (look: ProcessLook) => number): Measure => ({
    unit: 'MB',
    samples: rounds.map((looks) => of(looks.map(bytes)) / 1e6),
  });
  return {
    subject,
    measures: {
      RSS: megabytes((look) => look.rssBytes),
      anonymous: megabytes((look) => look.anonymousBytes),
    },
  };
}
