// Whether the service may say that it lives. Pure: facts in, an answer and the reasons for it out.

/** One meter's reading, on the monotonic clock; null: not yet since the start. */
export interface LoopFacts {
  readonly meterId: string;
  readonly everyMs: number;
  /** How many meters share its line, itself among them. */
  readonly sharedBy: number;
  readonly lastAttemptBeganMonoMs: number | null;
  readonly lastAttemptEndedMonoMs: number | null;
}

export interface MeteringLiveness {
  /** When reading began. */
  readonly sinceMonoMs: number;
  readonly meters: readonly LoopFacts[];
  /** When the oldest entry was handed over that is neither on disk nor refused; null: none waits. */
  readonly oldestWaitingSinceMonoMs: number | null;
  /** So long an entry waits for its group at most. */
  readonly groupCommitMs: number;
}

/** What the service is doing: reading meters, or on the way there or away from it. */
export type Liveness =
  | ({ readonly phase: 'metering' } & MeteringLiveness)
  | { readonly phase: 'changing'; readonly what: string; readonly lastProgressMonoMs: number };

export type WatchdogReason =
  | { readonly code: 'watchdog.slot_missed'; readonly meterId: string; readonly lateMs: number }
  | { readonly code: 'watchdog.read_hangs'; readonly meterId: string; readonly forMs: number }
  | { readonly code: 'watchdog.commit_late'; readonly forMs: number }
  | { readonly code: 'watchdog.no_progress'; readonly what: string; readonly forMs: number };

export interface WatchdogDecision {
  readonly feed: boolean;
  /** Why it starves; none when it is fed. */
  readonly reasons: readonly WatchdogReason[];
}

/** A slot begins with the timer that waits for it; a machine under load is late by a second, not by half a minute. */
export const SLOT_GRACE_MS = 30_000;
/**
 * One read ends within its time-outs. One that takes five minutes hangs in something without a time-out, and only a new process
 * gets out of that.
 */
export const READ_LIMIT_MS = 300_000;
/**
 * So much longer for each other meter of the line: with its cable pulled, each is asked twice before the next one is, and a
 * profile may wait ten seconds for an answer (hal/profile/schema.ts). A line of a hundred silent meters is no reason to restart.
 */
export const NEIGHBOUR_MS = 20_000;
/** A commit takes milliseconds, on a worn flash seconds. */
export const COMMIT_GRACE_MS = 60_000;
/** Recovery tells its progress several times a second; its longest step without is a sync of the whole journal. */
export const PROGRESS_LIMIT_MS = 300_000;

/**
 * Fed while every meter's slot is attempted and what was read reaches the disk, or is refused. Whether a meter answers, the
 * chain or the broker can be reached or the disk is full does not count: another process would fare no better.
 */
export function judgeLiveness(facts: Liveness, nowMonoMs: number): WatchdogDecision {
  const reasons = facts.phase === 'metering' ? whyDead(facts, nowMonoMs) : whyStuck(facts, nowMonoMs);
  return { feed: reasons.length === 0, reasons };
}

function whyDead(facts: MeteringLiveness, now: number): WatchdogReason[] {
  const reasons = facts.meters.flatMap((meter) => whyLoopHangs(meter, facts.sinceMonoMs, now) ?? []);
  const waitingMs = now - (facts.oldestWaitingSinceMonoMs ?? now);
  if (waitingMs > facts.groupCommitMs + COMMIT_GRACE_MS)
    reasons.push({ code: 'watchdog.commit_late', forMs: waitingMs });
  return reasons;
}

function whyLoopHangs(
  { meterId, everyMs, sharedBy, lastAttemptBeganMonoMs: began, lastAttemptEndedMonoMs: ended }: LoopFacts,
  sinceMonoMs: number,
  now: number,
): WatchdogReason | undefined {
  const isReading = began !== null && (ended === null || ended < began);
  if (isReading) {
    const forMs = now - began;
    const limitMs = READ_LIMIT_MS + (sharedBy - 1) * NEIGHBOUR_MS;
    return forMs > limitMs ? { code: 'watchdog.read_hangs', meterId, forMs } : undefined;
  }
  // The next slot is at most one interval behind the end of the last read, or behind the start.
  const lateMs = now - ((ended ?? sinceMonoMs) + everyMs);
  return lateMs > SLOT_GRACE_MS ? { code: 'watchdog.slot_missed', meterId, lateMs } : undefined;
}

function whyStuck(
  { what, lastProgressMonoMs }: Extract<Liveness, { phase: 'changing' }>,
  now: number,
): WatchdogReason[] {
  const forMs = now - lastProgressMonoMs;
  return forMs > PROGRESS_LIMIT_MS ? [{ code: 'watchdog.no_progress', what, forMs }] : [];
}

/** For a status line: the first reason, and how many more there are. */
export function inWords([first, ...more]: readonly WatchdogReason[]): string {
  if (first === undefined) return '';
  const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
  return `${sentence(first)}${rest}`;
}

function sentence(reason: WatchdogReason): string {
  switch (reason.code) {
    case 'watchdog.slot_missed':
      return `meter ${reason.meterId} was not read for ${seconds(reason.lateMs)} past its time`;
    case 'watchdog.read_hangs':
      return `the read of meter ${reason.meterId} hangs for ${seconds(reason.forMs)}`;
    case 'watchdog.commit_late':
      return `readings have been waiting for the disk for ${seconds(reason.forMs)}`;
    case 'watchdog.no_progress':
      return `${reason.what}: no progress for ${seconds(reason.forMs)}`;
  }
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1_000)} s`;
}
