export { type BrokerAddress, parseBrokerUrl } from './broker-url.ts';
export type { CredentialFiles } from './credential-files.ts';
export {
  encodeDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type SampleStamp,
  type SessionFacts,
  type StationBirth,
} from './documents.ts';
export { TelemetryError, type TelemetryErrorCode } from './errors.ts';
export { DEFAULT_LIMITS, type TelemetryLimits } from './limits.ts';
export type {
  HealthDocument,
  ConfigurationResultDocument,
  JournalDocument,
  MeterStatusDocument,
  StateDocumentOf,
  StateDocuments,
  StationStateDocument,
  SyncDocument,
} from './state-documents.ts';
export {
  openTelemetry,
  type Telemetry,
  type TelemetryOptions,
  type TelemetryPorts,
  type TelemetryStatistics,
} from './telemetry.ts';
export {
  CONFIGURATION_TOPIC,
  decodeLevel,
  encodeLevel,
  sampleTopic,
  stateTopic,
  type StateTopic,
  stationPrefix,
  statusTopic,
  TOPIC_ROOT,
  type TopicRule,
  TOPICS,
} from './topics.ts';
