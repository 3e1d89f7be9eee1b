import type { MeterSample } from '../../../../hal/contract/index.ts';
import type {
  Announcement,
  NoteDocumentOf,
  NoteTopic,
  Reply,
  SampleStamp,
  StateDocumentOf,
  StateTopic,
  Telemetry,
  TelemetryStatistics,
} from '../../../telemetry/index.ts';
import type { DocumentBoard } from './document-board.ts';
import type { HomeAssistantNews } from './home-assistant-news.ts';

export interface Outlets {
  /** Where Prometheus looks. */
  readonly board?: DocumentBoard | undefined;
  readonly homeAssistant?: HomeAssistantNews | undefined;
  /** Of whatever else must end with telemetry. */
  readonly close: () => Promise<void>;
}

/** Telemetry whose documents are seen elsewhere, too, before they wait for the broker. */
export class TelemetryWithOutlets implements Telemetry {
  readonly #telemetry: Telemetry;
  readonly #outlets: Outlets;

  constructor(telemetry: Telemetry, outlets: Outlets) {
    this.#telemetry = telemetry;
    this.#outlets = outlets;
  }

  publishSample(meterId: string, sample: MeterSample, stamp?: SampleStamp): void {
    this.#outlets.board?.putSample(meterId, sample);
    this.#telemetry.publishSample(meterId, sample, stamp);
    const news = this.#outlets.homeAssistant?.of(meterId, sample);
    if (news !== undefined) this.#telemetry.announce(news);
  }

  publishState<Topic extends StateTopic>(topic: Topic, document: StateDocumentOf<Topic>): void {
    this.#outlets.board?.put(topic, document);
    this.#telemetry.publishState(topic, document);
  }

  publishNote<Topic extends NoteTopic>(topic: Topic, document: NoteDocumentOf<Topic>): void {
    this.#telemetry.publishNote(topic, document);
  }

  announce(announcement: Announcement): void {
    this.#telemetry.announce(announcement);
  }

  reply(reply: Reply): boolean {
    return this.#telemetry.reply(reply);
  }

  setChallenge(challenge: string): void {
    this.#telemetry.setChallenge(challenge);
  }

  statistics(): TelemetryStatistics {
    return this.#telemetry.statistics();
  }

  async close(): Promise<void> {
    await Promise.all([this.#outlets.close(), this.#telemetry.close()]);
  }
}
