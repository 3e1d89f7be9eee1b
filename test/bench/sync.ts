import type { Bench, Measure, Row, Scale, Table } from './bench.ts';
import type { Transport } from './counted-chain.ts';
import type { ProcessLook } from './process-memory.ts';
import { writeConfig } from './station.ts';
import { STAGES, stageTimes, SyncLife, type WatchedSync } from './sync-life.ts';
import { inSyncYard, stateOf, type SyncYard } from './sync-yard.ts';

interface Pace {
  readonly rounds: number;
  /** Longer than a sync and the gateway's idle time together, so that the second sync starts a gateway of its own. */
  readonly anchorEvery: string;
  readonly transports: readonly Transport[];
  /** Whether a second sync follows, with looks before and after it; otherwise only the first one is watched. */
  readonly watchWholeLife: boolean;
}
const PACE: Record<Scale, Pace> = {
  full: { rounds: 5, anchorEvery: '45s', transports: ['rpc', 'light client'], watchWholeLife: true },
  tiny: { rounds: 1, anchorEvery: '1s', transports: ['light client'], watchWholeLife: false },
};
const IDLE_LOOK_MS = 5_000;

export const syncBench: Bench = {
  name: 'sync',
  what: 'a sync from its start to the final anchor: time by stage, bytes on the wire, memory of core and gateway',
  run: (scale) => inSyncYard(stationsForSync(scale), (yard) => syncTables(yard, scale)),
};

/** How many stations `syncTables` uses up. */
export function stationsForSync(scale: Scale): number {
  return PACE[scale].transports.length * PACE[scale].rounds;
}

export async function syncTables(yard: SyncYard, scale: Scale): Promise<Table[]> {
  const pace = PACE[scale];
  const lives = new Map<Transport, Life[]>(pace.transports.map((transport) => [transport, []]));
  for (let round = 0; round < pace.rounds; round++) {
    for (const transport of pace.transports) lives.get(transport)?.push(await live(yard, transport, pace));
  }
  return [syncTable(lives), memoryTable(lives)];
}

interface Life {
  readonly first: WatchedSync;
  readonly later: WatchedSync | undefined;
  /** The core while there is no gateway; without a whole life, right after the anchor. */
  readonly before: readonly ProcessLook[];
  readonly after: readonly ProcessLook[];
}

/** Two syncs of one station: the first ever, and one that finds what the first has left on disk. */
async function live(yard: SyncYard, transport: Transport, pace: Pace): Promise<Life> {
  const { chain, meters } = yard;
  const station = yard.nextStation();
  const more = chain.lines(transport, pace.anchorEvery);
  const config = writeConfig(station.directory, meters, { groupCommit: '1s', more });
  const life = new SyncLife(chain, config, stateOf(station));
  const untilGatewayGone = pace.watchWholeLife;
  try {
    const first = await life.watchSync({ untilGatewayGone });
    if (!pace.watchWholeLife) {
      const looks = [life.lookAtCore()];
      return { first, later: undefined, before: looks, after: looks };
    }
    const before = await life.lookFor(IDLE_LOOK_MS);
    const later = await life.watchSync({ untilGatewayGone });
    return { first, later, before, after: await life.lookFor(IDLE_LOOK_MS) };
  } finally {
    await life.service.stop();
  }
}

type Lives = ReadonlyMap<Transport, readonly Life[]>;

/** Each kind of sync that was watched, with what was seen of it in every round. */
function syncsOf(lives: Lives): { subject: string; syncs: WatchedSync[] }[] {
  const all = [...lives].flatMap(([transport, found]) => [
    {
      subject: transport === 'rpc' ? 'rpc, first' : 'light client, cold',
      syncs: found.map(({ first }) => first),
    },
    {
      subject: transport === 'rpc' ? 'rpc, later' : 'light client, warm',
      syncs: found.flatMap(({ later }) => later ?? []),
    },
  ]);
  return all.filter(({ syncs }) => syncs.length > 0);
}

function syncTable(lives: Lives): Table {
  const syncs = syncsOf(lives);
  return {
    title: 'From the start of the gateway to the final anchor (dev network: a block when something comes)',
    baseline: syncs[0]?.subject ?? '',
    rows: syncs.map(({ subject, syncs: found }) => ({ subject, measures: measuresOf(found) })),
    notes: [
      'gateway: from fork to its answer; peers: the first of them; catch up: both chains to their newest final block',
      'runtime: code and metadata, first finalized head (rpc: everything from the dialling until it can be asked)',
      'sign and send: nonce, payload, signature, hand-over; into a block and to finality: the network’s own time',
      'cold: nothing on disk; warm: with what the light client left there; rounds of all rows alternate',
      'in (to the station) and out: TCP payload to the final anchor, counted by proxies in front of the dev network',
      'session: until the gateway has gone for want of work, 15 s after the anchor; a block a second meanwhile',
    ],
  };
}

function measuresOf(syncs: readonly WatchedSync[]): Row['measures'] {
  const stages = STAGES.flatMap((stage) => {
    const samples = syncs.flatMap((sync) => stageTimes(sync)[stage] ?? []);
    return samples.length === 0 ? [] : [[stage, { unit: 'ms', samples }] as const];
  });
  const sessions = syncs.flatMap(({ sessionBytes }) => sessionBytes ?? []);
  return {
    total: { unit: 'ms', samples: syncs.map(({ beganAt, finalAt }) => finalAt - beganAt) },
    ...Object.fromEntries(stages),
    in: kibibytes(syncs.map(({ bytes }) => bytes.in)),
    out: kibibytes(syncs.map(({ bytes }) => bytes.out)),
    ...(sessions.length > 0 && {
      'in, session': kibibytes(sessions.map((bytes) => bytes.in)),
      'out, session': kibibytes(sessions.map((bytes) => bytes.out)),
    }),
  };
}

function kibibytes(samples: readonly number[]): Measure {
  return { unit: 'KiB', samples: samples.map((bytes) => bytes / 1_024) };
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
      found.map(({ first, later }) => (later ?? first).core),
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
      found.map(({ first, later }) => (later ?? first).gateway),
      peakLook,
    ),
  ]);
  return {
    title: 'Memory before, during and after a sync',
    baseline: rows[0]?.subject ?? '',
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
