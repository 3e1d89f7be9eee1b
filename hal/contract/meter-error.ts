import { StationError, type StationErrorOptions } from './station-error.ts';

/** Why a meter or its line gave no value; each is listed in docs/errors.md. */
export type MeterErrorCode =
  | 'meter.timeout'
  | 'meter.bad_frame'
  | 'meter.exception'
  | 'meter.incompatible'
  | 'meter.quarantined'
  | 'line.closed'
  | 'line.open_failed'
  | 'line.queue_full';

export class MeterError extends StationError {
  declare readonly code: MeterErrorCode;
  constructor(code: MeterErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}
