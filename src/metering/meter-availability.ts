import type { StationError } from '../../hal/contract/index.ts';

/** Whether a meter answers: a fault is raised once, after some failures in a row, and cleared once, by the first answer. */
export type Availability =
  | { readonly state: 'unknown' | 'answering' }
  | { readonly state: 'failing'; readonly failures: number; readonly code: string }
  | {
      readonly state: 'silent';
      readonly failures: number;
      readonly code: string;
      readonly sinceMonoMs: number;
    };

export type AvailabilityEvent =
  | { readonly type: 'answered' }
  | { readonly type: 'failed'; readonly error: Pick<StationError, 'code'>; readonly atMonoMs: number };

export type AvailabilityEffect =
  | { readonly type: 'raise'; readonly code: string; readonly failures: number }
  | { readonly type: 'clear'; readonly failures: number; readonly sinceMonoMs: number };

/** Two retries' worth: a single disturbed frame is no fault, three in a row are. */
export const FAILURES_BEFORE_FAULT = 3;

export const UNKNOWN_AVAILABILITY: Availability = { state: 'unknown' };

export function stepAvailability(
  before: Availability,
  event: AvailabilityEvent,
): { readonly next: Availability; readonly effects: readonly AvailabilityEffect[] } {
  if (event.type === 'answered') {
    const effects: AvailabilityEffect[] =
      before.state === 'silent'
        ? [{ type: 'clear', failures: before.failures, sinceMonoMs: before.sinceMonoMs }]
        : [];
    return { next: { state: 'answering' }, effects };
  }
  const failures = before.state === 'failing' || before.state === 'silent' ? before.failures + 1 : 1;
  const { code } = event.error;
  if (before.state === 'silent') {
    return { next: { ...before, failures, code }, effects: [] };
  }
  if (failures < FAILURES_BEFORE_FAULT) return { next: { state: 'failing', failures, code }, effects: [] };
  return {
    next: { state: 'silent', failures, code, sinceMonoMs: event.atMonoMs },
    effects: [{ type: 'raise', code, failures }],
  };
}
