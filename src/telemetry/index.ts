export { type BrokerAddress, parseBrokerUrl } from './session/broker-url.ts';
export { connectSocket, GuardedStream } from './session/broker-socket.ts';
export { readCredentials, type CredentialFiles, type Credentials } from './session/credential-files.ts';
export {
  afterFailure,
  afterSession,
  FIRST_ATTEMPT,
  type ProtocolLevel,
  type ReconnectState,
} from './session/reconnect-policy.ts';
export { endOf } from './session/session-end.ts';
export {
  encodeDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type SampleStamp,
  type SessionFacts,
  type StationBirth,
} from './contract/documents.ts';
export { windowDocument } from './contract/window-document.ts';
export { exchangeBytes, figuresIntervalMs, keepAliveMs } from './outgoing/pacing.ts';
export type { BudgetFigures, HeldBack } from './outgoing/outgoing-traffic.ts';
export type { MessageProperties } from './outgoing/outgoing-message.ts';
export type { HeardMessage, Listener } from './session/listeners.ts';
export { TelemetryError, type TelemetryErrorCode } from './errors.ts';
export { DEFAULT_LIMITS, type TelemetryLimits } from './limits.ts';
export type {
  BootReason,
  ConfigurationResultDocument,
  HealthChangeDocument,
  HealthDocument,
  JournalDocument,
  LineStatusDocument,
  LogDocument,
  MeterStatusDocument,
  NoteDocumentOf,
  StateDocumentOf,
  StateDocuments,
  StationStateDocument,
  SyncDocument,
} from './contract/state-documents.ts';
export {
  announceMeter,
  announceStation,
  type AnnouncedMeter,
  type AnnouncingStation,
  type Announcement,
  type Quantity,
} from './outlets/home-assistant.ts';
export type { MetricFacts } from './outlets/metric-facts.ts';
export { metricsText } from './outlets/metrics-text.ts';
export {
  openTelemetry,
  type Reply,
  type Telemetry,
  type TelemetryOptions,
  type BudgetKeeper,
  type TelemetryPorts,
  type TelemetryStatistics,
} from './telemetry.ts';
export {
  decodeLevel,
  encodeLevel,
  historyTopic,
  LISTENED,
  type NoteTopic,
  type ReplyTopic,
  sampleTopic,
  stateTopic,
  type StateTopic,
  stationPrefix,
  statusTopic,
  TOPIC_ROOT,
  type TopicRule,
  TOPICS,
} from './contract/topics.ts';
