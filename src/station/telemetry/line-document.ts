import { decimal, formatDecimal } from '../../../hal/contract/index.ts';
import type { LineStatistics, ListeningLineStatistics } from '../../../hal/contract/index.ts';
import type { LineConfig } from '../../config/index.ts';
import type { LineStatusDocument } from '../../telemetry/index.ts';
import { RecentRate } from './recent-rate.ts';

export interface LineParts {
  readonly config: LineConfig;
  /** How many are read on it. */
  readonly meters: number;
  /** Undefined: nothing was opened on it, because no meter is read there. */
  readonly statistics: LineStatistics | ListeningLineStatistics | undefined;
  /** Of a line that only listens: why it hears nothing now. */
  readonly trouble: string | null;
}

const NO_LATENCY: LineStatistics['latencyMs'] = { last: 0, mean: 0, max: 0 };

/** Makes the documents of one line; remembers what its busy share is reckoned from. */
export class LineDocumentMaker {
  readonly #busy: RecentRate;

  /** @param busyMs of the line, at that moment */
  constructor(busyMs: number, nowMonoMs: number) {
    this.#busy = new RecentRate(busyMs, nowMonoMs);
  }

  make({ config, meters, statistics, trouble }: LineParts, nowMonoMs: number): LineStatusDocument {
    const { id, kind } = config;
    const asked = statistics !== undefined && 'requests' in statistics ? statistics : undefined;
    const listens = statistics !== undefined && asked === undefined;
    const { last, mean, max } = asked?.latencyMs ?? NO_LATENCY;
    return {
      line: { id, kind, device: deviceOf(config), meters, listens },
      state: statistics?.state ?? 'closed',
      failure: trouble,
      opened: statistics?.opened ?? 0,
      requests: asked?.requests ?? null,
      answers: asked?.answers ?? null,
      errors: asked?.errors ?? {},
      bytes: {
        sent: statistics?.bytesSent ?? 0,
        received: statistics?.bytesReceived ?? 0,
        discarded: asked?.bytesDiscarded ?? null,
      },
      latencyMs:
        asked === undefined || asked.answers === 0
          ? null
          : { last: tenths(last), mean: tenths(mean), max: tenths(max) },
      busyPermille: this.#busyPermille(asked?.busyMs, nowMonoMs),
      queued: asked?.queued ?? null,
    };
  }

  #busyPermille(busyMs: number | undefined, nowMonoMs: number): number | null {
    const share = busyMs === undefined ? undefined : this.#busy.perMs(busyMs, nowMonoMs);
    // An exchange is counted when it ends: one that began before the window may make it more than whole.
    return share === undefined ? null : Math.min(1_000, Math.round(share * 1_000));
  }
}

/** What is told at once: whether it is open, and which kinds of errors there were; not how many. Pure. */
export function lineNews({ statistics, trouble }: Pick<LineParts, 'statistics' | 'trouble'>): string {
  const errors = statistics !== undefined && 'errors' in statistics ? Object.keys(statistics.errors) : [];
  // A line is closed between requests, too, and opened for the next: only that it cannot be opened is news.
  return JSON.stringify([statistics?.state === 'waiting', trouble, errors.sort()]);
}

/** `/dev/ttyS1 19200 8E1`, `192.0.2.10:502`. */
export function deviceOf(line: LineConfig): string {
  if (line.kind !== 'serial') return `${line.host.includes(':') ? `[${line.host}]` : line.host}:${line.port}`;
  const { path, baudRate, dataBits, parity, stopBits } = line;
  return `${path} ${baudRate} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`;
}

function tenths(ms: number): string {
  return formatDecimal(decimal(Math.round(ms * 10), -1));
}
