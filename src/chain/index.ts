export * from './anchor-evidence.ts';
export * from './errors.ts';
export { buildExtrinsicProof, verifyExtrinsicProof, type ProofVerdict } from './extrinsic-proof.ts';
export { decodeHeader, type BlockHeader } from './header.ts';
export { ProofError, type ProofErrorCode } from './proof-error.ts';
