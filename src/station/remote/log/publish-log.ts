import type { MonotonicClock } from '../../../../hal/contract/index.ts';
import type { WallClock } from '../../../service/index.ts';
import type { Telemetry } from '../../../telemetry/index.ts';
import type { LogTail } from './log-tail.ts';

/** From here on the tail's lines are published, those from before first, each with the time at which it was logged. */
export function publishLog(
  tail: LogTail,
  telemetry: Pick<Telemetry, 'publishNote'>,
  { clock, wallClock }: { readonly clock: Pick<MonotonicClock, 'nowMonoMs'>; readonly wallClock: WallClock },
): void {
  tail.open((line) => {
    const agoMs = clock.nowMonoMs() - line.atMs;
    const now = { time: Math.floor(wallClock.nowWallMs() - agoMs), clock: wallClock.status() };
    telemetry.publishNote('log', { ...line, ...now });
  });
}
