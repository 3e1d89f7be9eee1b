import type { Log, MeterSample, MonotonicClock } from '../../hal/contract/index.ts';
import { parseBrokerUrl } from './session/broker-url.ts';
import type { CredentialFiles } from './session/credential-files.ts';
import type { SampleStamp, StationBirth } from './contract/documents.ts';
import type { TelemetryErrorCode } from './errors.ts';
import type { TelemetryLimits } from './limits.ts';
import { MqttTelemetry } from './mqtt-telemetry.ts';
import type { NoteDocumentOf, StateDocumentOf } from './contract/state-documents.ts';
import type { NoteTopic, ReplyTopic, StateTopic } from './contract/topics.ts';
import type { MessageProperties } from './outgoing/outgoing-message.ts';
import type { BudgetFigures } from './outgoing/outgoing-traffic.ts';
import type { Listener } from './session/listeners.ts';
import type { Announcement } from './outlets/home-assistant.ts';

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
  /** What telemetry may cost a day on the wire; null (default): nothing is held back, and every sample is sent. */
  readonly bytesPerDay?: number | null;
  /** Topics to listen to; without any the station subscribes to nothing. */
  readonly listeners?: readonly Listener[];
  /** Stands in `status`: what a command must carry to be fresh (src/remote). */
  readonly challenge?: string | undefined;
}

export interface TelemetryPorts {
  readonly clock: MonotonicClock;
  /** Uniform in [0, 1); spreads reconnects, guards no secret. */
  readonly random: () => number;
  readonly log: Log;
  /** Keeps what is left of the day's budget for the next service of this boot; without it each begins with a full one. */
  readonly budgetKeeper?: BudgetKeeper | undefined;
}

/** Neither throws. In memory, not on flash: it is written every second while there is traffic. */
export interface BudgetKeeper {
  /** What was written last; undefined: nothing, or it cannot be read. */
  read(): string | undefined;
  write(text: string): void;
}

/** An answer to whoever asked, at QoS 1, not retained. */
export interface Reply {
  readonly topic: ReplyTopic;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties;
  /** Called once: the broker has it, or it will not be sent any more. */
  readonly onSettled?: (outcome: 'delivered' | 'lost') => void;
}

export interface TelemetryStatistics {
  readonly connected: boolean;
  /** Of the current session, or of the next attempt. */
  readonly protocolVersion: '5' | '3.1.1';
  /** Messages that the broker acknowledged. */
  readonly sent: number;
  /** Samples given up since the start; they are in the journal. */
  readonly dropped: number;
  /** Lines of the log and changes of health given up since the start. */
  readonly notesDropped: number;
  /** Messages waiting or in flight. */
  readonly queued: number;
  /** Of these, sent and not acknowledged yet. */
  readonly inFlight: number;
  /** Sessions opened since the start. */
  readonly sessions: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Why there is no session, while there is none. */
  readonly failure?: TelemetryErrorCode;
  readonly budget: BudgetFigures;
}

/** All methods return at once and never throw because of the network or the broker. */
export interface Telemetry {
  /**
   * Takes one reading. With a budget, readings are put together until it allows a message; without one each is queued, and at the bound the
   * oldest waiting one is dropped and counted.
   */
  publishSample(meterId: string, sample: MeterSample, stamp?: SampleStamp): void;
  /**
   * Sets the retained document of a topic; the latest wins and one that the broker has is not sent again.
   * @throws RangeError for a topic that is not in the contract.
   */
  publishState<Topic extends StateTopic>(topic: Topic, document: StateDocumentOf<Topic>): void;
  /** Sets a retained document outside of `delmonicos/`, where Home Assistant looks for it. */
  announce(announcement: Announcement): void;
  /** Queues what is said once and kept by nobody: at the bound the oldest waiting one is dropped and counted. */
  publishNote<Topic extends NoteTopic>(topic: Topic, document: NoteDocumentOf<Topic>): void;
  /** Queues an answer. False when there is no room: one that was settled makes some, unless it is too large. */
  reply(reply: Reply): boolean;
  /** From now on another one stands in `status`. */
  setChallenge(challenge: string): void;
  /**
   * For so long (at most `maxWatchMs`) each sample of that meter is sent, or of all meters, as far as the operators' share of the budget
   * goes. Returns until when, on the monotonic clock.
   */
  watch(forMs: number, meterId?: string): number;
  /** How often figures of the retained documents should be renewed: what the budget allows for the documents that there are. */
  figuresEveryMs(): number;
  /** After 1.5 times this silence the broker publishes the last will. */
  keepAliveMs(): number;
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
