import type { Command } from '../../remote/index.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Beyond what was asked for: a diagnostic reading that is under way, and room for the last part. */
const AFTER_TRACE_MS = 20 * SECOND;

/** How long a command may take before it is given up, in ms: behind a slow link each part of an answer waits for room. */
export function timeLimitMs({ name, parameters }: Command): number {
  switch (name) {
    case 'meter trace':
      return parameters.forMs + AFTER_TRACE_MS;
    case 'journal receipt':
      return 3 * MINUTE;
    case 'sync now':
      return 10 * MINUTE;
    case 'journal entries':
      return 60 * MINUTE; // by itself it ends when no credit comes
    default:
      return MINUTE;
  }
}
