import { StationError, type StationErrorOptions } from '../contract/index.ts';

/** Why a simulated station cannot do what it was asked for; each is listed in docs/errors.md. */
export type SimulatorErrorCode =
  | 'simulator.pty_unavailable'
  | 'simulator.bad_option'
  | 'simulator.listen_failed'
  | 'simulator.fault_inapplicable';

export class SimulatorError extends StationError {
  declare readonly code: SimulatorErrorCode;
  constructor(code: SimulatorErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
