import type { MeterSample } from '../../../hal/contract/index.ts';
import type {
  HealthDocument,
  JournalDocument,
  LineStatusDocument,
  MeterStatusDocument,
  StationStateDocument,
  SyncDocument,
} from '../contract/state-documents.ts';

/** What the figures are made of: the newest of each document that also goes to a broker, and the newest reading of each meter. */
export interface MetricFacts {
  readonly station: string;
  readonly version: string;
  /** Of the station's identity, hexadecimal. */
  readonly publicKey: string;
  /** Whether there is one in the configuration. */
  readonly hasBroker: boolean;
  readonly nowMonoMs: number;
  readonly state: StationStateDocument | undefined;
  readonly journal: JournalDocument | undefined;
  readonly sync: SyncDocument | undefined;
  readonly health: HealthDocument | undefined;
  readonly meters: ReadonlyMap<string, MeterStatusDocument>;
  readonly lines: ReadonlyMap<string, LineStatusDocument>;
  readonly samples: ReadonlyMap<string, MeterSample>;
}
