export {
  COMMANDS,
  type Command,
  type CommandName,
  type CommandParameters,
  type Permission,
} from './command-catalogue.ts';
export {
  CHALLENGE_BYTES,
  COMMAND_CONTENT_TYPE,
  MAX_COMMAND_BYTES,
  NONCE_BYTES,
  readCommand,
  signCommand,
  type CommandToSign,
  type UnverifiedCommand,
} from './command-envelope.ts';
export {
  CommandGate,
  GATE_LIMITS,
  type GateLimits,
  type GateOptions,
  type Judgement,
} from './command-gate.ts';
export { COMMAND_BOUNDS, parseCommand } from './command-parameters.ts';
export { recordOfAccepted } from './command-record.ts';
export {
  ENTRIES_CONTENT_TYPE,
  MAX_CHUNK_BYTES,
  MAX_CREDIT,
  MAX_PIECE_BYTES,
  MAX_ROTATIONS,
  type CreditMessage,
  type EntriesParameters,
  type TransferBegin,
  type TransferEnd,
  type TransferEndReason,
  type TransferGone,
  type TransferPiece,
  type TransferRotations,
} from './entries-transfer.ts';
export { RemoteError, type RemoteErrorCode } from './errors.ts';
export {
  judgeCommand,
  MAX_VALIDITY_MS,
  type AcceptedCommand,
  type CommandFacts,
  type CommandLaw,
  type RefusedCommand,
} from './judge-command.ts';
export { parseOperators, type Operator } from './operators.ts';
export { REFUSAL_PACE, RefusalLedger, type RefusalPace } from './refusal-ledger.ts';
export type { ResponseError, ResponsePart } from './response.ts';
export { TokenBucket, type BucketSize } from './token-bucket.ts';
