import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Why syncing could not go on; each is listed in docs/errors.md. */
export type SyncErrorCode =
  | 'sync.bad_request'
  | 'sync.not_final_yet'
  | 'sync.locked'
  | 'sync.outbox_damaged'
  | 'sync.outbox_missing'
  | 'sync.outbox_newer'
  | 'sync.payload_refused'
  | 'sync.extrinsic_refused'
  | 'sync.evidence_refused'
  | 'sync.no_funds'
  | 'sync.fee_too_high'
  | 'sync.call_refused'
  | 'sync.stalled'
  | 'sync.too_many_signatures'
  | 'sync.stopped';

export class SyncError extends StationError {
  declare readonly code: SyncErrorCode;
  constructor(code: SyncErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}

export function outboxDamaged(why: string, cause?: unknown): SyncError {
  return new SyncError('sync.outbox_damaged', `the outbox is damaged: ${why}`, {
    remedy: 'operator',
    cause,
    hint: 'Nothing is sent until outbox.db is restored or moved aside; the journal is another file and goes on.',
  });
}
