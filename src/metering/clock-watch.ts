import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import { clockStepMs, type ClockPair } from './clock-step.ts';
import type { EvidenceLog } from './evidence-log.ts';

const LOOK_EVERY_MS = 1_000;

export interface ClockWatchOptions {
  readonly clock: MonotonicClock;
  readonly nowWallMs: () => number;
  readonly evidence: Pick<EvidenceLog, 'event'>;
  readonly log: Log;
}

/** Journals every step of the wall clock, so that a reader of the log can put times before it right. */
export function watchClock(options: ClockWatchOptions): { stop(): Promise<void> } {
  const abort = new AbortController();
  const look = (): ClockPair => ({ wallMs: options.nowWallMs(), monoMs: options.clock.nowMonoMs() });
  const run = async (): Promise<void> => {
    for (let before = look(); ;) {
      try {
        await options.clock.sleep(LOOK_EVERY_MS, abort.signal);
      } catch {
        return;
      }
      if (abort.signal.aborted) return;
      const after = look();
      const stepMs = clockStepMs(before, after);
      before = after;
      if (stepMs === undefined) continue;
      options.log('warning', 'clock.stepped', { stepMs });
      options.evidence.event({ kind: 'clock-step', stepMs }).catch((error: unknown) => {
        options.log('error', 'journal.append_failed', { kind: 'clock-step', error });
      });
    }
  };
  const running = run();
  return {
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}
