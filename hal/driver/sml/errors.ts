import { StationError, type StationErrorOptions } from '../../contract/index.ts';

/** Why a telegram was refused; each is listed in docs/errors.md. */
export type SmlErrorCode =
  'sml.cut' | 'sml.too_long' | 'sml.escape' | 'sml.checksum' | 'sml.message_checksum' | 'sml.malformed';

/** A telegram, or a part of one, is not what SML 1.04 (BSI TR-03109-1, annex IV) says. */
export class SmlError extends StationError {
  declare readonly code: SmlErrorCode;
  constructor(code: SmlErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}
