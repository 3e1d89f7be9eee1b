import type { StationError } from '../../hal/contract/index.ts';
import type { HealthItem } from '../health/index.ts';
import type { Configuration } from './configuration/load-configuration.ts';
import type { EvidenceFacts } from './evidence/acknowledged-evidence.ts';
import type { MeterOnLineFacts } from './meters/line-neighbours.ts';

/** What says whether the service lives, besides the event loop itself. */
export interface StationFacts {
  /** In the order of the configuration. */
  readonly meters: readonly MeterOnLineFacts[];
  readonly evidence: EvidenceFacts;
}

export interface Station {
  /** What it runs with. */
  readonly configuration: Configuration;
  /** Cheap, and always answered. */
  facts(): StationFacts;
  /** The health list as it is now, worst first; never throws. */
  health(): readonly HealthItem[];
  /** Resolves, once, when no evidence can be stored any more before the service is started anew. */
  readonly failed: Promise<StationError>;
  /** A newer configuration does not hold, and this station goes on: its health list says so from now on. */
  noteNotTaken(error: unknown): void;
  /** Looks at signed configurations that were brought; what is accepted is taken by the next start. Never rejects. */
  takeIncoming(): Promise<void>;
  /** Commits what is waiting, before this returns. Rejects with JournalError when it cannot. */
  flush(): Promise<void>;
  /** Stops in an order that loses nothing: meters, journal, chain, telemetry. Never rejects, and ends within half a minute. */
  stop(): Promise<void>;
}
