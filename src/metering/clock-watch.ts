import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import type { ClockStatus } from '../journal/index.ts';
import { clockStepMs, type ClockPair } from './clock-step.ts';
import type { EvidenceLog } from './evidence-log.ts';

const LOOK_EVERY_MS = 1_000;

export interface ClockWatchOptions {
  readonly clock: MonotonicClock;
  readonly nowWallMs: () => number;
  readonly clockStatus: () => ClockStatus;
  readonly evidence: EvidenceLog;
  readonly log: Log;
}

/** Journals every step of the wall clock, so that a reader of the log can put times before it right. */
export function watchClock(options: ClockWatchOptions): { stop(): Promise<void> } {
  const abort = new AbortController();
  const look = (): ClockPair & { readonly status: ClockStatus } => ({
    wallMs: options.nowWallMs(),
    monoMs: options.clock.nowMonoMs(),
    status: options.clockStatus(),
  });
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
      const body = { stepMs: stepMs ?? 0, before: before.status, after: after.status };
      before = after;
      if (stepMs === undefined) continue;
      options.log('warning', 'clock.stepped', { stepMs });
      options.evidence.append('clock-step', body, 'billing').catch((error: unknown) => {
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
