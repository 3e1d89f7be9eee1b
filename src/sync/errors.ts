import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Why syncing could not go on; each is listed in docs/errors.md. */
export type SyncErrorCode =
  | 'sync.locked'
  | 'sync.outbox_damaged'
  | 'sync.outbox_missing'
  | 'sync.outbox_newer'
  | 'sync.payload_refused'
  | 'sync.extrinsic_refused'
  | 'sync.evidence_refused'
  | 'sync.no_funds'
  | 'sync.stalled'
  | 'sync.stopped';

export class SyncError extends StationError {
  declare readonly code: SyncErrorCode;
  constructor(code: SyncErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}
