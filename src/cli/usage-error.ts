import { StationError } from '../../hal/contract/index.ts';

export type UsageErrorCode =
  'usage.bad_option' | 'usage.file_unreadable' | 'usage.file_unwritable' | 'usage.not_resumable';

/** The command line asks for something that cannot be: exit status 2. */
export class UsageError extends StationError {
  declare readonly code: UsageErrorCode;
  constructor(code: UsageErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
