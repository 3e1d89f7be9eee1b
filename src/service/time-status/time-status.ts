import type { Log } from '../../../hal/contract/index.ts';
import type { ClockStatus } from '../system-clock.ts';
import { askChrony } from './ask-chrony.ts';
import { askKernel } from './ask-kernel.ts';
import { askTimesyncd } from './ask-timesyncd.ts';
import { chooseReading } from './choose-reading.ts';
import { judgeTime, type JudgedTime } from './judge-time.ts';
import { readRealTimeClockMs } from './real-time-clock.ts';
import type { AskTime, LeapState, TimeReading, TimeSourceName } from './time-reading.ts';

/** A process is started for it, so not with every sample; a synchronised clock does not go wrong in a minute. */
const ASK_EVERY_MS = 60_000;
/** While it is not synchronised the answer is worth asking for sooner: after this, and then after twice as long each time. */
const FIRST_ASK_AGAIN_MS = 5_000;
/** Five answers that did not come. */
const LONGEST_AGE_MS = 5 * ASK_EVERY_MS;
/** No version of this software is older, so no true time is earlier. Moved on with each release. */
export const SOFTWARE_FLOOR_MS = Date.UTC(2026, 10, 1);

export interface TimeStatusOptions {
  readonly source: 'auto' | TimeSourceName;
  /** More than this, and a synchronised clock is only informative. */
  readonly maxErrorMs: number;
  readonly nowMonoMs: () => number;
  readonly nowWallMs: () => number;
  readonly log: Log;
  /** No true time is before this: the newest synchronised time that the journal has. */
  readonly floorMs?: number;
  /** In place of the ones of this system. */
  readonly ask?: Readonly<Partial<Record<TimeSourceName, AskTime>>>;
  readonly readRtcMs?: () => Promise<number | undefined>;
}

export interface TimeReport extends JudgedTime {
  /** Who vouches for it; null while nobody does. */
  readonly source: TimeSourceName | null;
  readonly detail: string | null;
  readonly leap: LeapState;
}

/** What the wall clock is worth. Answers at once from what is known; asking goes on in the background. */
export interface TimeStatus {
  status(): ClockStatus;
  report(): TimeReport;
  /** Asks when it is time to; resolves when that is done. Never rejects, ends within a few seconds; overlapping calls ask once. */
  poll(): Promise<void>;
  /** The wall clock was set: what was said before holds no more, and the next poll asks. */
  stepped(): void;
  raiseFloor(wallMs: number): void;
}

export function openTimeStatus(options: TimeStatusOptions): TimeStatus {
  return new PolledTimeStatus(options);
}

class PolledTimeStatus implements TimeStatus {
  readonly #options: TimeStatusOptions;
  readonly #sources: readonly AskTime[];
  #floorMs: number;
  #said: { readonly reading: TimeReading; readonly monoMs: number; readonly steps: number } | undefined;
  #rtcDifferenceMs: number | undefined;
  /** How often the clock was set; an answer holds for the clock as it was when the question was asked. */
  #steps = 0;
  #wasSynchronised = false;
  #nextMonoMs = -Infinity;
  #askAgainMs = FIRST_ASK_AGAIN_MS;
  #asking: Promise<void> | undefined;
  #told: string | undefined;

  constructor(options: TimeStatusOptions) {
    this.#options = options;
    this.#floorMs = Math.max(SOFTWARE_FLOOR_MS, options.floorMs ?? 0);
    const { source, ask = {}, nowWallMs } = options;
    const all: Record<TimeSourceName, AskTime> = {
      chrony: ask.chrony ?? askChrony(),
      kernel: ask.kernel ?? askKernel(),
      timesyncd: ask.timesyncd ?? askTimesyncd({ nowWallMs }),
    };
    this.#sources = source === 'auto' ? Object.values(all) : [all[source]];
  }

  status(): ClockStatus {
    return this.#judge().status;
  }

  report(): TimeReport {
    const reading = this.#said?.reading;
    return {
      ...this.#judge(),
      source: reading?.source ?? null,
      detail: reading?.detail ?? null,
      leap: reading?.leap ?? 'none',
    };
  }

  raiseFloor(wallMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, wallMs);
  }

  stepped(): void {
    this.#steps++;
    this.#wasSynchronised = false;
    this.#nextMonoMs = -Infinity;
    this.#askAgainMs = FIRST_ASK_AGAIN_MS;
  }

  poll(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    if (this.#options.nowMonoMs() < this.#nextMonoMs) return Promise.resolve();
    this.#asking = this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { nowMonoMs, nowWallMs, readRtcMs = readRealTimeClockMs } = this.#options;
    const steps = this.#steps;
    const reading = await this.#askInTurn();
    const rtcMs = await readRtcMs();
    this.#rtcDifferenceMs = rtcMs === undefined ? undefined : nowWallMs() - rtcMs;
    if (reading !== undefined) this.#said = { reading, monoMs: nowMonoMs(), steps };
    // One that was set while the question was under way is asked about again at once.
    if (steps === this.#steps) {
      const isGood = reading?.synchronised === true;
      if (isGood) this.#wasSynchronised = true;
      this.#nextMonoMs = nowMonoMs() + (isGood ? ASK_EVERY_MS : this.#askAgainMs);
      this.#askAgainMs = isGood ? FIRST_ASK_AGAIN_MS : Math.min(ASK_EVERY_MS, 2 * this.#askAgainMs);
    }
    this.#tell();
  }

  /** chronyd is asked first, without a process; only where it does not answer, the others are. */
  async #askInTurn(): Promise<TimeReading | undefined> {
    const [first, ...others] = this.#sources;
    const said = await first?.();
    if (said !== undefined) return said;
    return chooseReading(await Promise.all(others.map((ask) => ask())));
  }

  #judge(): JudgedTime {
    const { nowMonoMs, nowWallMs, maxErrorMs } = this.#options;
    const said = this.#said;
    return judgeTime(
      {
        nowWallMs: nowWallMs(),
        floorMs: this.#floorMs,
        wasSynchronised: this.#wasSynchronised,
        ...(said && {
          reading: {
            said: said.reading,
            ageMs: nowMonoMs() - said.monoMs,
            steppedSince: said.steps !== this.#steps,
          },
        }),
        ...(this.#rtcDifferenceMs !== undefined && { rtcDifferenceMs: this.#rtcDifferenceMs }),
      },
      { maxErrorMs, longestAgeMs: LONGEST_AGE_MS },
    );
  }

  /** Once, when it changes. */
  #tell(): void {
    const { status, why, source, maxErrorMs } = this.report();
    const text = `${status} ${why} ${source ?? ''}`;
    if (text === this.#told) return;
    this.#told = text;
    const bound = maxErrorMs === null ? {} : { maxErrorMs: Math.ceil(maxErrorMs) };
    this.#options.log(status === 'S' ? 'info' : 'warning', 'clock.status', {
      status,
      why,
      source: source ?? 'none',
      ...bound,
    });
  }
}
