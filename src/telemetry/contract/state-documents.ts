import type {
  CONFIGURATION_RESULT,
  HEALTH_CHANGE,
  HEALTH_DOCUMENT,
  JOURNAL_DOCUMENT,
  LINE_STATUS,
  LOG_LINE,
  METER_STATUS,
  Published,
  Sent,
  STATION_STATE,
  SYNC_DOCUMENT,
} from './schemas/index.ts';
import type { NoteTopic } from './topics.ts';

// The types of what a station makes, from the schemas of the contract (schemas/): imported as types only, so that the schemas
// themselves are not loaded on a device.

/**
 * The retained documents that the station fills. Keys are added, never renamed or removed, within `delmonicos/v1`;
 * readers ignore keys they do not know. `null` is "there is none", never a stand-in for zero.
 */
export interface StateDocuments {
  readonly state: StationStateDocument;
  readonly journal: JournalDocument;
  readonly sync: SyncDocument;
  readonly health: HealthDocument;
  readonly 'config/result': ConfigurationResultDocument;
}

export type StationStateDocument = Published<typeof STATION_STATE>;
export type JournalDocument = Published<typeof JOURNAL_DOCUMENT>;
export type SyncDocument = Published<typeof SYNC_DOCUMENT>;
/** The same list as `delmonicos doctor` shows (docs/faults.md). */
export type HealthDocument = Published<typeof HEALTH_DOCUMENT>;
/** What became of a signed configuration (docs/provisioning.md). */
export type ConfigurationResultDocument = Published<typeof CONFIGURATION_RESULT>;
export type MeterStatusDocument = Published<typeof METER_STATUS>;
export type LineStatusDocument = Published<typeof LINE_STATUS>;
export type BootReason = StationStateDocument['boot']['reason'];

/** One line of the log. */
export type LogDocument = Sent<typeof LOG_LINE>;
/** A fault is raised or cleared. */
export type HealthChangeDocument = Sent<typeof HEALTH_CHANGE>;

/** The document that belongs to a topic. */
export type StateDocumentOf<Topic extends string> = Topic extends keyof StateDocuments
  ? StateDocuments[Topic]
  : Topic extends `lines/${string}`
    ? LineStatusDocument
    : MeterStatusDocument;

/** What belongs to a topic whose messages are said once. */
export type NoteDocumentOf<Topic extends NoteTopic> = Topic extends 'log'
  ? LogDocument
  : HealthChangeDocument;
