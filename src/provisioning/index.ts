export {
  admit,
  judgeArrival,
  type Admission,
  type AdmissionFacts,
  type Arrival,
  type ArrivalFacts,
} from './signed-configuration/admit-configuration.ts';
export {
  ConfigurationDesk,
  type ArrivalMoment,
  type ConfigurationResult,
  type DeskOptions,
} from './signed-configuration/configuration-desk.ts';
export { ConfigurationFolder } from './signed-configuration/configuration-folder.ts';
export {
  effectiveConfiguration,
  type ConfigurationPlace,
  type ConfigurationProblem,
  type EffectiveConfiguration,
  type EffectiveOptions,
} from './signed-configuration/effective-configuration.ts';
export { CredentialSeed, type CredentialOptions } from './first-boot/credential-seed.ts';
export { ProvisioningError, type ProvisioningErrorCode } from './errors.ts';
export {
  assertNoReset,
  factoryReset,
  isResetUnfinished,
  unfinishedResetOf,
  type Reset,
  type ResetOrder,
  type ResetStep,
} from './factory-reset/factory-reset.ts';
export {
  firstBoot,
  RECORD_FILE,
  type FirstBoot,
  type FirstBootOrder,
  type FirstBootStep,
  type SeedHome,
} from './first-boot/first-boot.ts';
export {
  incomingFiles,
  putIncoming,
  removeIncoming,
  type IncomingFile,
} from './signed-configuration/incoming-files.ts';
export { OEM_KEYS_FILE, oemKeysBeside, parseOemKeys, readOemKeys } from './signed-configuration/oem-keys.ts';
export {
  MAX_TRIALS,
  missing,
  type ConfigurationNews,
  type Needs,
  type TrialFacts,
} from './signed-configuration/probation.ts';
export {
  MAX_RECORD_BYTES,
  signRecord,
  verifyRecord,
  type ProvisioningRecord,
} from './first-boot/provisioning-record.ts';
export { codeAsSvg, codeAsText, installerUri } from './first-boot/installer-code.ts';
export {
  ANY_STATION,
  MAX_CONFIGURATION_BYTES,
  readConfiguration,
  signConfiguration,
  type ReadConfiguration,
  type SignedConfiguration,
} from './signed-configuration/signed-configuration.ts';
