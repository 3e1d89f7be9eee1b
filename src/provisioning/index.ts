export {
  admit,
  judgeArrival,
  type Admission,
  type AdmissionFacts,
  type Arrival,
  type ArrivalFacts,
} from './admit-configuration.ts';
export {
  ConfigurationDesk,
  type ArrivalMoment,
  type ConfigurationResult,
  type DeskOptions,
} from './configuration-desk.ts';
export { ConfigurationFolder } from './configuration-folder.ts';
export {
  effectiveConfiguration,
  type ConfigurationPlace,
  type ConfigurationProblem,
  type EffectiveConfiguration,
  type EffectiveOptions,
} from './effective-configuration.ts';
export { ProvisioningError, type ProvisioningErrorCode } from './errors.ts';
export { incomingFiles, putIncoming, removeIncoming, type IncomingFile } from './incoming-files.ts';
export { OEM_KEYS_FILE, oemKeysBeside, parseOemKeys, readOemKeys } from './oem-keys.ts';
export { MAX_TRIALS, missing, type ConfigurationNews, type Needs, type TrialFacts } from './probation.ts';
export {
  ANY_STATION,
  MAX_CONFIGURATION_BYTES,
  readConfiguration,
  signConfiguration,
  type ReadConfiguration,
  type SignedConfiguration,
} from './signed-configuration.ts';
