export * from './anchor-call.ts';
export * from './anchor-evidence.ts';
export { bootNodeProblem } from './boot-node.ts';
export * from './errors.ts';
export { buildExtrinsicProof, verifyExtrinsicProof, type ProofVerdict } from './extrinsic-proof.ts';
export type { GatewayPlace, GatewaySocket } from './gateway-body.ts';
export * from './gateway-process.ts';
export { decodeHeader, type BlockHeader } from './header.ts';
export { ProofError, type ProofErrorCode } from './proof-error.ts';
export {
  type AccountFacts,
  type BlockRef,
  type CallName,
  type ChainFacts,
  type ChainTransport,
  type GatewayEvent,
  type Located,
  type OperationName,
  type OperationParams,
  MAX_EXTRINSIC_BYTES,
  type OperationResult,
  type PreparedExtrinsic,
  type SigningFields,
  REMARK,
  transportSchema,
} from './protocol.ts';
export { concatBytes, encodeBytes, encodeCompact, equalBytes } from './scale.ts';
export { blake2b256 } from './substrate-trie.ts';
export {
  additionalSignedOf,
  decodeSignedExtrinsic,
  endsWithCall,
  genesisHashIn,
  remarkCallOf,
  signedMessageOf,
  type RemarkCall,
  type SignedExtrinsic,
} from './signed-extrinsic.ts';
