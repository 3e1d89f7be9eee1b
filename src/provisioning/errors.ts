import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type ProvisioningErrorCode =
  | 'provisioning.config_malformed'
  | 'provisioning.config_too_large'
  | 'provisioning.config_unknown_key'
  | 'provisioning.config_bad_signature'
  | 'provisioning.config_other_station'
  | 'provisioning.config_replayed'
  | 'provisioning.config_not_yet'
  | 'provisioning.config_expired'
  | 'provisioning.config_invalid'
  | 'provisioning.config_failed_before'
  | 'provisioning.config_rolled_back'
  | 'provisioning.config_state_damaged'
  | 'provisioning.config_io'
  | 'provisioning.no_oem_keys'
  | 'provisioning.oem_keys_malformed'
  | 'provisioning.record_malformed'
  | 'provisioning.record_bad_signature'
  | 'provisioning.seal_failed'
  | 'provisioning.seed_unreadable'
  | 'provisioning.log_without_seed'
  | 'provisioning.io'
  | 'provisioning.reset_not_confirmed'
  | 'provisioning.reset_unanchored'
  | 'provisioning.reset_unfinished';

export class ProvisioningError extends StationError {
  declare readonly code: ProvisioningErrorCode;
  constructor(code: ProvisioningErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
