import { StationError } from '../contract/index.ts';

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
