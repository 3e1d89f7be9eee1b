import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type ControlErrorCode =
  | 'control.in_use'
  | 'control.failed'
  | 'control.busy'
  | 'control.too_long'
  | 'control.bad_json'
  | 'control.unreachable'
  | 'control.no_answer'
  | 'control.no_sync';

export class ControlError extends StationError {
  declare readonly code: ControlErrorCode;
  constructor(code: ControlErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
