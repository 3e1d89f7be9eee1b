import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Why an operator's desk does not get what it wants; each is listed in docs/errors.md. */
export type FleetErrorCode =
  | 'fleet.host_unknown'
  | 'fleet.unreachable'
  | 'fleet.tls_not_trusted'
  | 'fleet.tls_name_differs'
  | 'fleet.tls_failed'
  | 'fleet.credentials_unreadable'
  | 'fleet.login_refused'
  | 'fleet.not_allowed'
  | 'fleet.refused'
  | 'fleet.not_connected'
  | 'fleet.connection_lost'
  | 'fleet.bad_packet'
  | 'fleet.no_acknowledgement'
  | 'fleet.no_station'
  | 'fleet.station_offline'
  | 'fleet.takes_no_commands'
  | 'fleet.clock_differs'
  | 'fleet.no_answer'
  | 'fleet.incomplete_answer'
  | 'fleet.not_proved';

export class FleetError extends StationError {
  declare readonly code: FleetErrorCode;
  constructor(code: FleetErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
