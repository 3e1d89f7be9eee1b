import { StationError } from '../contract/index.ts';

/** One thing that is wrong with a profile, and where. Lines count from 1. */
export interface ProfileProblem {
  readonly line: number;
  /** Where it is, such as `points[3].unit`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export type ProfileErrorCode = 'profile.unknown' | 'profile.invalid';

export class ProfileError extends StationError {
  declare readonly code: ProfileErrorCode;
  constructor(
    code: ProfileErrorCode,
    message: string,
    options: { details: Readonly<Record<string, unknown>>; hint?: string; cause?: unknown },
  ) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
