import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import type { ClockStatus, ClockStepBody, JournalStamp } from '../journal/index.ts';
import {
  observeClock,
  openClockRecord,
  reasonOf,
  recordedChange,
  unrecordedChange,
  type ClockChange,
  type ClockLook,
  type ClockRecord,
  type StepCircumstances,
} from './clock-step.ts';
import type { EvidenceLog } from './evidence-log.ts';

const LOOK_EVERY_MS = 1_000;
/** The two clocks are read one after the other; when more than this lies between, they are read again. */
const LONGEST_LOOK_MS = 5;
const MAX_LOOKS = 3;

/** What the wall clock is worth, as whoever asks the system for it knows. */
export interface TimeWorth {
  status(): ClockStatus;
  report(): {
    readonly source: string | null;
    readonly maxErrorMs: number | null;
    readonly leap: StepCircumstances['leap'];
  };
  /** Called every second; asks the system when it is time to. Never rejects. */
  poll(): Promise<void>;
  /** The clock was set: what was known of it holds no more. */
  stepped(): void;
}

export interface ClockKeeperOptions {
  readonly clock: MonotonicClock;
  readonly nowWallMs: () => number;
  /** Time since boot that goes on while the machine is asleep. */
  readonly uptimeMs: () => number;
  readonly time: TimeWorth;
  readonly log: Log;
}

/** The clock of the journal: what stamps its entries, and what sees to it that no entry carries a time that was not announced. */
export interface ClockKeeper {
  /** As it was at the last `settle`. */
  readonly stamp: () => JournalStamp;
  /**
   * Called before each entry: looks at the clocks, and when the wall clock was set, appends the `clock-step` entry that says so.
   * So no entry ever carries a time of which its predecessors do not know.
   */
  readonly settle: () => void;
  /** Looks once a second too, and journals into `evidence` from now on, until stopped. */
  watch(evidence: EvidenceLog): { stop(): Promise<void> };
}

/** Looks at the clocks for the first time; the entries that follow are measured by that. */
export function keepClock(options: ClockKeeperOptions): ClockKeeper {
  const keeper = new Keeper(options);
  return { stamp: () => keeper.stamp(), settle: () => keeper.settle(), watch: (log) => keeper.watch(log) };
}

class Keeper {
  readonly #options: ClockKeeperOptions;
  #evidence: EvidenceLog | undefined;
  #look: ClockLook;
  #record: ClockRecord;
  /** Uptime less monotonic time, when last looked at: what the machine has slept, and the distance of the two clocks' zeros. */
  #asleepMs: number;
  #isSettling = false;

  constructor(options: ClockKeeperOptions) {
    this.#options = options;
    this.#look = this.#lookAtBoth();
    this.#record = openClockRecord(this.#look);
    this.#asleepMs = this.#readAsleepMs();
  }

  stamp(): JournalStamp {
    const { wallMs, monoMs, status } = this.#look;
    return { wallTimeMs: wallMs, sinceBootMs: Math.floor(monoMs), clockStatus: status };
  }

  settle(): void {
    // The entry that announces a step comes back here, with the time that it announces.
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      this.#look = this.#lookAtBoth();
      if (this.#evidence === undefined) {
        // Nothing can be announced yet, or any more: the time goes on as announced.
        this.#look = { ...this.#look, wallMs: this.#look.monoMs + this.#record.offsetMs };
        return;
      }
      const { record, change } = observeClock(this.#record, this.#look);
      this.#record = record;
      if (change !== undefined) this.#announce(change);
    } finally {
      this.#isSettling = false;
    }
  }

  watch(evidence: EvidenceLog): { stop(): Promise<void> } {
    this.#evidence = evidence;
    const abort = new AbortController();
    const run = async (): Promise<void> => {
      for (;;) {
        void this.#options.time.poll();
        try {
          await this.#options.clock.sleep(LOOK_EVERY_MS, abort.signal);
        } catch {
          return;
        }
        if (abort.signal.aborted) return;
        this.settle();
      }
    };
    const running = run();
    return {
      stop: async () => {
        abort.abort();
        await running;
        this.#evidence = undefined;
      },
    };
  }

  #announce(change: ClockChange): void {
    const { time, log } = this.#options;
    const evidence = this.#evidence;
    if (evidence === undefined) return;
    const around = this.#circumstances();
    const reason = reasonOf(change, around);
    if (change.kind === 'jump') {
      // A leap second and a night's sleep leave a synchronised clock right; whoever sets it must answer for it anew.
      if (reason === 'set') time.stepped();
      this.#look = { ...this.#look, status: time.status() };
    }
    const body = this.#body(change, reason);
    const level = change.kind === 'jump' ? 'warning' : 'info';
    log(level, change.kind === 'status' ? 'clock.status_recorded' : 'clock.stepped', { ...body });
    this.#record = recordedChange(this.#record, this.#look, change);
    evidence.append('clock-step', body, 'billing').catch((error: unknown) => {
      log('error', 'journal.append_failed', { kind: 'clock-step', error });
      // Offered again before the next entry: none may go ahead of it.
      this.#record = unrecordedChange(this.#record, body);
    });
  }

  #body({ stepMs }: ClockChange, reason: ClockStepBody['reason'] & string): ClockStepBody {
    const { source, maxErrorMs } = this.#options.time.report();
    return {
      ...{ stepMs, before: this.#record.status, after: this.#look.status, reason },
      ...(source !== null && { source }),
      ...(maxErrorMs !== null && { maxErrorMs: Math.ceil(maxErrorMs) }),
    };
  }

  #circumstances(): StepCircumstances {
    const asleepMs = this.#readAsleepMs();
    const sleptMs = asleepMs - this.#asleepMs;
    this.#asleepMs = asleepMs;
    return { wallMs: this.#look.wallMs, sleptMs, leap: this.#options.time.report().leap };
  }

  #readAsleepMs(): number {
    return this.#options.uptimeMs() - this.#options.clock.nowMonoMs();
  }

  #lookAtBoth(): ClockLook {
    const { clock, nowWallMs, time } = this.#options;
    for (let looks = 1; ; looks++) {
      const before = clock.nowMonoMs();
      const wallMs = nowWallMs();
      const after = clock.nowMonoMs();
      if (after - before > LONGEST_LOOK_MS && looks < MAX_LOOKS) continue;
      return { wallMs, monoMs: (before + after) / 2, status: time.status() };
    }
  }
}
