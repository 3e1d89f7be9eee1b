import type { Log, LogLevel, MonotonicClock } from '../../../../hal/contract/index.ts';
import { RepeatedLines } from '../../../service/index.ts';
import { logFields, type LogFields } from './log-fields.ts';

/** A line of the log as it is published. */
export interface ToldLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
  /** Since boot, whole milliseconds. */
  readonly atMs: number;
  /** Alike since such a line was last told, and left out; absent: none. */
  readonly repeated?: number;
  /** Other lines since the one before that were too many to be told; absent: none. */
  readonly left?: number;
}

/** What is published now, and why. */
export interface PublishedLevel {
  readonly level: LogLevel | 'off';
  /** As long as nobody asks for another one. */
  readonly configured: LogLevel | 'off';
  /** When the configured one holds again, since boot; null: it does. */
  readonly untilMs: number | null;
}

const RANK: Readonly<Record<LogLevel | 'off', number>> = { off: 0, error: 1, warning: 2, info: 3, debug: 4 };

/** Lines at once, and then so many a second: a line takes some 300 bytes on the wire. */
const USUAL = { burst: 50, perSecond: 1 };
/** While somebody looks on, for as long as was asked for. */
const LOOKED_AT = { burst: 100, perSecond: 10 };
/** Lines from before there is a telemetry to take them. */
const EARLY_LINES = 50;
/**
 * What tells of the link would go over the link, and make it tell more: `status` and `state` tell of it. And what a library prints
 * may hold anything, such as the URL of a node with somebody's key in it.
 */
const NOT_TOLD = /^(telemetry\.|chain\.gateway_output$)/;

/**
 * The log as it is seen from afar: lines from a level on, in bounded number and size. Repeated ones are told once a minute,
 * and what is left out is counted.
 */
export class LogTail {
  readonly #clock: Pick<MonotonicClock, 'nowMonoMs'>;
  readonly #configured: LogLevel | 'off';
  readonly #lines = new RepeatedLines();
  #raised: { readonly level: LogLevel; readonly untilMonoMs: number } | undefined;
  #publish: ((line: ToldLine) => void) | undefined;
  #early: ToldLine[] = [];
  #tokens = USUAL.burst;
  #filledMonoMs: number;
  #left = 0;
  #telling = false;

  constructor(configured: LogLevel | 'off', clock: Pick<MonotonicClock, 'nowMonoMs'>) {
    this.#configured = configured;
    this.#clock = clock;
    this.#filledMonoMs = clock.nowMonoMs();
  }

  /** The same log, with this one listening. Never throws. */
  over(log: Log): Log {
    return (level, event, fields) => {
      log(level, event, fields);
      this.#hear(level, event, fields);
    };
  }

  /** From here on lines go there; those from before come first. */
  open(publish: (line: ToldLine) => void): void {
    this.#publish = publish;
    for (const line of this.#early.splice(0)) this.#tell(line);
  }

  /** Another one than the configured one, for so long; a later one takes its place. */
  setFor(level: LogLevel, forMs: number): PublishedLevel {
    this.#raised = { level, untilMonoMs: this.#clock.nowMonoMs() + forMs };
    return this.published();
  }

  published(): PublishedLevel {
    const { level = this.#configured, untilMonoMs = null } = this.#current() ?? {};
    const untilMs = untilMonoMs === null ? null : Math.ceil(untilMonoMs);
    return { level, configured: this.#configured, untilMs };
  }

  #current(): { readonly level: LogLevel; readonly untilMonoMs: number } | undefined {
    if (this.#raised !== undefined && this.#clock.nowMonoMs() >= this.#raised.untilMonoMs)
      this.#raised = undefined;
    return this.#raised;
  }

  #hear(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const published = this.#current()?.level ?? this.#configured;
    if (RANK[level] > RANK[published] || NOT_TOLD.test(event) || this.#telling) return;
    const now = this.#clock.nowMonoMs();
    const mayRepeat = level === 'warning' || level === 'error';
    const repeated = mayRepeat ? this.#lines.repeated(event, fields, now) : 0;
    if (repeated === undefined) return;
    if (!this.#hasToken(now)) {
      this.#left++;
      return;
    }
    const line: ToldLine = {
      ...{ level, event, fields: logFields(fields), atMs: Math.floor(now) },
      ...(repeated > 0 && { repeated }),
      ...(this.#left > 0 && { left: this.#left }),
    };
    this.#left = 0;
    if (this.#publish !== undefined) return this.#tell(line);
    this.#early.push(line);
    if (this.#early.length > EARLY_LINES) this.#early.shift();
  }

  #hasToken(nowMonoMs: number): boolean {
    const { burst, perSecond } = this.#current() === undefined ? USUAL : LOOKED_AT;
    const gained = ((nowMonoMs - this.#filledMonoMs) / 1_000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#filledMonoMs = nowMonoMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** What is logged while a line is published is of the publishing: it is not published itself. */
  #tell(line: ToldLine): void {
    this.#telling = true;
    try {
      this.#publish?.(line);
    } catch {
      // A view that cannot be made is no reason to fail whoever logs.
    } finally {
      this.#telling = false;
    }
  }
}
