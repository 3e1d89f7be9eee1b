import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. What a check finds in a record is no error: it is a failed check in the report. */
export type OcmfErrorCode =
  'ocmf.invalid_content' | 'ocmf.too_long' | 'ocmf.too_large' | 'ocmf.malformed' | 'ocmf.bad_key';

export class OcmfError extends StationError {
  declare readonly code: OcmfErrorCode;
  constructor(code: OcmfErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}

/** What a stranger wrote is not a record, or not one that can be believed to say one thing only. */
export function malformed(message: string): OcmfError {
  return new OcmfError('ocmf.malformed', message);
}
