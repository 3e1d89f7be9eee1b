import type { LineTraceEvent } from './trace.ts';

/** That a device was opened or is gone, as JSON: what `meter trace --json` prints, and what is answered from afar. */
export interface LineStateDocument {
  /** Since the trace began, in ms, to tenths. */
  readonly atMs: number;
  readonly line: 'opened' | 'closed';
  readonly cause?: string | undefined;
}

/** Pure. @param beganAtMonoMs when the trace began */
export function lineStateDocument(
  { kind, atMonoMs, ...rest }: Extract<LineTraceEvent, { kind: 'opened' | 'closed' }>,
  beganAtMonoMs: number,
): LineStateDocument {
  const atMs = Math.round((atMonoMs - beganAtMonoMs) * 10) / 10;
  return { atMs, line: kind, ...('cause' in rest && { cause: rest.cause }) };
}
