import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { ServiceNotify } from './service-notify.ts';
import { inWords, judgeLiveness, type Liveness, type WatchdogReason } from './watchdog.ts';

export interface KeepWatchdogOptions {
  readonly notify: Pick<ServiceNotify, 'watchdogMs' | 'alive' | 'status'>;
  /** Asked each time anew. */
  readonly liveness: () => Liveness;
  /** The status line while all is well. */
  readonly status: () => string;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

/** Asked four times within a period, so that one late turn of a busy machine is no reason to be killed. */
const TIMES_A_PERIOD = 4;
/** Where nobody watches, the log and the status still say that something hangs. */
const UNWATCHED_MS = 10_000;
const SLOWEST_MS = 10_000;
/** The event loop stood still for so long: worth a line, and the first suspect when the watchdog has killed the one before. */
const BLOCKED_MS = 2_000;

export interface Watchdog {
  stop(): void;
}

/**
 * Feeds the manager's watchdog as long as metering lives, and says why before it starves it: the manager kills this process
 * then, and starts it anew. An event loop that stands still feeds nothing.
 */
export function keepWatchdog(options: KeepWatchdogOptions): Watchdog {
  const stopped = new AbortController();
  void run(options, stopped.signal);
  return { stop: () => stopped.abort() };
}

async function run(
  { notify, liveness, status, clock, log }: KeepWatchdogOptions,
  signal: AbortSignal,
): Promise<void> {
  const { watchdogMs } = notify;
  const everyMs = watchdogMs === undefined ? UNWATCHED_MS : Math.min(watchdogMs / TIMES_A_PERIOD, SLOWEST_MS);
  let starving = false;
  for (;;) {
    const { feed, reasons } = judgeLiveness(liveness(), clock.nowMonoMs());
    if (feed && watchdogMs !== undefined) notify.alive();
    notify.status(feed ? status() : `not alive: ${inWords(reasons)}`);
    if (!feed) {
      // With the same code a reason is printed once a minute.
      for (const reason of reasons) log('error', 'watchdog.starved', inFields(reason));
    } else if (starving) log('info', 'watchdog.fed_again', {});
    starving = !feed;
    const due = clock.nowMonoMs() + everyMs;
    try {
      await clock.sleep(everyMs, signal);
    } catch {
      return;
    }
    const lateMs = clock.nowMonoMs() - due;
    if (lateMs > BLOCKED_MS) log('warning', 'service.loop_blocked', { forMs: Math.round(lateMs) });
  }
}

function inFields(reason: WatchdogReason): Record<string, unknown> {
  const { code } = reason;
  switch (code) {
    case 'watchdog.slot_missed':
      return { meter: reason.meterId, code, lateMs: Math.round(reason.lateMs) };
    case 'watchdog.read_hangs':
      return { meter: reason.meterId, code, forMs: Math.round(reason.forMs) };
    case 'watchdog.commit_late':
      return { code, forMs: Math.round(reason.forMs) };
    case 'watchdog.no_progress':
      return { code, what: reason.what, forMs: Math.round(reason.forMs) };
  }
}
