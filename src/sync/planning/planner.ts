import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import { bytesToHex } from '../../chain/index.ts';
import {
  type AnchorDecision,
  type AnchorRules,
  decideAnchor,
  firstDelayMs,
  type LinkFacts,
  nextIntervalMs,
  whatHoldsLink,
} from './anchor-policy.ts';
import { EntryAges } from './entry-ages.ts';
import { codeOf } from '../status/failure-record.ts';
import { isInFlight } from '../outbox/intent.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { OutboxCommand } from '../outbox/outbox-model.ts';
import type { ChainOptions, CheckpointSource, SyncOptions } from '../ports.ts';
import type { HeldBack } from '../status/status.ts';
import type { TrafficMeter } from './traffic-meter.ts';

export interface PlannerOptions {
  readonly keeper: OutboxKeeper;
  readonly source: CheckpointSource;
  readonly clock: MonotonicClock;
  readonly wallClock: SyncOptions['wallClock'];
  readonly random: () => number;
  readonly log: Log;
  readonly rules: AnchorRules;
  readonly traffic: TrafficMeter;
  /** After a plan that failed. */
  readonly retryMs: number;
  /** When the newest anchor was planned, by the wall clock; undefined: never. */
  readonly lastPlannedAtMs: number | undefined;
  readonly signal: AbortSignal;
  /** Somebody waits for this round (`sync now`). */
  readonly isAsked: () => boolean;
  /** The plan is on disk. */
  readonly onPlanned: (commands: readonly OutboxCommand[]) => void;
  /** After each look, when nothing was planned: what holds back may have changed. */
  readonly onLook: () => void;
}

/** How often the size of the log is compared with what is anchored: a sixtieth of the interval, within these bounds. */
const LOOK_FRACTION = 1 / 60;
const MIN_LOOK_MS = 1_000;
const MAX_LOOK_MS = 10_000;

/** Takes the log's checkpoint when the policy says so, and says what it waits for. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #ages: EntryAges;
  readonly #windowSpread: number;
  #dueMonoMs: number;
  #planning: Promise<void> = Promise.resolve();
  #largest = 0;

  constructor(options: PlannerOptions) {
    this.#options = options;
    const { clock, source, random, rules, lastPlannedAtMs, wallClock } = options;
    const since = lastPlannedAtMs === undefined ? undefined : wallClock.nowWallMs() - lastPlannedAtMs;
    this.#dueMonoMs = clock.nowMonoMs() + firstDelayMs(rules.anchorEveryMs, since, random());
    this.#windowSpread = random();
    const anchored = this.#anchoredSize();
    this.#ages = new EntryAges(clock, () => source.size(), anchored, waitedMs(options, anchored));
  }

  /** Plans an anchor whenever it is due, until the signal is aborted. */
  async run(): Promise<void> {
    const { clock, log, rules, retryMs, signal, onLook } = this.#options;
    const lookEveryMs = Math.min(Math.max(rules.anchorEveryMs * LOOK_FRACTION, MIN_LOOK_MS), MAX_LOOK_MS);
    while (!signal.aborted) {
      try {
        if (this.isDue()) await this.plan();
        else onLook();
      } catch (error) {
        this.#dueMonoMs = clock.nowMonoMs() + retryMs;
        log('warning', 'sync.plan_failed', { code: codeOf(error), why: String(error) });
      }
      await clock.sleep(lookEveryMs, signal).catch(() => {});
    }
    await this.#planning.catch(() => {});
  }

  /** While an unsigned anchor waits for the network nothing newer is planned: it is made fresh when the link is up. */
  isDue(): boolean {
    const { current, next, link } = this.#options.keeper.outbox;
    const waits = [current, next].some((intent) => intent?.kind === 'anchor' && !isInFlight(intent));
    if (waits && link === null) return false;
    return this.decide().isDue;
  }

  decide(): AnchorDecision {
    const { keeper, source, clock, rules } = this.#options;
    const planned = keeper.plannedSize();
    const link = this.#linkFacts();
    return decideAnchor(rules, {
      ...link,
      backlog: source.size() - planned,
      waitedMs: this.#ages.ageMs(planned),
      intervalLeftMs: this.#dueMonoMs - clock.nowMonoMs(),
    });
  }

  /** Why no gateway may be started now; null: it may. */
  holdsLink(): HeldBack | null {
    return whatHoldsLink(this.#options.rules, this.#linkFacts());
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

  /** The runtime refused the call of an anchor: the next try costs as much, and waits for its interval. */
  giveUpLargest(): void {
    this.#largest = 0;
  }

  async #planNow(): Promise<void> {
    const { keeper, source, wallClock, clock, random, rules, signal, onPlanned } = this.#options;
    if (signal.aborted || source.size() <= keeper.plannedSize()) return;
    const { text: checkpoint, size, root } = await source.checkpoint();
    if (signal.aborted) return;
    const atMs = wallClock.nowWallMs();
    const commands = keeper.dispatch({ type: 'planned', checkpoint, size, root: bytesToHex(root), atMs });
    this.#dueMonoMs = clock.nowMonoMs() + nextIntervalMs(rules.anchorEveryMs, random());
    this.#largest = Math.max(this.#largest, size);
    onPlanned(commands);
  }

  #linkFacts(): LinkFacts {
    const { keeper, traffic, isAsked, wallClock } = this.#options;
    this.#ages.look([this.#anchoredSize(), keeper.plannedSize()]);
    const { current } = keeper.outbox;
    const isTrusted = wallClock.status?.() === 'S';
    return {
      unanchoredMs: this.#ages.ageMs(this.#anchoredSize()),
      timeOfDayMs: isTrusted ? (wallClock.timeOfDayMs ?? localTimeOfDayMs)(wallClock.nowWallMs()) : null,
      windowSpread: this.#windowSpread,
      usedBytes: traffic.usedBytes,
      dayLeftMs: traffic.dayLeftMs,
      isInFlight: current !== null && isInFlight(current),
      isAsked: isAsked(),
    };
  }

  #anchoredSize(): number {
    return this.#options.keeper.lastFinal?.size ?? 0;
  }
}

/** How long the first entry after the last anchor has waited when the service starts, as far as a trusted clock can tell. */
function waitedMs({ source, wallClock }: PlannerOptions, anchoredSize: number): number {
  if (wallClock.status?.() !== 'S' || source.size() <= anchoredSize) return 0;
  const madeAtMs = source.timeOf?.(anchoredSize) ?? null;
  return madeAtMs === null ? 0 : Math.max(0, wallClock.nowWallMs() - madeAtMs);
}

/** In the time zone of the station. */
function localTimeOfDayMs(wallMs: number): number {
  const local = new Date(wallMs);
  return (
    (local.getHours() * 3_600 + local.getMinutes() * 60 + local.getSeconds()) * 1_000 +
    local.getMilliseconds()
  );
}

const USUAL_MAX_AGE_MS = 24 * 3_600_000;

/** The policy that a configuration asks for. */
export function anchorRules({ anchorEveryMs, maxAgeMs, minBacklog = 1, metered }: ChainOptions): AnchorRules {
  return {
    ...{ anchorEveryMs, minBacklog, windows: metered?.windows, bytesPerDay: metered?.bytesPerDay },
    maxAgeMs: maxAgeMs ?? Math.max(USUAL_MAX_AGE_MS, anchorEveryMs),
  };
}
