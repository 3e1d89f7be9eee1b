import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. What is wrong with a receipt is no error: it is a failed check in the report. */
export type ReceiptErrorCode =
  'receipt.empty' | 'receipt.inconsistent' | 'receipt.no_session' | 'receipt.session_running';

export class ReceiptError extends StationError {
  declare readonly code: ReceiptErrorCode;
  constructor(code: ReceiptErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
