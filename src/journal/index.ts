export {
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
  type Checkpoint,
  type CheckpointSigner,
} from './note/checkpoint.ts';
export {
  decodeEntry,
  encodeEntry,
  ENTRY_CONTENT_TYPE,
  entryVerifier,
  MAX_ENTRY_BYTES,
  verifyEntry,
  type DecodedEntry,
} from './entry/cose-sign1.ts';
export { entryLength } from './entry/entry-sequence.ts';
export {
  checkedRotation,
  rotationIn,
  rotationStatement,
  signRotation,
  verifyRotation,
  type VerifiedRotation,
} from './entry/key-rotation.ts';
export { KeyHistory, readKeyHistory, type SigningKey } from './key-history.ts';
export { readLogIdentity, type LogIdentity } from './log-identity.ts';
export { rotateKey } from './rotate-key.ts';
export { entryKeyId, type JournalSigner } from './entry/ed25519.ts';
export { correctedTime, timeAnchors, type CorrectedTime, type TimeAnchors } from './entry/corrected-time.ts';
export * from './entry/entry-types.ts';
export { readKernelBootId } from './boot-id.ts';
export { noteDamage } from './recovery/damage-flag.ts';
export type { KnownTree } from './recovery/high-water.ts';
export { HIGH_WATER_FILE, highWaterFile, raiseHighWater, readHighWater } from './recovery/high-water-file.ts';
export type { MonotonicCounter } from './recovery/monotonic-counter.ts';
export { nextScrub, scrubEntries, type FoundDamage, type ScrubRange } from './recovery/scrub.ts';
export { hasTpm, tpmCounter, type TpmCounterOptions } from './recovery/tpm-counter.ts';
export { firstLogOrigin, logNumber } from './recovery/origin-chain.ts';
export type { StartReason } from './recovery/start-reason.ts';
export { signerOfDamaged } from './recovery/log-keys.ts';
export { setAsideKeylessLog, type KeptLog } from './recovery/after-loss.ts';
export { recoverJournal, type RecoverOptions, type Recovery } from './recovery/recover-journal.ts';
export type { OnRecoveryProgress, RecoveryProgress } from './recovery/recovery-progress.ts';
export { diskRoom } from './store/disk-reserve.ts';
export { journalDiskBytes } from './store/disk-size.ts';
export { syncJournal } from './store/sync-journal.ts';
export { treeToSign, type LogToSign } from './tree-to-sign.ts';
export { declarationFault, holeDeclaration, type HoleDeclaration } from './entry/hole-declaration.ts';
export { entryToJson, formatTime } from './entry/entry-json.ts';
export { JournalError, type JournalErrorCode } from './errors.ts';
export { openJournal } from './journal.ts';
export {
  DEFAULT_GROUP_COMMIT_ENTRIES,
  DEFAULT_GROUP_COMMIT_MS,
  type Durability,
  type HighWaterOptions,
  type Journal,
  type JournalClock,
  type JournalOptions,
  type JournalStamp,
  type SignedCheckpoint,
} from './journal-port.ts';
export {
  journalFigures,
  type FiguresWanted,
  type FlashFigures,
  type JournalFigures,
} from './journal-figures.ts';
export {
  openJournalReader,
  type EntryTime,
  type JournalReader,
  type JournalStat,
  type StoredEntry,
} from './journal-reader.ts';
export type { RetentionLimits, RetentionOutcome } from './retention/retain.ts';
export { readExportMark, writeExportMark } from './retention/export-mark.ts';
export {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyClaim,
  type InclusionClaim,
  type NodeReader,
} from './tree/merkle-tree.ts';
export {
  RangeHashes,
  rangeProof,
  subtreesOf,
  verifyRange,
  type RangeClaim,
  type RangeProof,
  type Subtree,
} from './tree/range-proof.ts';
export {
  formatSignedNote,
  formatVerifierKey,
  noteKeyId,
  parseSignedNote,
  parseVerifierKey,
  signNoteText,
  verifyNote,
  type NoteKey,
  type NoteSignature,
  type SignedNote,
} from './note/signed-note.ts';
export { formatTlogProof, parseTlogProof, type TlogProof } from './note/tlog-proof.ts';
export { findJournalWriter, type JournalWriter } from './store/writer-lock-probe.ts';
export { verifyJournal, type AuditOptions, type JournalAudit } from './verify.ts';
export { logPace, type LogPace } from './wear/log-pace.ts';
export {
  bytesPerEntry,
  projectedLifeDays,
  writeRate,
  type WearFacts,
  type WriteRate,
} from './wear/wear-estimate.ts';
export { emmcHealth, writtenBytes, type EmmcHealth, type WrittenBytes } from './wear/written-bytes.ts';
