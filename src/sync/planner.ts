import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import { bytesToHex } from '../chain/index.ts';
import { codeOf } from './failure-record.ts';
import { isInFlight } from './intent.ts';
import type { OutboxKeeper } from './outbox-keeper.ts';
import type { OutboxCommand } from './outbox-model.ts';
import type { CheckpointSource } from './ports.ts';

export interface PlannerOptions {
  readonly keeper: OutboxKeeper;
  readonly source: CheckpointSource;
  readonly clock: MonotonicClock;
  readonly wallClock: { nowWallMs(): number };
  readonly random: () => number;
  readonly log: Log;
  readonly anchorEveryMs: number;
  /** After a plan that failed. */
  readonly retryMs: number;
  /** When the newest intent was planned, by the wall clock; undefined: never. */
  readonly lastPlannedAtMs: number | undefined;
  readonly signal: AbortSignal;
  /** The plan is on disk. */
  readonly onPlanned: (commands: readonly OutboxCommand[]) => void;
}

/** How often the size of the log is compared with what is anchored: a sixtieth of the interval, within these bounds. */
const LOOK_FRACTION = 1 / 60;
const MIN_LOOK_MS = 1_000;
const MAX_LOOK_MS = 10_000;
/** Stations that start together anchor for the first time within this fraction of the interval, at most a minute. */
const START_SPREAD = 0.1;
const MAX_START_SPREAD_MS = 60_000;

/** Decides when the log is anchored next, and takes its checkpoint then. */
export class Planner {
  readonly #options: PlannerOptions;
  #dueMonoMs: number;
  #planning: Promise<void> = Promise.resolve();
  #largest = 0;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#dueMonoMs = options.clock.nowMonoMs() + firstDelayMs(options);
  }

  /** Plans an anchor whenever the interval has passed and the log has grown, until the signal is aborted. */
  async run(): Promise<void> {
    const { clock, log, anchorEveryMs, retryMs, signal } = this.#options;
    const lookEveryMs = Math.min(Math.max(anchorEveryMs * LOOK_FRACTION, MIN_LOOK_MS), MAX_LOOK_MS);
    while (!signal.aborted) {
      try {
        if (this.isDue()) await this.plan();
      } catch (error) {
        this.#dueMonoMs = clock.nowMonoMs() + retryMs;
        log('warning', 'sync.plan_failed', { code: codeOf(error), why: String(error) });
      }
      await clock.sleep(lookEveryMs, signal).catch(() => {});
    }
    await this.#planning.catch(() => {});
  }

  /** While an unsigned intent waits for the network nothing newer is planned: it is made fresh when the link is up. */
  isDue(): boolean {
    const { keeper, clock, source } = this.#options;
    const { current, link } = keeper.outbox;
    if (current !== null && !isInFlight(current) && link === null) return false;
    return clock.nowMonoMs() >= this.#dueMonoMs && source.size() > keeper.plannedSize();
  }

  /** Plans what is on disk, if it is more than what is anchored or on its way. One at a time. */
  plan(): Promise<void> {
    this.#planning = this.#planning.catch(() => {}).then(() => this.#planNow());
    return this.#planning;
  }

  /** An intent that ended without evidence leaves entries uncovered: whether that is so, given what is anchored. Tells once. */
  isLeftBehind(anchoredSize: number): boolean {
    if (anchoredSize >= this.#largest) return false;
    this.#largest = 0;
    this.#dueMonoMs = this.#options.clock.nowMonoMs();
    return true;
  }

  async #planNow(): Promise<void> {
    const { keeper, source, wallClock, clock, anchorEveryMs, signal, onPlanned } = this.#options;
    if (signal.aborted || source.size() <= keeper.plannedSize()) return;
    const { text: checkpoint, size, root } = await source.checkpoint();
    if (signal.aborted) return;
    const atMs = wallClock.nowWallMs();
    const commands = keeper.dispatch({ type: 'planned', checkpoint, size, root: bytesToHex(root), atMs });
    this.#dueMonoMs = clock.nowMonoMs() + anchorEveryMs;
    this.#largest = Math.max(this.#largest, size);
    onPlanned(commands);
  }
}

/** What is left of the interval since the last plan, as far as the wall clock can tell, and a spread for the fleet. */
function firstDelayMs({ anchorEveryMs, wallClock, random, lastPlannedAtMs }: PlannerOptions): number {
  const elapsed = lastPlannedAtMs === undefined ? Infinity : wallClock.nowWallMs() - lastPlannedAtMs;
  const left = elapsed >= 0 && elapsed < anchorEveryMs ? anchorEveryMs - elapsed : 0;
  return left + random() * Math.min(anchorEveryMs * START_SPREAD, MAX_START_SPREAD_MS);
}
