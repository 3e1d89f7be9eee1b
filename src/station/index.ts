export { beginAfterLoss, type LossOrder, type NewBeginning } from './begin-after-loss.ts';
export { openAnchoring, type AnchoringParts } from './open-anchoring.ts';
export { diskFacts, flashFacts } from './machine-facts.ts';
export { openMeters, profilesOf, type OpenMeters, type Profiles } from './open-meters.ts';
export { openEvidence, type ConfigReason, type Evidence, type OpenEvidenceOptions } from './open-evidence.ts';
export { loadConfiguration, type Configuration, type ConfigurationPlace } from './load-configuration.ts';
export type { OnStationPhase, StationPhase } from './station-phase.ts';
export type { StationEvent } from './station-event.ts';
export {
  rotateStationKey,
  type Rotation,
  type RotationOrder,
  type RotationStep,
} from './rotate-station-key.ts';
export type { EvidenceFacts } from './acknowledged-evidence.ts';
export { startStation, type Station, type StationFacts, type StationOptions } from './station.ts';
export { highWaterOf, signedForChain } from './known-elsewhere.ts';
export { RunRequests } from './run-requests.ts';
export { Supervisor, type RunEnd, type StartOrder, type SuperviseOptions } from './supervise-station.ts';
