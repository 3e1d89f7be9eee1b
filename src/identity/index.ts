export {
  envelopeKeyId,
  isSignedBy,
  readEnvelope,
  sealEnvelope,
  type Envelope,
  type EnvelopeKey,
  type EnvelopePayload,
} from './cose-envelope.ts';
export { verifyEd25519, type BackgroundKey, type Ed25519Key } from './ed25519.ts';
export { IdentityError, type IdentityErrorCode } from './errors.ts';
export { runTool, ToolFailure, type ToolCommand } from './run-tool.ts';
export { SEAL_KINDS, type SealKind } from './seed-record.ts';
export { retiredSeeds, setAsideSeed } from './seed-slots.ts';
export { SeedStore, type SeedOptions, type SeedPlace } from './seed-store.ts';
export { decodeSs58, encodeSs58, GENERIC_SS58_PREFIX } from './ss58.ts';
export {
  createRootSeed,
  identityAt,
  identityFromSeed,
  loadIdentity,
  type ChainAccount,
  type LoadIdentityOptions,
  type OcmfKey,
  type StationIdentity,
} from './station-identity.ts';
