import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type SessionErrorCode =
  | 'session.bad_request'
  | 'session.unknown'
  | 'session.conflict'
  | 'session.evse_busy'
  | 'session.meter_busy'
  | 'session.unknown_meter'
  | 'session.meter_unreadable'
  | 'session.stopping';

export class SessionError extends StationError {
  declare readonly code: SessionErrorCode;
  constructor(code: SessionErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
