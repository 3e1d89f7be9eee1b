import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import { keepClock, type ClockKeeper } from '../../metering/index.ts';
import {
  openTimeStatus,
  systemUptimeMs,
  type TimeReport,
  type TimeStatusOptions,
  type WallClock,
} from '../../service/index.ts';

export interface OpenTimeOptions {
  readonly clock: MonotonicClock;
  readonly wallClock: Pick<WallClock, 'nowWallMs'>;
  readonly timeSources?: TimeStatusOptions['ask'];
  readonly stateDirectory: string;
  readonly log: Log;
}

export interface StationTime {
  readonly wallClock: WallClock;
  readonly keeper: ClockKeeper;
  /** What the wall clock is worth, and who says so. */
  report(): TimeReport;
  /** No true time is before this. */
  raiseFloor(wallMs: number | undefined): void;
}

/** Past this the station starts without the answer: its first entries then say that the time is unknown. */
const FIRST_ANSWER_WITHIN_MS = 3_000;

/** The clock that stamps entries and knows what it is worth; asks for that once before anything is stamped. */
export async function openTime(options: OpenTimeOptions, config: StationConfig): Promise<StationTime> {
  const { clock, wallClock, timeSources, log } = options;
  const nowWallMs = (): number => wallClock.nowWallMs();
  const time = openTimeStatus({
    ...config.clock,
    nowMonoMs: () => clock.nowMonoMs(),
    nowWallMs,
    log,
    ...(timeSources && { ask: timeSources }),
  });
  const late = new AbortController();
  await Promise.race([time.poll(), clock.sleep(FIRST_ANSWER_WITHIN_MS, late.signal).catch(() => undefined)]);
  late.abort();
  return {
    wallClock: { nowWallMs, status: () => time.status() },
    report: () => time.report(),
    raiseFloor: (wallMs) => time.raiseFloor(wallMs ?? 0),
    keeper: keepClock({ clock, nowWallMs, uptimeMs: systemUptimeMs, time, log }),
  };
}
