import type { StationError } from '../../hal/contract/index.ts';

/** Whether a meter answers: a fault is raised once, after some failures in a row, and cleared once, by the first answer. */
export type Availability =
  | { readonly state: 'unknown' | 'answering' }
  | {
      readonly state: 'failing' | 'silent';
      readonly failures: number;
      /** Of the last failure that says why: that a meter is left alone because it failed is no cause of its own. */
      readonly code: string;
      readonly message: string;
      /** When the first and the last of the failed reads were due. */
      readonly firstDueMonoMs: number;
      readonly lastDueMonoMs: number;
    };

export type AvailabilityEvent =
  | { readonly type: 'answered' }
  | {
      readonly type: 'failed';
      readonly error: Pick<StationError, 'code' | 'message'>;
      readonly dueMonoMs: number;
    };

export interface AvailabilityEffect {
  readonly type: 'raise' | 'clear';
  readonly failures: number;
  readonly code: string;
  readonly firstDueMonoMs: number;
  readonly lastDueMonoMs: number;
}

/** A single disturbed frame is no fault, three reads in a row are. */
export const FAILURES_BEFORE_FAULT = 3;

export const UNKNOWN_AVAILABILITY: Availability = { state: 'unknown' };

export function stepAvailability(
  before: Availability,
  event: AvailabilityEvent,
): { readonly next: Availability; readonly effect?: AvailabilityEffect } {
  const outage = 'failures' in before ? before : undefined;
  if (event.type === 'answered') {
    const next = { state: 'answering' } as const;
    if (outage?.state !== 'silent') return { next };
    const { failures, code, firstDueMonoMs, lastDueMonoMs } = outage;
    return { next, effect: { type: 'clear', failures, code, firstDueMonoMs, lastDueMonoMs } };
  }
  const failures = (outage?.failures ?? 0) + 1;
  const cause = outage !== undefined && event.error.code === 'meter.quarantined' ? outage : event.error;
  const facts = {
    failures,
    code: cause.code,
    firstDueMonoMs: outage?.firstDueMonoMs ?? event.dueMonoMs,
    lastDueMonoMs: event.dueMonoMs,
  };
  const state = failures < FAILURES_BEFORE_FAULT ? 'failing' : 'silent';
  const next = { state, ...facts, message: cause.message } as const;
  if (state === 'failing' || outage?.state === 'silent') return { next };
  return { next, effect: { type: 'raise', ...facts } };
}
