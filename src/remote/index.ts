export {
  COMMANDS,
  type Command,
  type CommandName,
  type CommandParameters,
  type Permission,
} from './command-catalogue.ts';
export {
  ENTRIES_CONTENT_TYPE,
  MAX_CHUNK_BYTES,
  MAX_CREDIT,
  MAX_PIECE_BYTES,
  type CreditMessage,
  type EntriesParameters,
  type TransferBegin,
  type TransferEnd,
  type TransferEndReason,
  type TransferGone,
  type TransferPiece,
} from './entries-transfer.ts';
export { RemoteError, type RemoteErrorCode } from './errors.ts';
export type { ResponseError, ResponsePart } from './response.ts';
