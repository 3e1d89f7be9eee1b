import { StationError, type StationErrorOptions } from '../../../hal/contract/index.ts';

/** Why entries do not come, or cannot be believed. Each is listed in docs/errors.md. */
export type BackfillErrorCode =
  | 'backfill.refused'
  | 'backfill.budget'
  | 'backfill.no_progress'
  | 'backfill.wrong_key'
  | 'backfill.forked'
  | 'backfill.not_resumable'
  | 'backfill.file';

export class BackfillError extends StationError {
  declare readonly code: BackfillErrorCode;
  constructor(code: BackfillErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}

/** Two signed checkpoints that cannot both be true. */
export function forked(one: string, other: string): BackfillError {
  return new BackfillError(
    'backfill.forked',
    'the station signed two logs of which neither is the beginning of the other',
    {
      remedy: 'halt',
      details: { checkpoints: [one, other] },
      hint: 'keep both checkpoints: together they prove it',
    },
  );
}
