import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Why a command is refused, or has come to nothing. Each is listed in docs/errors.md. */
export type RemoteErrorCode =
  | 'remote.malformed'
  | 'remote.unknown_key'
  | 'remote.bad_signature'
  | 'remote.other_station'
  | 'remote.stale'
  | 'remote.expired'
  | 'remote.replayed'
  | 'remote.not_allowed'
  | 'remote.unknown_command'
  | 'remote.bad_parameters'
  | 'remote.too_many'
  | 'remote.busy'
  | 'remote.unavailable';

export class RemoteError extends StationError {
  declare readonly code: RemoteErrorCode;
  constructor(code: RemoteErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
