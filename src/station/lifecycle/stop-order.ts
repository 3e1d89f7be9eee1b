import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { Sync } from '../../sync/index.ts';
import type { StationView } from '../telemetry/station-view.ts';

export interface RunningParts {
  /** What looks on, and writes at most now and then. */
  readonly watches?: readonly { stop(): Promise<void> }[];
  readonly lines: readonly { close(): Promise<void> }[];
  readonly sessions?: { stop(): Promise<void> } | undefined;
  readonly metering: { stop(): Promise<void> };
  readonly clockWatch: { stop(): Promise<void> };
  readonly journal: Pick<Journal, 'flush' | 'close'>;
  readonly sync: { stop: Sync['stop'] } | undefined;
  readonly view: Pick<StationView, 'close'>;
}

export interface StopPorts {
  readonly clock: MonotonicClock;
  readonly log: Log;
  /** Called before each step, which may take so long, and in which nothing else may get its turn. */
  readonly onStep?: (what: string, atMostMs: number) => void;
}

/** One signature, or one page of an old log. */
const WATCHES_MS = 3_000;
/** A read that is under way may take so long to end by itself; then its line is closed under it. */
const READS_MS = 3_000;
const LINES_MS = 2_000;
/** The gateway is killed, not asked. */
const SYNC_MS = 5_000;
/** Above what telemetry itself takes to say good-bye. */
const VIEW_MS = 10_000;
const JOURNAL_MS = 10_000;

/**
 * Whatever looks on, sessions, meters, journal flushed, lines, chain, telemetry, journal closed. Each step has a time of its own, so that nothing that
 * hangs keeps the journal from being closed: half a minute at most in practice, and systemd waits for ninety seconds. Never rejects.
 */
export async function stopInOrder(
  { watches = [], sessions, metering, clockWatch, journal, lines, sync, view }: RunningParts,
  { clock, log, onStep }: StopPorts,
): Promise<void> {
  const step = async (what: string, atMostMs: number, stop: () => Promise<unknown>): Promise<void> => {
    onStep?.(what, atMostMs);
    const timer = new AbortController();
    const late = clock.sleep(atMostMs, timer.signal).then(
      () => log('warning', 'station.stop_late', { what, code: what, atMostMs }),
      () => {},
    );
    const stopped = stop().catch((error: unknown) =>
      log('error', 'station.stop_failed', { what, code: what, error }),
    );
    await Promise.race([stopped, late]);
    timer.abort();
  };
  if (watches.length > 0)
    await step('watches', WATCHES_MS, () => Promise.all(watches.map((watch) => watch.stop())));
  if (sessions !== undefined) await step('sessions', READS_MS, () => sessions.stop());
  const reads = Promise.all([metering.stop(), clockWatch.stop()]);
  await step('reads', READS_MS, () => reads);
  await step('journal', JOURNAL_MS, () => journal.flush());
  await step('lines', LINES_MS, () => Promise.all(lines.map((line) => line.close())));
  await step('metering', LINES_MS, () => reads);
  await step('sync', SYNC_MS, async () => sync?.stop());
  await step('view', VIEW_MS, () => view.close());
  await step('journal', JOURNAL_MS, () => journal.close());
}
