export { SyncError, type SyncErrorCode } from './errors.ts';
export type { Attempt, Intent, IntentState } from './intent.ts';
export type {
  ChainAccount,
  ChainOptions,
  CheckpointSource,
  Gateway,
  OpenGateway,
  SyncOptions,
  SyncTiming,
} from './ports.ts';
export {
  anchorCovering,
  readSyncStatus,
  type AnchorSummary,
  type OpenIntentSummary,
  type StoredSyncStatus,
  type SyncFailure,
  type SyncStatus,
} from './status.ts';
export { openSync, type Sync, type SyncOutcome } from './sync.ts';
