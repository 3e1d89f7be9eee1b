import type { ClockStatus, ClockStepBody, ClockStepReason } from '../journal/index.ts';

/** A look at both clocks at one moment, and what the wall clock is worth then. */
export interface ClockLook {
  readonly wallMs: number;
  readonly monoMs: number;
  readonly status: ClockStatus;
}

/** What readers of the journal know of the wall clock by now, and the last look, which may already know better. */
export interface ClockRecord {
  /** Wall clock less time since boot, as recorded. */
  readonly offsetMs: number;
  readonly status: ClockStatus;
  /** When a change of the status alone was last recorded. */
  readonly statusMonoMs: number;
  readonly seenOffsetMs: number;
  readonly seenMonoMs: number;
  /** It has jumped, by more than steering can do, since the record. */
  readonly jumped: boolean;
}

/** What is to be recorded; the reason is found by `reasonOf`. */
export interface ClockChange {
  /** New wall time less what the record made of it; positive: it was set forward. */
  readonly stepMs: number;
  readonly kind: 'jump' | 'drift' | 'status';
}

/** The record is never further from the wall clock than this: a change as large as this is recorded at once. */
export const SMALLEST_STEP_MS = 1_000;
/**
 * The fastest that a daemon steers a clock: 100,000 ppm (chrony.conf: maxslewrate). On Linux nothing of that shows here, because
 * CLOCK_MONOTONIC is steered with the wall clock; what adds up to a drift there are small steps.
 */
const FASTEST_SLEW = 0.1;
/** A status that flutters wears out no flash: each entry carries its own letter anyway. */
const STATUS_EVERY_MS = 60_000;

/** The record as the first look makes it: the first entry of the run carries the same. */
export function openClockRecord(look: ClockLook): ClockRecord {
  const offsetMs = look.wallMs - look.monoMs;
  return {
    ...{ offsetMs, status: look.status, statusMonoMs: -Infinity },
    ...{ seenOffsetMs: offsetMs, seenMonoMs: look.monoMs, jumped: false },
  };
}

/** Takes a look into account, and says whether there is something that must be recorded before anything else is. */
export function observeClock(
  record: ClockRecord,
  look: ClockLook,
): { readonly record: ClockRecord; readonly change?: ClockChange } {
  const offsetMs = look.wallMs - look.monoMs;
  const moved = Math.abs(offsetMs - record.seenOffsetMs);
  const bySlewing = (look.monoMs - record.seenMonoMs) * FASTEST_SLEW;
  const jumped = record.jumped || moved - bySlewing >= SMALLEST_STEP_MS;
  const seen = { ...record, seenOffsetMs: offsetMs, seenMonoMs: look.monoMs, jumped };
  const stepMs = Math.round(offsetMs - record.offsetMs);
  if (Math.abs(stepMs) >= SMALLEST_STEP_MS) {
    return { record: seen, change: { stepMs, kind: jumped ? 'jump' : 'drift' } };
  }
  const isStatusDue = look.status !== record.status && look.monoMs - record.statusMonoMs >= STATUS_EVERY_MS;
  return isStatusDue ? { record: seen, change: { stepMs, kind: 'status' } } : { record: seen };
}

/** The record once the change is in the journal. */
export function recordedChange(record: ClockRecord, look: ClockLook, change: ClockChange): ClockRecord {
  return {
    ...record,
    offsetMs: record.offsetMs + change.stepMs,
    status: look.status,
    statusMonoMs: change.kind === 'status' ? look.monoMs : record.statusMonoMs,
    jumped: false,
  };
}

/** The record when the journal did not take the change: as it was before, so that it is found again. */
export function unrecordedChange(record: ClockRecord, { stepMs, before }: ClockStepBody): ClockRecord {
  const offsetMs = record.offsetMs - stepMs;
  return {
    ...record,
    offsetMs,
    status: before,
    statusMonoMs: -Infinity,
    jumped: record.jumped || stepMs !== 0,
  };
}

export interface StepCircumstances {
  /** The wall clock after it. */
  readonly wallMs: number;
  /** For how long the machine was asleep since the last look. */
  readonly sleptMs: number;
  readonly leap: 'none' | 'insert' | 'delete' | 'in-progress' | 'done';
}

const DAY_MS = 86_400_000;
/** How near to a leap second of the kernel, ±1 s at the end of a UTC day, a step must be to be it. */
const LEAP_TOLERANCE_MS = 100;
const LEAP_NEAR_MIDNIGHT_MS = 10_000;

/** Why the wall clock moved, from what else is known at that moment. */
export function reasonOf({ kind, stepMs }: ClockChange, around: StepCircumstances): ClockStepReason {
  if (kind !== 'jump') return kind;
  if (Math.abs(around.sleptMs) >= SMALLEST_STEP_MS && Math.abs(stepMs - around.sleptMs) < SMALLEST_STEP_MS)
    return 'suspend';
  return isLeap(stepMs, around) ? 'leap' : 'set';
}

/** The kernel inserts a second by setting the clock back at 24:00:00 UTC, and deletes one by setting it forward (adjtimex(2)). */
function isLeap(stepMs: number, { wallMs, leap }: StepCircumstances): boolean {
  if (leap === 'none') return false;
  const expected = leap === 'delete' ? [1_000] : leap === 'done' ? [1_000, -1_000] : [-1_000];
  const ofDay = ((wallMs % DAY_MS) + DAY_MS) % DAY_MS;
  return (
    Math.min(ofDay, DAY_MS - ofDay) <= LEAP_NEAR_MIDNIGHT_MS &&
    expected.some((leapMs) => Math.abs(stepMs - leapMs) <= LEAP_TOLERANCE_MS)
  );
}
