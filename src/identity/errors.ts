import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type IdentityErrorCode =
  | 'identity.seed_exists'
  | 'identity.seed_missing'
  | 'identity.seed_invalid'
  | 'identity.seed_exposed'
  | 'identity.seed_io'
  | 'identity.seed_lost'
  | 'identity.not_lost'
  | 'identity.seed_kind'
  | 'identity.next_missing'
  | 'identity.tool_missing'
  | 'identity.tool_failed'
  | 'identity.tool_timeout'
  | 'identity.tpm_missing'
  | 'identity.tpm_foreign'
  | 'identity.tpm_pcrs'
  | 'identity.tpm_pcrs_changed'
  | 'identity.token_missing'
  | 'identity.pin_missing'
  | 'identity.pin_wrong'
  | 'identity.pin_locked'
  | 'identity.bad_address';

export class IdentityError extends StationError {
  declare readonly code: IdentityErrorCode;
  constructor(code: IdentityErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
