import type { Log, MeterSample, MonotonicClock } from '../../hal/contract/index.ts';
import { parseBrokerUrl } from './broker-url.ts';
import type { CredentialFiles } from './credential-files.ts';
import type { SampleStamp, StationBirth } from './documents.ts';
import type { TelemetryErrorCode } from './errors.ts';
import type { TelemetryLimits } from './limits.ts';
import { MqttTelemetry } from './mqtt-telemetry.ts';
import type { StateDocumentOf } from './state-documents.ts';
import type { StateTopic } from './topics.ts';

export interface TelemetryOptions {
  /** `mqtt://host[:port]` or `mqtts://host[:port]`. */
  readonly url: string;
  readonly stationName: string;
  readonly birth: StationBirth;
  /** Default: `delmonicos-<station>`. No two clients of one broker may share it. */
  readonly clientId?: string;
  readonly credentials?: CredentialFiles;
  /** Name that the broker's certificate must carry; default: the host of the URL. */
  readonly serverName?: string;
  readonly limits?: Partial<TelemetryLimits>;
  /**
   * Called with what was published to `config/set`, at most `maxConfigurationBytes`; must not throw. Without it the station
   * subscribes to nothing.
   */
  readonly onConfiguration?: ((payload: Uint8Array) => void) | undefined;
}

export interface TelemetryPorts {
  readonly clock: MonotonicClock;
  /** Uniform in [0, 1); spreads reconnects, guards no secret. */
  readonly random: () => number;
  readonly log: Log;
}

export interface TelemetryStatistics {
  readonly connected: boolean;
  /** Of the current session, or of the next attempt. */
  readonly protocolVersion: '5' | '3.1.1';
  /** Messages that the broker acknowledged. */
  readonly sent: number;
  /** Samples given up since the start; they are in the journal. */
  readonly dropped: number;
  /** Messages waiting or in flight. */
  readonly queued: number;
  /** Sessions opened since the start. */
  readonly sessions: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Why there is no session, while there is none. */
  readonly failure?: TelemetryErrorCode;
}

/** All methods return at once and never throw because of the network or the broker. */
export interface Telemetry {
  /** Queues one reading; at the bound the oldest waiting one is dropped and counted. */
  publishSample(meterId: string, sample: MeterSample, stamp?: SampleStamp): void;
  /**
   * Sets the retained document of a topic; the latest wins and one that the broker has is not sent again.
   * @throws RangeError for a topic that is not in the contract.
   */
  publishState<Topic extends StateTopic>(topic: Topic, document: StateDocumentOf<Topic>): void;
  statistics(): TelemetryStatistics;
  /** Delivers what waits, publishes the offline status and disconnects, within `closeTimeoutMs`. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts telemetry: connects in the background, for as long as it takes.
 * @throws TelemetryError `config.telemetry_url` when the URL is not one of a broker. Nothing else is reported by throwing.
 */
export function openTelemetry(options: TelemetryOptions, ports: TelemetryPorts): Telemetry {
  const station = new MqttTelemetry(options, parseBrokerUrl(options.url), ports);
  station.start();
  return station;
}
