export * from './anchor-evidence.ts';
export * from './errors.ts';
export { buildExtrinsicProof, verifyExtrinsicProof, type ProofVerdict } from './extrinsic-proof.ts';
export * from './gateway-process.ts';
export { decodeHeader, type BlockHeader } from './header.ts';
export { ProofError, type ProofErrorCode } from './proof-error.ts';
export {
  type AccountFacts,
  type BlockRef,
  type ChainFacts,
  type ChainTransport,
  type GatewayEvent,
  type Located,
  type OperationName,
  type OperationParams,
  type OperationResult,
  type PreparedExtrinsic,
  type SigningFields,
  transportSchema,
} from './protocol.ts';
export { concatBytes, encodeBytes, encodeCompact, equalBytes } from './scale.ts';
export { blake2b256 } from './substrate-trie.ts';
export {
  additionalSignedOf,
  decodeSignedExtrinsic,
  genesisHashIn,
  remarkCallOf,
  signedMessageOf,
  type RemarkCall,
  type SignedExtrinsic,
} from './signed-extrinsic.ts';
