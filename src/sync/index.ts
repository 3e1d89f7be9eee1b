export { SyncError, type SyncErrorCode } from './errors.ts';
export type { Attempt, Intent, IntentState } from './outbox/intent.ts';
export type {
  ChainAccount,
  ChainOptions,
  CheckpointSource,
  Gateway,
  EntrySource,
  OpenGateway,
  SyncOptions,
  SyncOutcome,
  SyncTiming,
} from './ports.ts';
export { SyncDesk, type SyncAnswer, type SyncRound } from './status/answer-request.ts';
export { amountInWords, bytesInWords, durationInWords } from './status/amounts-in-words.ts';
export { newLink, observeLink, type LinkStage, type LinkView } from './link/link-view.ts';
export {
  linkInWords,
  statusInWords,
  SYNC_STATES,
  type StateInWords,
  type SyncState,
} from './status/status-in-words.ts';
export { linkStatus } from './status/status-watch.ts';
export { SYNC_FAULT_CODES, type FaultEffect, type SyncFaultCode } from './status/sync-faults.ts';
export {
  anchorCovering,
  readSyncStatus,
  type AnchorSummary,
  type HeldBack,
  type LinkStatus,
  type OpenIntentSummary,
  type StoredSyncStatus,
  type SyncFailure,
  type SyncStatus,
  type SyncTraffic,
  type Traffic,
} from './status/status.ts';
export { readPublishedSize } from './planning/publisher.ts';
export { reopeningSync, type ReopeningOptions } from './reopening-sync.ts';
export { openSync, type Sync } from './sync.ts';
