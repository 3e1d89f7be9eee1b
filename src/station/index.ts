export { beginAfterLoss, type LossOrder, type NewBeginning } from './evidence/begin-after-loss.ts';
export { openAnchoring, type AnchoringParts } from './sync/open-anchoring.ts';
export { diskFacts, flashFacts } from './health/machine-facts.ts';
export { openMeters, profilesOf, type OpenMeters, type Profiles } from './meters/open-meters.ts';
export {
  composeReceipt,
  type ComposedReceipt,
  type ReceiptParts,
  type ReceiptSubject,
} from './evidence/compose-receipt.ts';
export {
  openEvidence,
  type ConfigReason,
  type Evidence,
  type OpenEvidenceOptions,
} from './evidence/open-evidence.ts';
export {
  loadConfiguration,
  type Configuration,
  type ConfigurationPlace,
} from './configuration/load-configuration.ts';
export type { OnStationPhase, StationPhase } from './lifecycle/station-phase.ts';
export type { StationEvent } from './station-event.ts';
export {
  rotateStationKey,
  type Rotation,
  type RotationOrder,
  type RotationStep,
} from './keys/rotate-station-key.ts';
export type { EvidenceFacts } from './evidence/acknowledged-evidence.ts';
export type { Station, StationFacts } from './running-station.ts';
export type { StationOptions } from './station-options.ts';
export { startStation } from './station.ts';
export { highWaterOf, signedForChain } from './evidence/known-elsewhere.ts';
export { RunRequests } from './lifecycle/run-requests.ts';
export {
  Supervisor,
  type RunEnd,
  type StartOrder,
  type SuperviseOptions,
} from './lifecycle/supervise-station.ts';
