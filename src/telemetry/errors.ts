import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/**
 * Why telemetry does not reach its broker; each is listed in docs/errors.md. Only `config.telemetry_url` is ever thrown
 * to a caller: the others are states of a link that comes back, seen in the log and in `statistics().failure`.
 */
export type TelemetryErrorCode =
  | 'config.telemetry_url'
  | 'telemetry.unreachable'
  | 'telemetry.tls_failed'
  | 'telemetry.credentials_unreadable'
  | 'telemetry.no_connack'
  | 'telemetry.protocol_version'
  | 'telemetry.not_authorized'
  | 'telemetry.refused'
  | 'telemetry.session_taken_over'
  | 'telemetry.bad_packet'
  | 'telemetry.no_acknowledgement'
  | 'telemetry.connection_lost';

export class TelemetryError extends StationError {
  declare readonly code: TelemetryErrorCode;
  constructor(code: TelemetryErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}
