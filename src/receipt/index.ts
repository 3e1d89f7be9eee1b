export { CHECK_NAMES, type Check, type CheckName, type CheckResult } from './check.ts';
export { createReceipt, type ReceiptInput } from './create-receipt.ts';
export { ReceiptError, type ReceiptErrorCode } from './errors.ts';
export type { AnchoredBlock, BlockFinality, FinalityAnswer, FinalityInquiry } from './finality.ts';
export type { EnergyBetween } from './import-register.ts';
export {
  MAX_ENTRIES,
  MAX_RECEIPT_BYTES,
  RECEIPT_FILE_SUFFIX,
  RECEIPT_FORMATS,
  type Receipt,
} from './receipt-format.ts';
export {
  PICTURE_READINGS,
  selectingSession,
  selectSession,
  type SessionSelection,
  type SessionSource,
} from './session-selection.ts';
export type { SessionMoment, SessionSummary } from './session.ts';
export type { StatedValue, Statement } from './statement.ts';
export {
  anchoredBlockOf,
  receiptOf,
  verifyReceipt,
  type ReceiptReport,
  type VerifyOptions,
} from './verify-receipt.ts';
export { parseTrustedKey, type TrustedKey } from './trusted-key.ts';
